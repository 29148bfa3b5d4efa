"""Whom a fault strikes in a run, and the one way from there to what it does to each kind."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sim.engine.environment import Steps
from sim.engine.system import BrokerSet, PublisherProcess, Upstream
from sim.injection import of_brokers, of_consumers, of_groups, of_publishers, of_queues, of_topics
from sim.injection.context import Context
from sim.injection.crew import Crew
from sim.scenario.faults.base import BrokerFault, Fault, GroupFault, PublisherFault
from sim.scenario.faults.queues import QueueFault
from sim.scenario.faults.topics import TopicFault


@dataclass(frozen=True)
class OneConsumer:
    """A place of a group, which its crew may have filled."""

    crew: Crew
    place: int

    @property
    def present(self) -> bool:
        """Whether it is in use."""
        return self.place in self.crew.wanted


@dataclass(frozen=True)
class WholeGroup:
    """All consumers of a group."""

    crew: Crew
    present = True


@dataclass(frozen=True)
class ThePublisher:
    """The process that publishes."""

    process: PublisherProcess
    crew = None
    present = True


@dataclass(frozen=True)
class OneBroker:
    """One of the brokers behind a publisher."""

    brokers: BrokerSet
    number: int
    crew = None
    present = True


@dataclass(frozen=True)
class TheTopic:
    """The topic of a system."""

    crew = None
    present = True


@dataclass(frozen=True)
class OneQueue:
    """A queue of a system."""

    name: str
    crew = None
    present = True


Target = OneConsumer | WholeGroup | ThePublisher | OneBroker | TheTopic | OneQueue


def targets(
    fault: Fault,
    system: str,
    crews: Mapping[str, Crew],
    upstream: Upstream | None,
    queues: Iterable[str] = (),
) -> list[Target]:
    """Everything in a system that a fault can strike, as its target names it.

    Args:
        fault: what happens.
        system: name.
        crews: of its groups.
        upstream: what stands in front of it, if that can fail.
        queues: its queues that dead-letter into each other.
    """
    if isinstance(fault, QueueFault):
        return [OneQueue(name) for name in queues if fault.strikes_queue(system, name)]
    if isinstance(fault, GroupFault):
        return [
            WholeGroup(crew) for name, crew in crews.items() if fault.strikes_group(system, name)
        ]
    if isinstance(fault, TopicFault):
        return [TheTopic()] if fault.strikes_topic(system) else []
    found: list[Target] = []
    if "consumer" in fault.kinds:
        found += [
            OneConsumer(crew, place)
            for name, crew in crews.items()
            for place in fault.struck(system, name, crew.fleet.size)
        ]
    if upstream is None:
        return found
    if "publisher" in fault.kinds and fault.strikes(system, "publisher", 0):
        found.append(ThePublisher(upstream.publisher))
    if "broker" in fault.kinds:
        found += [
            OneBroker(upstream.brokers, number)
            for number in range(upstream.brokers.count)
            if fault.strikes(system, "broker", number)
        ]
    return found


def doings(fault: Fault, hit: Sequence[Target], context: Context) -> Iterator[Steps]:
    """What a fault does to those that it hits: a process for each group, publisher and broker."""
    consumers = [target for target in hit if isinstance(target, OneConsumer)]
    for crew in dict.fromkeys(consumer.crew for consumer in consumers):
        places = [consumer.place for consumer in consumers if consumer.crew is crew]
        yield of_consumers.strike(fault, crew, places, context)
    if isinstance(fault, GroupFault):
        crews = [target.crew for target in hit if isinstance(target, WholeGroup)]
        for together in [crews] if fault.as_one else [[crew] for crew in crews]:
            yield of_groups.strike(fault, together, context)
    if isinstance(fault, TopicFault) and hit:
        yield of_topics.strike(fault, context)
    if isinstance(fault, QueueFault) and hit:
        yield of_queues.strike(fault, context)
    for target in hit:
        if isinstance(target, ThePublisher) and isinstance(fault, PublisherFault):
            yield of_publishers.strike(fault, target.process, context)
        elif isinstance(target, OneBroker) and isinstance(fault, BrokerFault):
            yield of_brokers.strike(fault, target.brokers, target.number, context)
