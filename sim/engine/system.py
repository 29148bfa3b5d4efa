"""What a product preset is given by the lab, and offers to it: stages, fleets, outcomes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import simpy

from sim.engine.environment import Stage
from sim.engine.held_up import Taken
from sim.engine.outcome import Became, GroupOutcome, Publication
from sim.engine.waits import Limit
from sim.foundation.arrays import F32, F64, I32, Bools
from sim.foundation.units import Distribution
from sim.scenario.faults.groups import AutoscaleFault, ScaleFault
from sim.scenario.load import Scenario
from sim.scenario.scaling import fleet_size
from sim.traffic.backlog import done_before
from sim.traffic.generate import pool, service_s, stream
from sim.traffic.messages import Messages
from sim.traffic.windows import Windows

LOOKS = 200
"""How often one looks at a system while messages arrive, whether anything is left to do."""


class Sought(NamedTuple):
    """What a seek found."""

    asked: int
    """Messages of its place and later that there have been."""
    gone: int
    """How many of them are gone."""
    unread: int = 0
    """Messages before its place that nobody had processed or had in hand: nobody will have them."""


class Fleet(Protocol):
    """The consumers of one group or queue, as faults see them; they act at the present time."""

    @property
    def size(self) -> int:
        """Number of places for consumers: alive, dead, or not started yet (`capacity`)."""

    @property
    def useful(self) -> int | None:
        """Consumers beyond this number have nothing to do (partitions); None: there is no limit."""

    def alive(self, consumer: int) -> bool:
        """Whether its process runs; paused, cut off and about to end count."""

    def life(self, consumer: int) -> int:
        """Counts the processes of this place, to tell one from those before and after it."""

    def crash(self, consumer: int) -> None:
        """SIGKILL."""

    def terminate(self, consumer: int) -> None:
        """SIGTERM: finish what is in hand, give back the rest, leave."""

    def restart(self, consumer: int) -> None:
        """Start a new process in the place of a dead one, or the first one there."""

    def pause(self, consumer: int, for_s: float) -> None:
        """Stop the whole process for a while."""

    def slow(self, consumer: int, factor: float) -> None:
        """Multiply its service times, from now on."""

    def cut_off(self, consumer: int) -> None:
        """Nothing gets through between it and the broker; it goes on with what it has in hand."""

    def reconnect(self, consumer: int) -> None:
        """End of `cut_off`."""

    def seek(self, to_s: float) -> Sought:
        """Have the group go on from the messages of this time; -inf: the beginning, inf: the end.

        Most queues can only tell: what was deleted does not come back.
        """

    def backlog(self) -> int:
        """Messages that wait, as an autoscaler sees them.

        Log: appended and not committed; queue: ready and in flight.
        """

    def age_s(self) -> float:
        """How long the oldest of these has waited, s; 0 if none does."""

    def orphans(self) -> Bools:
        """[partitions] those that no running consumer has now; empty where there are none."""

    def busy(self) -> int:
        """How many consumers are at work on a message."""


@runtime_checkable
class Seekable(Protocol):
    """A fleet whose queue keeps what is acknowledged."""

    def take_snapshot(self) -> None:
        """Keep in mind which messages are acknowledged at the present time."""

    def seek_snapshot(self, taken_s: float) -> Sought | None:
        """Have the same messages acknowledged as then; None: the snapshot is not there any more."""


class PublisherProcess(Protocol):
    """The process that publishes to a log, its client included; verbs act at the present time."""

    def alive(self) -> bool:
        """Whether it runs; one whose signal handler is still at work does."""

    def crash(self) -> None:
        """SIGKILL: what has not reached a broker is lost (KP-15)."""

    def terminate(self, grace_s: float) -> None:
        """SIGTERM, and SIGKILL after the grace; a handler, if it has one, finishes the work."""

    def interrupt(self) -> None:
        """SIGINT (Ctrl+C)."""

    def exit(self) -> None:
        """The main function ends."""

    def restart(self) -> None:
        """Start a new process in the place of a dead one; it reads on from its last commit."""

    def expect(self, process: simpy.Process) -> None:
        """Tell it of a process of control that will act on it.

        While one of these goes on, a publisher that is dead may be started again.
        """


class BrokerSet(Protocol):
    """The brokers that a publisher writes to, as faults see them; verbs act at the present time."""

    @property
    def count(self) -> int:
        """Number of brokers."""

    def cut_off(self, broker: int) -> None:
        """It cannot be reached; it runs on, and leads what it led."""

    def reconnect(self, broker: int) -> None:
        """End of `cut_off`, unless it is dead."""

    def slow(self, broker: int, extra_s: float) -> None:
        """From now on each request takes this much longer, s; 0: no longer."""

    def pause(self, broker: int) -> None:
        """It stands still, alive and silent (KB-13)."""

    def resume(self, broker: int) -> None:
        """End of `pause`, unless it has died."""

    def lose_acks(self, broker: int, probability: float) -> None:
        """From now on answers are lost with this probability, after their request was done."""

    def crash(self, broker: int, behind_s: float | None) -> None:
        """Its process dies, and others are elected to lead what it led (KB-06).

        Args:
            broker: which.
            behind_s: unclean elections, whose winners had fallen so far behind (KB-07), s; None:
                clean ones.
        """

    def lose_power(self, broker: int) -> None:
        """As `crash` with clean elections; what only it had, and not on disk, is gone (KB-12)."""

    def restart(self, broker: int) -> None:
        """It is back, and in sync."""


@dataclass(frozen=True)
class Upstream:
    """What stands in front of a log and can fail."""

    publisher: PublisherProcess
    brokers: BrokerSet


class System(Protocol):
    """One system under one workload."""

    stages: Sequence[Stage]
    """In data-flow order."""

    upstream: Upstream | None
    """Set by `control`; None: nothing there can fail."""

    def control(self, env: simpy.Environment, say: Callable[[str], None]) -> Mapping[str, Fleet]:
        """Start the control processes; returns the fleets by the name of their group.

        ``say`` takes a line for the timeline, at the present time.
        """

    def total(self) -> int:
        """What `settled` comes to when nothing is left to do, as far as is known yet."""

    def settled(self) -> int:
        """Messages that each group is done with (committed, deleted, lost), over all groups."""

    def done(self) -> bool:
        """Whether nothing is left to do."""

    def taken(self, waits_for: str) -> Taken:
        """When it had what the stage before it sent; asked before `publication`.

        ``waits_for``: as `sim.scenario.pipeline.Edge.waits_for`.
        """

    def publication(self, ended_s: float) -> Publication | None:
        """What became of its publisher by the end; None: it has none. Asked before `outcomes`."""

    def sending_limits(self) -> Iterator[Limit]:
        """Limits that acted on those who send to it, where it has no publisher of its own."""

    def outcomes(self, ended_s: float) -> Iterator[GroupOutcome]:
        """Each group's outcome at the end; a group's memory is freed when the next is asked for."""


class Take(Protocol):
    """Given what a group forgets."""

    def __call__(self, group: str, messages: Messages, became: Became, final: int) -> None:
        """The first ``final`` of some messages, which are final; see `sim.measure.fold.Fold`."""


@runtime_checkable
class Rolling(System, Protocol):
    """A system that can forget messages while others come."""

    live: Messages
    """Those that it knows: come, and not forgotten."""

    def roll_on(self, now_s: float, following: Messages, take: Take) -> None:
        """Forget what is final, and get to know of the messages of the next window.

        Args:
            now_s: time to which its stages are advanced, s.
            following: the messages, none of them created yet.
            take: is given what is forgotten, of each group.
        """


@dataclass(frozen=True)
class Setup:
    """What a system is given besides its configuration."""

    name: str
    """Of the system in the scenario; names its random streams."""
    scenario: Scenario
    """For service times, faults, scale and seed."""
    messages: Messages
    """What is sent to it."""
    grid_s: F64
    """[grid] ascending times at which it is sampled, s."""
    windows: Windows | None = None
    """Where messages come window by window; `messages` are then those of the first."""

    @property
    def total(self) -> int:
        """Messages that are sent to it in all."""
        return len(self.messages) if self.windows is None else self.windows.plan.total

    def work_s(self, group: str, jobs: Sequence[str]) -> F32:
        """[messages] time that each of `messages` takes a consumer of a group that does ``jobs``.

        Where they come window by window, a group asks for that of the window that came last, s.
        """
        if self.windows is not None:
            return self.windows.work_s(group, jobs)
        return service_s(self.scenario, len(self.messages), jobs)

    def that_wait(self, only: Mapping[str, I32]) -> dict[str, I32]:
        """The messages of each reader that is not given all, ascending.

        Those that have fewer waiting at the start than others are not given the older ones.

        Args:
            only: the messages of each reader that chooses, ascending.
        """
        found = dict(only)
        for name in self.scenario.systems[self.name].readers:
            if done := done_before(self.scenario, self.name, name):
                rows = np.arange(len(self.messages), dtype=np.int32)
                rows = found.get(name, rows)
                found[name] = rows[rows >= done]
        return found

    @property
    def product(self) -> str:
        """Name of the product: kafka, sqs, …"""
        return self.scenario.systems[self.name].product

    def stream(self, purpose: str) -> np.random.Generator:
        """The system's own random stream of one purpose."""
        return stream(self.scenario, f"{self.name}.{purpose}")

    def pool(self, call: str, distribution: Distribution) -> F64:
        """[draws] durations of one kind of call, s; a single one when they are constant."""
        return pool(self.scenario, f"{self.name}.{call}", distribution)

    def scaled(self, n: int) -> int:
        """Consumers, threads or partitions for the scale of the scenario: `fleet_size`."""
        return fleet_size(n, self.scenario.scale)


def capacity(setup: Setup, group: str, members: int) -> int:
    """Places for consumers: as many as a `scale` or `autoscale` ever starts, or the configured.

    Args:
        setup: of the system.
        group: name of the group or queue.
        members: consumers or workers at the start, for the scale of the scenario.
    """
    return max(
        [members]
        + [
            setup.scaled(fault.most)
            for fault in setup.scenario.faults
            if isinstance(fault, ScaleFault | AutoscaleFault)
            and fault.strikes_group(setup.name, group)
        ]
    )
