"""Who reads which partitions (KC-08): Kafka's assignors for one topic, in the order they work in.

Each takes the number of partitions and, for each member in order, what it had; and returns what
each is to have. Members are ordered as the consumers of the scenario are numbered; Kafka orders
them by member id, which is random, or by `group.instance.id`.

Sources: `RangeAssignor`, `RoundRobinAssignor` and `AbstractStickyAssignor` (its case of equal
subscriptions) of the Java client, and `UniformHomogeneousAssignmentBuilder` of the broker, in
apache/kafka 4.0.
"""

from collections.abc import Callable, Sequence

Owned = Sequence[Sequence[int]]
"""[members] partitions of each."""
Assignor = Callable[[int, Owned], list[list[int]]]


def assign_range(partitions: int, had: Owned) -> list[list[int]]:
    """Partitions in number order over members in order; the first get one extra."""
    share, extra = divmod(partitions, len(had)) if had else (0, 0)
    result, first = [], 0
    for rank in range(len(had)):
        n = share + (rank < extra)
        result.append(list(range(first, first + n)))
        first += n
    return result


def assign_roundrobin(partitions: int, had: Owned) -> list[list[int]]:
    """Partitions dealt to members in turn."""
    return [list(range(rank, partitions, len(had))) for rank in range(len(had))]


def assign_sticky(partitions: int, had: Owned) -> list[list[int]]:
    """Counts within one of each other, and of what each had as much as that allows.

    Whoever had more than the others first keeps the one that not everybody can have. What is free
    is dealt in turn, first to those below the least count and then one to each of the rest.
    """
    if not had:
        return []
    least, over = divmod(partitions, len(had))
    most = least + (over > 0)
    with_most = 0
    result: list[list[int]] = []
    below, at_least = [], []
    for rank, owned in enumerate(had):
        if len(owned) < least:
            keep = len(owned)
            below.append(rank)
        elif len(owned) >= most and with_most < over:
            keep = most
            with_most += 1
        else:
            keep = least
            at_least.append(rank)
        result.append(sorted(owned)[:keep])
    if with_most == over:
        at_least.clear()
    taken = {p for owned in result for p in owned}
    turn = iter(tuple(below))
    for p in (p for p in range(partitions) if p not in taken):
        rank = next(turn, -1)
        if rank < 0 and below:
            turn = iter(tuple(below))
            rank = next(turn)
        elif rank < 0:
            rank = at_least.pop(0)
        result[rank].append(p)
        if len(result[rank]) == least:
            if rank in below:
                below.remove(rank)
            at_least.append(rank)
        elif len(result[rank]) == most:
            with_most += 1
            if with_most == over:
                at_least.clear()
    return result


def assign_uniform(partitions: int, had: Owned) -> list[list[int]]:
    """The broker's: the first members may have one more; each keeps what its share allows.

    What is free goes to the members in order, each filled before the next.
    """
    if not had:
        return []
    least, over = divmod(partitions, len(had))
    taken = {p for owned in had for p in owned}
    free = [p for p in range(partitions) if p not in taken]
    result = []
    for rank, owned in enumerate(had):
        quota = least + (rank < over)
        kept = sorted(owned)
        free += kept[quota:]
        result.append(kept[:quota])
    at = 0
    for rank, kept in enumerate(result):
        lacks = least + (rank < over) - len(kept)
        kept += free[at : at + lacks]
        at += lacks
    return result


ASSIGNORS: dict[str, Assignor] = {
    "range": assign_range,
    "roundrobin": assign_roundrobin,
    "sticky": assign_sticky,
    "cooperative-sticky": assign_sticky,
    "uniform": assign_uniform,
}
"""By the names that `partition.assignment.strategy` and `group.remote.assignor` take."""
