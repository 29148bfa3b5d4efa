"""A plan done in real time: processes, a producer that replays the messages, faults when due.

What differs between brokers is a `Staging`: how its queues are made, and which commands its clients
are. The clock is the wall's, and faults are struck by `sim.injection`, as in a simulated run.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import simpy

from sim.engine.environment import Environment, Steps
from sim.engine.system import BrokerSet, Upstream
from sim.foundation.arrays import I64, Bools
from sim.injection.context import Timeline
from sim.injection.schedule import schedule
from sim.scenario.faults.base import Fault
from sim.scenario.faults.groups import AutoscaleFault, DeployFault, PoisonFault, ScaleFault
from sim.validate.fleet import Command, RealClient, RealFleet, WallClock
from sim.validate.observed import GroupObserved, Observed
from sim.validate.plan import Plan, message_lines, work_lines
from sim.validate.server import Server

AHEAD_S = 1.5
"""From when everybody is ready to second 0."""
LIMIT_S = 60.0
"""A run ends this long after the last arrival, whatever is left."""
QUIET_S = 12.0
"""It ends when nothing was processed for so long, after the last arrival and the last fault."""
SETTLE_S = 1.0
"""It goes on for so long after everything was processed: repeats may follow."""
_TICK_S = 0.05
_LOOK_S = 0.5
_MOST_SPARES = 8


class Staging(ABC):
    """What a broker's module does around the replay of one plan."""

    quiet_s = QUIET_S
    settle_s = SETTLE_S
    limit_s = LIMIT_S

    @abstractmethod
    def consumer(self, plan: Plan, group: str, work: Path, log: Path) -> Sequence[str]:
        """Command of a process of a group (see `sim.validate.fleet` for what it does).

        Args:
            plan: for its configuration.
            group: name.
            work: file of `sim.validate.plan.work_lines`.
            log: the file that it is to write.
        """

    @abstractmethod
    def producer(self, plan: Plan, messages: Path, log: Path) -> Sequence[str]:
        """Command of the process that replays the messages.

        It writes ``w T`` when it is ready, reads ``go T``, the time of second 0 on the wall's
        clock, sends each message at its time and writes ``a ID SENT ACKED ERROR`` for each, with
        ``-`` where there was none; then ``x T``. The text of a message is its number and the time
        at which it was due, and begins so whatever its size.

        Args:
            plan: for its configuration.
            messages: file of `sim.validate.plan.message_lines`.
            log: the file that it is to write.
        """

    def ready(self, plan: Plan, fleets: Mapping[str, RealFleet]) -> bool:
        """Whether the consumers that were told to go have what they are to have."""
        return True

    def begin_s(self, plan: Plan, fleets: Mapping[str, RealFleet]) -> float:
        """Second 0 on the wall's clock; asked once all are ready."""
        return time.time() + AHEAD_S

    def left(self, plan: Plan) -> int | None:
        """Messages that the broker has, handed out or not; None: it does not tell. A run whose
        messages were all processed goes on while there are any: they will come again."""
        return None

    def initial(
        self, plan: Plan, fleets: Mapping[str, RealFleet], began_s: float
    ) -> Mapping[str, Any]:
        """See `sim.validate.observed.Observed.initial`; asked at the end, with second 0."""
        return {}

    def dead(self, plan: Plan) -> Mapping[str, Sequence[int]]:
        """Messages in the dead-letter queue of each group, at the end."""
        return {}

    def stored(self, plan: Plan) -> Sequence[int]:
        """Message of each record of the log at the end, in the order of partitions and offsets."""
        return ()


class _RealBrokers(BrokerSet):
    """The one broker, as faults see it."""

    count = 1

    def __init__(self, server: Server | None) -> None:
        self.server = server

    def pause(self, broker: int) -> None:
        """SIGSTOP."""
        if self.server is not None:
            self.server.hold()

    def resume(self, broker: int) -> None:
        """SIGCONT."""
        if self.server is not None:
            self.server.go_on()

    def cut_off(self, broker: int) -> None:
        """Not done; the plan has said so, as of the others."""

    reconnect = cut_off
    restart = cut_off
    lose_power = cut_off

    def slow(self, broker: int, extra_s: float) -> None:
        """Not done."""

    def lose_acks(self, broker: int, probability: float) -> None:
        """Not done."""

    def crash(self, broker: int, behind_s: float | None) -> None:
        """Not done."""


class _NoPublisher:
    """Nobody strikes it: the plan has no such fault left."""

    def alive(self) -> bool:
        return True

    def crash(self) -> None: ...

    def terminate(self, grace_s: float) -> None: ...

    def interrupt(self) -> None: ...

    def exit(self) -> None: ...

    def restart(self) -> None: ...

    def expect(self, process: object) -> None: ...


def replay(plan: Plan, staging: Staging, folder: Path, server: Server | None = None) -> Observed:
    """Do a plan.

    Args:
        plan: what.
        staging: how, on this broker; its queues or topics are there already.
        folder: an empty one, for what processes read and write.
        server: the broker, if it can be stopped and continued.

    Raises:
        LabError: a process does not start.
    """
    messages = folder / "messages.csv"
    messages.write_text("".join(f"{line}\n" for line in message_lines(plan)), encoding="utf-8")
    fleets: dict[str, RealFleet] = {}
    producer: RealClient | None = None
    try:
        for name, group in plan.groups.items():
            work = folder / f"{name}.work"
            work.write_text("".join(f"{line}\n" for line in work_lines(group)), encoding="utf-8")
            fleets[name] = RealFleet(plan, name, _command(plan, staging, name, work), folder)
        for name, fleet in fleets.items():
            fleet.hire(_spares(plan, name))
        log = folder / "producer.log"
        producer = RealClient.started(staging.producer(plan, messages, log), log)
        producer.await_ready()
        deadline = time.monotonic() + LIMIT_S
        while not staging.ready(plan, fleets):
            if time.monotonic() > deadline:
                raise TimeoutError("the consumers did not get what they are to read")
            time.sleep(_TICK_S)
        for fleet in fleets.values():
            fleet.calm()
        producer.calm()
        began_s = staging.begin_s(plan, fleets)
        producer.tell(f"go {began_s:.6f}")
        clock = WallClock(began_s)
        for fleet in fleets.values():
            fleet.clock = clock
        timeline = _play(plan, staging, fleets, clock, server)
    finally:
        for fleet in fleets.values():
            fleet.dismiss()
        if producer is not None:
            producer.end()
    return _observed(plan, staging, fleets, producer, clock, timeline)


def _command(plan: Plan, staging: Staging, group: str, work: Path) -> Callable[[Path], Command]:
    return lambda log: staging.consumer(plan, group, work, log)


def _spares(plan: Plan, group: str) -> int:
    """Processes that faults will start, as far as one can tell before."""
    members, most = plan.groups[group].members, plan.groups[group].most
    n = most - members
    for fault in plan.faults:
        if isinstance(fault, DeployFault):
            n += members if fault.strikes_group(plan.system, group) else 0
        elif getattr(fault, "restart_after", None) is not None or fault.fault == "restart":
            poison = isinstance(fault, PoisonFault)
            n += 1 if poison else len(list(fault.struck(plan.system, group, most)))
    services = plan.scenario.workload.service
    for job in plan.groups[group].readers.does:
        its = services[job].poison
        n += its is not None and its.restart_after is not None
    return min(n, _MOST_SPARES)


def _play(
    plan: Plan,
    staging: Staging,
    fleets: Mapping[str, RealFleet],
    clock: WallClock,
    server: Server | None,
) -> Timeline:
    """Let time pass, and faults strike."""
    env = Environment([clock])
    timeline = Timeline(env)
    upstream = Upstream(_NoPublisher(), _RealBrokers(server))
    duration_s = plan.messages.duration_s
    schedule(env, plan.scenario, plan.system, fleets, duration_s, timeline, upstream)
    over = env.event()
    env.process(_tick(env, list(fleets.values())))
    env.process(_watch(env, plan, staging, fleets, over))
    env.run(until=over)
    return timeline


def _tick(env: Environment, fleets: Sequence[RealFleet]) -> Steps:
    while True:
        yield env.timeout(_TICK_S)
        for fleet in fleets:
            fleet.tick()


def _watch(
    env: Environment,
    plan: Plan,
    staging: Staging,
    fleets: Mapping[str, RealFleet],
    over: simpy.Event,
) -> Steps:
    """Look now and then whether everything was processed, or nothing is any more."""
    after_s = max([plan.messages.duration_s, *(_ends_s(fault) for fault in plan.faults)])
    wanted = {
        name: set(range(len(plan.messages)) if group.rows is None else group.rows.tolist())
        for name, group in plan.groups.items()
    }
    limit_s = plan.messages.duration_s + min(plan.scenario.drain_limit, staging.limit_s)
    last, since_s = -1, 0.0
    while True:
        yield env.timeout(_LOOK_S)
        if env.now < plan.messages.duration_s:
            continue
        found = {name: fleet.processed() for name, fleet in fleets.items()}
        if all(found[name] >= wanted[name] for name in wanted) and not staging.left(plan):
            yield env.timeout(staging.settle_s)
            break
        total = sum(map(len, found.values()))
        if total != last:
            last, since_s = total, env.now
        quiet_s = env.now - max(since_s, after_s)
        if quiet_s > staging.quiet_s or env.now > limit_s:
            break
    over.succeed()


def _ends_s(fault: Fault) -> float:
    began_s = fault.at or 0.0
    if isinstance(fault, DeployFault | ScaleFault | AutoscaleFault):
        return began_s + fault.startup
    lasts_s = fault.lasts_s
    return began_s + (lasts_s if lasts_s is not None and lasts_s < inf else 0.0)


def _observed(
    plan: Plan,
    staging: Staging,
    fleets: Mapping[str, RealFleet],
    producer: RealClient,
    clock: WallClock,
    timeline: Timeline,
) -> Observed:
    n = len(plan.messages)
    sent_s, acked_s = np.full(n, np.nan), np.full(n, np.nan)
    for line in producer.lines:
        if line[0] == "a" and len(line) == 5:
            sent_s[int(line[1])] = _time(line[2], clock)
            acked_s[int(line[1])] = _time(line[3], clock) if line[4] == "-" else np.nan
    dead = staging.dead(plan)
    groups = {
        name: GroupObserved(
            _executions(fleet, clock),
            _which(dead.get(name, ()), n),
            list(_said(fleet, clock)),
            _deliveries(fleet, n),
        )
        for name, fleet in fleets.items()
    }
    notes = [f"{text} at {at_s:.2f} s" for at_s, _, text in timeline.events]
    notes.append(f"faults came at most {clock.late_s * 1e3:.1f} ms late")
    initial = staging.initial(plan, fleets, clock.began_s)
    return Observed(sent_s, acked_s, groups, staging.stored(plan), initial, notes)


def _time(word: str, clock: WallClock) -> float:
    return np.nan if word == "-" else float(word) - clock.began_s


def _which(messages: Sequence[int], n: int) -> Bools:
    found = np.zeros(n, np.bool_)
    found[list(messages)] = True
    return found


def _executions(fleet: RealFleet, clock: WallClock) -> pd.DataFrame:
    rows = [
        (
            int(line[1]),
            client.member,
            float(line[2]) - clock.began_s,
            float(line[3]) - clock.began_s,
            int(line[4]),
            int(line[5]),
            int(line[6]),
        )
        for client in fleet.clients
        for line in client.lines
        if line[0] == "r" and len(line) == 7
    ]
    columns = ["message", "member", "started_s", "done_s", "deliveries", "partition", "offset"]
    return pd.DataFrame(rows, columns=columns).sort_values("done_s", ignore_index=True)


def _deliveries(fleet: RealFleet, n: int) -> I64:
    """The most deliveries that the broker told of, at the end of a work or at its failure."""
    most = np.zeros(n, np.int64)
    for client in fleet.clients:
        for line in client.lines:
            if line[0] == "r" and len(line) == 7:
                most[int(line[1])] = max(most[int(line[1])], int(line[4]))
            elif line[0] == "f" and len(line) == 4:
                most[int(line[1])] = max(most[int(line[1])], int(line[3]))
    return most


def _said(fleet: RealFleet, clock: WallClock) -> Iterator[tuple[float, str]]:
    for number, client in enumerate(fleet.clients):
        for line in client.lines:
            if line[0] in "efx" and len(line) > 1:
                at = 2 if line[0] == "f" else 1
                words = {"e": " ".join(line[2:]), "f": f"fails at {line[1]}", "x": "ended"}
                who = f"{client.member} (process {number})"
                yield float(line[at]) - clock.began_s, f"{who}: {words[line[0]]}"
