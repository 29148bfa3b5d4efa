"""Stages behind each other: what a group's work makes, the next system carries."""

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import Field

from sim.foundation.config import Config, KeyPath
from sim.foundation.errors import LabError, nearest
from sim.scenario.products.base import Name, ProductSystem


class Edge(Config):
    """Each effect of a group is a message to another system, which gets no others.

    Or each of its dead letters is (`of: dead_letters`): a topic to which the brokers write what a
    share group has rejected or had too often (`errors.deadletterqueue.topic.name`).

    It is sent at the moment of the effect, with the key and size of the message that was worked on.
    A message that is processed twice is sent twice: who crashes between the effect and its
    acknowledgement, or commit, leaves a duplicate to the next stage. Unless `waits_for` says so,
    nothing flows back: whoever produces for the next stage holds as much as it has to, and its work
    does not wait for that one.
    """

    from_: str = Field(alias="from")
    """Whose effects: `system.group`."""
    to: Name
    """The system that carries them."""
    of: Literal["effects", "dead_letters"] = "effects"
    """What is sent on: effects of the group, or what it could not process, at the moment at which
    it became a dead letter. Of a share group of Kafka, whose topic of dead letters the system `to`
    is (its `producer` stands for the broker that writes)."""
    waits_for: Literal["nothing", "buffer", "acknowledgement"] = "nothing"
    """For what a consumer of `from` waits before it is done with a message, and takes the next.
    `buffer`: for its producer client to take what it sends, as `send()` of Kafka's Java client does
    (`buffer.memory`, `max.block.ms`); for a Kafka with a `publisher`. `acknowledgement`: for the
    next system to have it (`send().get()`, a publisher's confirm, the answer to SendMessage or
    PutRecords), or for its producer to give up. Then the next stage holds this one up: its lag
    grows. Such stages are run again and again until they agree on when each message was taken; if
    they do not, the run says so."""

    @property
    def letters(self) -> bool:
        """Whether it leads dead letters on."""
        return self.of == "dead_letters"

    @property
    def source(self) -> tuple[str, str]:
        """System and group whose effects are sent on."""
        system, _, group = self.from_.partition(".")
        return system, group


def edge_to(pipeline: Sequence[Edge], system: str) -> Edge | None:
    """Where a system gets its messages from; None: from the workload."""
    return next((edge for edge in pipeline if edge.to == system), None)


def edge_from(pipeline: Sequence[Edge], system: str, group: str) -> Edge | None:
    """Where a group's effects wait to be taken; None: they do not wait."""
    its = (edge for edge in pipeline if edge.source == (system, group))
    return next((edge for edge in its if edge.waits_for != "nothing"), None)


def awaited(pipeline: Sequence[Edge], system: str) -> bool:
    """Whether the stage before a system waits for it."""
    edge = edge_to(pipeline, system)
    return edge is not None and edge.waits_for != "nothing"


def sends_on(pipeline: Sequence[Edge], system: str, group: str) -> bool:
    """Whether a group's effects are messages to another system."""
    return any(edge.source == (system, group) and not edge.letters for edge in pipeline)


def stages_before(pipeline: Sequence[Edge], system: str) -> list[tuple[str, str]]:
    """System and group of each stage before a system, the first one first."""
    found: list[tuple[str, str]] = []
    while (edge := edge_to(pipeline, system)) is not None and edge.source not in found:
        found.insert(0, edge.source)
        system = edge.source[0]
    return found


def bad_edges(
    pipeline: Sequence[Edge], groups: Mapping[str, Sequence[str]]
) -> list[tuple[KeyPath, str]]:
    """What is wrong with a pipeline: where, and why.

    Args:
        pipeline: its edges.
        groups: of each system, its groups or queues that somebody reads.
    """
    found: list[tuple[KeyPath, str]] = []
    known = [f"{system}.{group}" for system, its in groups.items() for group in its]
    for i, edge in enumerate(pipeline):
        at: KeyPath = ("pipeline", i)
        for key, its, all_ in (("from", edge.from_, known), ("to", edge.to, list(groups))):
            if its not in all_:
                near = nearest(its, all_)
                hint = f"did you mean {near!r}?" if near else f"known: {', '.join(all_)}"
                found.append(((*at, key), f"{its!r} is not there; {hint}"))
        if any(other.to == edge.to for other in pipeline[:i]):
            why = f"{edge.to!r} gets messages from two groups; the lab knows one for each system"
            found.append(((*at, "to"), why))
        if edge.letters and edge.waits_for != "nothing":
            why = "a broker writes dead letters: the group does not wait for it"
            found.append(((*at, "waits_for"), why))
        if edge.waits_for != "nothing" and edge_from(pipeline[:i], *edge.source) is not None:
            why = "waits for one other system already; the lab knows one for each group"
            found.append(((*at, "waits_for"), f"{edge.from_!r} {why}"))
        system, seen = edge.source[0], {edge.to}
        while system not in seen and (before := edge_to(pipeline, system)) is not None:
            seen.add(system)
            system = before.source[0]
        if system in seen:
            found.append(((*at, "to"), f"{edge.to!r} would get what comes of its own messages"))
    return found


def not_a_dead_letter_queue(edge: Edge, systems: Mapping[str, ProductSystem | None]) -> str | None:
    """Why dead letters cannot be led on as an edge says; None: they can, or it leads none on."""
    system, group = edge.source
    one, other = systems.get(system), systems.get(edge.to)
    if not edge.letters or one is None or other is None or group not in one.readers:
        return None
    if (why := one.no_dead_letters(group)) is not None:
        return f"{edge.from_!r} {why}"
    if (why := other.takes_no_dead_letters) is not None:
        return f"{edge.to!r} {why}"
    return None


def refuse_pipeline(edges: Sequence[Edge], who: str) -> None:
    """Refuse what takes a system by itself, for which its messages come from another.

    Raises:
        LabError: the scenario has a pipeline.
    """
    if edges:
        raise LabError(
            f"{who} takes each system alone, and does not know `pipeline:`; give it a scenario of "
            "one stage, with the arrivals that come to it"
        )
