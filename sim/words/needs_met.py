"""What was seen of a system, held against the needs: met or not, and the numbers that say so.

What one run shows is judged here; `sim.advice` adds runs for the needs of which one run shows
nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, isnan

from sim.foundation.text import count, duration
from sim.measure.tables import Tables
from sim.scenario.needs import Needs, most


@dataclass(frozen=True)
class Seen:
    """What one run showed of one group."""

    group: str
    kind: str
    workers: int
    produced: int
    lost: int
    dead_lettered: int
    unfinished: int
    handed: int
    """Messages that it was handed at least once, those that it does not want among them."""
    double_effects: int
    violations: int
    delay_s: float
    """The quantile of the delay that is asked for; inf if messages are left over."""
    behind_s: float
    """Age of the oldest waiting message, at worst."""
    drain_s: float
    rate_per_s: float
    """Messages a second while a backlog stands; if none does, in the best step of the run."""
    unrecoverable: int
    """Messages that a seek back asked for and that were there no longer."""
    function: bool = False
    """A Lambda function does the work: it has no workers to count."""


def seen_of(
    tables: Tables,
    system: str,
    quantile: float,
    workers: Mapping[str, int] | None = None,
    functions: Collection[str] = (),
) -> list[Seen]:
    """What a run showed of each group of a system.

    Args:
        tables: of the run.
        system: name.
        quantile: of the delay.
        workers: of each group; None: the places that ever had one.
        functions: groups whose work a Lambda function does.
    """
    summary, latency = tables.summary, tables.latency
    late_enough = latency[(latency["system"] == system) & (latency["q"] >= quantile - 1e-12)]
    delay_s = late_enough.groupby("group", sort=False)["latency_s"].first()
    return [
        Seen(
            group=str(row["group"]),
            kind=str(row["kind"]),
            workers=int(row["consumers"]) if workers is None else workers[str(row["group"])],
            produced=int(row["produced"]),
            lost=int(row["lost"]),
            dead_lettered=int(row["dead_lettered"]),
            unfinished=int(row["unfinished"]),
            handed=int(row["deliveries"]) - int(row["extra_deliveries"]),
            double_effects=int(row["double_effects"]),
            violations=0 if isnan(row["violations"]) else int(row["violations"]),
            delay_s=inf if row["unfinished"] else float(delay_s[row["group"]]),
            behind_s=float(row["max_time_lag_s"]),
            drain_s=float(row["drain_s"]),
            rate_per_s=float(
                row["throughput_peak"] if isnan(row["rate_per_s"]) else row["rate_per_s"]
            ),
            unrecoverable=int(row["unrecoverable"]),
            function=str(row["group"]) in functions,
        )
        for row in summary[summary["system"] == system].to_dict("records")
    ]


def worst_of(seen: Sequence[Seen], column: str) -> Seen:
    """The group with the highest value."""
    return max(seen, key=lambda one: float(getattr(one, column)))


def total(seen: Sequence[Seen], column: str) -> int:
    """Over all groups."""
    return sum(getattr(one, column) for one in seen)


NOTHING_LEFT = "nothing is left"
"""What every scenario needs, and none states: each message ends somehow while the run lasts."""


PACE = ("max_delay", "drain", NOTHING_LEFT)
"""Needs that more workers may meet."""


@dataclass(frozen=True)
class Judgement:
    """One need, held against one system."""

    need: str
    """As in the scenario: `order: per_key`; or `NOTHING_LEFT`."""
    met: bool
    said: str
    """What was seen, as a clause."""
    value: float
    """The same as a number; inf: without an end."""
    bound: float
    """What it may be at most."""
    unit: str
    """Of both: messages, s, or share (of the messages)."""


def missed(unmet: Sequence[Judgement]) -> str:
    """What of the needs is not met, in words; what is left goes before the delay that it has."""
    left = [judgement.said for judgement in unmet if judgement.need == NOTHING_LEFT]
    others = [
        f"{judgement.said} ({judgement.need})"
        for judgement in unmet
        if judgement.need != NOTHING_LEFT and not (left and judgement.value == inf)
    ]
    return "; ".join([*left, *others])


def keeps_pace(needs: Needs, seen: Seen) -> bool:
    """Whether a group was quick enough: for more workers, the only needs that count."""
    if seen.unfinished:
        return False
    if needs.drain is not None and seen.drain_s > needs.drain:
        return False
    return needs.max_delay is None or seen.delay_s <= needs.max_delay


def judge(
    needs: Needs,
    seen: Sequence[Seen],
    *,
    halting: Sequence[Seen] | None = None,
    replayed: Sequence[Seen] | None = None,
    slowed: Sequence[tuple[str, Sequence[Seen]]] = (),
) -> list[Judgement]:
    """That nothing is left in the end (`NOTHING_LEFT`), then every need that the scenario states.

    Args:
        needs: of the scenario.
        seen: of each group.
        halting: the same with twice the workers of each group, and at least four, of which the
            first stands still for five seconds now and then. What is in order only as long as a
            single worker does all, or none ever halts, does not keep order.
        replayed: the same with a seek to the beginning at the end of arrivals.
        slowed: further trials, in each of which the job named takes twenty times as long.
    """
    judged = [_finished(seen)]
    if needs.max_delay is not None:
        judged.append(_quick(needs, needs.max_delay, seen))
    if needs.drain is not None:
        judged.append(_drained(needs.drain, seen))
    if needs.loss != "some":
        judged.append(_kept(needs, seen))
    if needs.dead_letters != "some":
        judged.append(_not_aside(needs, seen))
    if needs.double_effects == "none":
        judged.append(_once(seen))
    if needs.order != "none":
        judged.append(_in_order(needs, seen, halting))
    if needs.replay == "required" and replayed is not None:
        judged.append(_still_there(replayed))
    if needs.routing and needs.unwanted == "none":
        judged.append(_routed(seen))
    if needs.readers == "independent":
        judged += [_independent(needs, seen, job, other) for job, other in slowed]
    return judged


def _of(part: int, whole: int) -> str:
    return f"{count(part)} of {count(whole)} messages"


def _where(seen: Sequence[Seen], which: Seen) -> str:
    return f" in {which.group}" if len(seen) > 1 else ""


def _with_team(seen: Seen) -> str:
    if seen.function:
        return ""
    return f" with {seen.workers} worker{'' if seen.workers == 1 else 's'}"


def _is_are(n: int) -> str:
    return "is" if n == 1 else "are"


def _finished(seen: Sequence[Seen]) -> Judgement:
    worst = worst_of(seen, "unfinished")
    n = worst.unfinished
    said = (
        f"{_of(n, worst.produced)} {_is_are(n)} still unprocessed{_where(seen, worst)} when the "
        "run ends"
    )
    return _judged(NOTHING_LEFT, n, 0, "messages", said if n else _done(seen))


def _done(seen: Sequence[Seen]) -> str:
    """How everything ended, where nothing is left."""
    aside, lost = total(seen, "dead_lettered"), total(seen, "lost")
    ended = [
        f"{count(n)} {_is_are(n)} {how}"
        for n, how in ((aside, "dead-lettered"), (lost, "lost"))
        if n
    ]
    if not ended:
        return "everything is processed"
    return f"{' and '.join(ended)}, everything else is processed"


def _quick(needs: Needs, max_delay_s: float, seen: Sequence[Seen]) -> Judgement:
    worst = worst_of(seen, "delay_s")
    which = "every message" if needs.quantile == 1 else f"{100 * needs.quantile:.6g} %"
    said = (
        f"{which} within {duration(worst.delay_s)}{_where(seen, worst)}"
        if worst.unfinished == 0
        else f"at the end some still wait{_where(seen, worst)}"
    )
    if worst.delay_s > max_delay_s:
        said += f"{_with_team(worst)}, where {duration(max_delay_s)} are allowed"
    return _judged(f"max_delay: {duration(max_delay_s)}", worst.delay_s, max_delay_s, "s", said)


def _drained(limit_s: float, seen: Sequence[Seen]) -> Judgement:
    worst = worst_of(seen, "drain_s")
    said = f"drained {duration(worst.drain_s)} after arrivals end{_where(seen, worst)}"
    return _judged(f"drain: {duration(limit_s)}", worst.drain_s, limit_s, "s", said)


def _kept(needs: Needs, seen: Sequence[Seen]) -> Judgement:
    judged = _at_most("loss", needs.loss, seen, "lost", "lost")
    aside = total(seen, "dead_lettered")
    if not aside or needs.dead_letters != "some":  # else it is said of `dead_letters`
        return judged
    return replace(judged, said=f"{judged.said}, {count(aside)} dead-lettered")


def _not_aside(needs: Needs, seen: Sequence[Seen]) -> Judgement:
    return _at_most("dead_letters", needs.dead_letters, seen, "dead_lettered", "dead-lettered")


def _at_most(
    need: str, tolerance: str | float, seen: Sequence[Seen], column: str, how: str
) -> Judgement:
    """So many messages at most ended in a way that is not wanted, in each group."""
    limit = most(tolerance)

    def value(one: Seen) -> float:
        return limit.of(getattr(one, column), one.produced)

    worst = max(seen, key=value)
    n = getattr(worst, column)
    said = f"{_of(n, worst.produced)} {_is_are(n)} {how}{_where(seen, worst)}"
    unit = "share" if limit.of_produced else "messages"
    return _judged(
        f"{need}: {limit.said}", value(worst), limit.value, unit,
        said if n else f"no message is {how}",
    )  # fmt: skip


def _once(seen: Sequence[Seen]) -> Judgement:
    worst = worst_of(seen, "double_effects")
    n = worst.double_effects
    said = f"{count(n)} duplicate{'' if n == 1 else 's'} {_is_are(n)} applied{_where(seen, worst)}"
    said = said if n else "no duplicate is applied"
    return _judged("double_effects: none", n, 0, "messages", said)


def _in_order(needs: Needs, seen: Sequence[Seen], halting: Sequence[Seen] | None) -> Judgement:
    alone_is_wrong = total(seen, "violations") > 0
    if halting is not None and not alone_is_wrong:
        seen = halting
    worst = worst_of(seen, "violations")
    n = worst.violations
    said = f"{_of(n, worst.produced)} {_is_are(n)} processed out of order{_where(seen, worst)}"
    how = "" if alone_is_wrong else ", one of which stands still for 5 s now and then"
    said = f"{said}{_with_team(worst)}{how}" if n else "no message is processed out of order"
    return _judged(f"order: {needs.order}", n, 0, "messages", said)


def _still_there(replayed: Sequence[Seen]) -> Judgement:
    worst = worst_of(replayed, "unrecoverable")
    n = worst.unrecoverable
    said = (
        f"of {count(worst.produced)} messages that are to be read again, "
        f"{count(n) if n < worst.produced else 'all'} are gone{_where(replayed, worst)}"
    )
    there = "everything is still there to be read again"
    return _judged("replay: required", n, 0, "messages", said if n else there)


def _routed(seen: Sequence[Seen]) -> Judgement:
    worst = max(seen, key=lambda one: one.handed / max(1, one.produced))
    met = worst.handed <= worst.produced
    said = (
        "each job is handed only the messages that it wants"
        if met
        else f"{worst.group} is handed {count(worst.handed)} messages, of which it wants "
        f"{count(worst.produced)}"
    )
    return _judged("routing", worst.handed, worst.produced, "messages", said)


def _independent(needs: Needs, seen: Sequence[Seen], job: str, slowed: Sequence[Seen]) -> Judgement:
    """The others keep their delay (or twice what it was) when one job takes far longer."""
    before = {one.group: one for one in seen}
    allowed_s = {
        group: max(needs.max_delay or 0.0, 2 * one.delay_s + 1.0) for group, one in before.items()
    }
    others = [one for one in slowed if one.group != job]
    worst = max(others, key=lambda one: (one.delay_s > allowed_s[one.group], one.delay_s))
    said = f"a slow {job} holds up no other job"
    if worst.delay_s > allowed_s[worst.group]:
        said = (
            f"when {job} takes twenty times as long, {worst.group} is delayed by "
            f"{duration(worst.delay_s)} instead of {duration(before[worst.group].delay_s)}"
        )
    return _judged("readers: independent", worst.delay_s, allowed_s[worst.group], "s", said)


def _judged(need: str, value: float, bound: float, unit: str, said: str) -> Judgement:
    return Judgement(need, value <= bound, said, value, bound, unit)
