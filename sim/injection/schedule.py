"""The faults of a scenario as SimPy processes: when each strikes.

Whom it strikes is found in `sim.injection.targets`; what it then does, by kind of target, in
`of_consumers`, `of_groups`, `of_publishers`, `of_brokers`, `of_topics` and `of_queues`.
"""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from math import ceil, inf

import numpy as np
import simpy

from sim.engine.environment import Steps
from sim.engine.system import Fleet, Upstream
from sim.injection.context import Context, Timeline
from sim.injection.crew import Crew
from sim.injection.replay import Replay
from sim.injection.targets import OneConsumer, Target, ThePublisher, doings, targets
from sim.scenario.faults.base import Fault, RandomFault, When
from sim.scenario.faults.groups import SeekFault
from sim.scenario.faults.processes import CrashFault, PauseFault, RestartFault, TerminateFault
from sim.scenario.load import Scenario
from sim.scenario.poison import has_share
from sim.traffic.generate import Stroke, strokes

_READERS_STEP_S = 1.0


def schedule(
    env: simpy.Environment,
    scenario: Scenario,
    system: str,
    fleets: Mapping[str, Fleet],
    duration_s: float,
    timeline: Timeline,
    upstream: Upstream | None = None,
    queues: Iterable[str] = (),
) -> Mapping[str, Replay]:
    """Start processes for every fault that concerns a system.

    Args:
        env: clock.
        scenario: for its faults, scale and seed.
        system: name of the one that runs.
        fleets: its consumers, by group.
        duration_s: when arrivals end, s.
        timeline: told of each fault when it happens.
        upstream: its publisher and brokers; None: nothing there can fail.
        queues: its queues that dead-letter into each other.

    Returns:
        of each group, what its bugs and seeks will have come to when they happen.
    """
    crews = {name: Crew(env, name, fleet) for name, fleet in fleets.items()}
    context = Context(env, timeline, scenario.scale, scenario.faults)
    watched_over: dict[Crew, None] = {}
    first_s = inf
    for index, fault in enumerate(scenario.faults):
        matched = targets(fault, system, crews, upstream, queues)
        of_whom = dict.fromkeys(target.crew for target in matched)
        groups = [crew for crew in of_whom if crew is not None]
        if fault.takes_readers:
            watched_over |= dict.fromkeys(groups)
        times = list(strokes(scenario, index, duration_s)) if matched else []
        if matched:
            timeline.waiting.add(index)
        if fault.takes_readers and groups:
            may_come_s = [stroke.at_s for stroke in times] if fault.condition is None else [0.0]
            first_s = min([first_s, *may_come_s])
        for stroke in times:
            process = env.process(_at(stroke, index, fault, matched, context))
            _expect(process, matched)
            if isinstance(fault, SeekFault):
                for crew in groups:
                    crew.replay.last_seek_s = max(crew.replay.last_seek_s, stroke.at_s)
        if fault.condition is not None:
            watched = _watched(fault.condition, system, crews)
            for whose in of_whom:
                mine = [target for target in matched if target.crew is whose]
                looked_at = watched or ([] if whose is None else [whose])
                if looked_at:
                    env.process(_when(index, fault.condition, looked_at, fault, mine, context))
    for name, crew in crews.items():
        if has_share(scenario, system, name):
            watched_over[crew], first_s = None, 0.0
    of_logs = [crew for crew in watched_over if crew.fleet.orphans().size]
    if of_logs:
        env.process(_watch_readers(env, of_logs, first_s))
    return {name: crew.replay for name, crew in crews.items()}


def _at(
    stroke: Stroke, index: int, fault: Fault, matched: Sequence[Target], context: Context
) -> Steps:
    """Wait for the time of a stroke, then strike; its lot draws the one that is struck."""
    yield context.env.timeout(stroke.at_s)
    present = [target for target in matched if target.present]
    if isinstance(fault, RandomFault) and fault.rate is not None and present:
        present = [present[int(stroke.lot * len(present))]]
    _strike(index, fault, present, context)


def _when(
    index: int,
    condition: When,
    watched: Sequence[Crew],
    fault: Fault,
    matched: Sequence[Target],
    context: Context,
) -> Steps:
    """Look at a condition until it is true of one of the groups watched, then strike."""
    while not any(condition.holds(crew.fleet.backlog, crew.fleet.age_s) for crew in watched):
        yield context.env.timeout(condition.every)
    _strike(index, fault, [target for target in matched if target.present], context)


def _strike(index: int, fault: Fault, hit: Sequence[Target], context: Context) -> None:
    if any(_feels(target, fault) for target in hit):
        context.timeline.waiting.discard(index)
    for doing in doings(fault, hit, context):
        _expect(context.env.process(doing), hit)


def _feels(target: Target, fault: Fault) -> bool:
    """Whether a fault does something to what it hits: the dead feel nothing but a restart."""
    if not isinstance(target, OneConsumer):
        return True
    alive = target.crew.fleet.alive(target.place)
    if isinstance(fault, RestartFault):
        return not alive
    return alive or not isinstance(fault, CrashFault | TerminateFault | PauseFault)


def _expect(process: simpy.Process, whom: Sequence[Target]) -> None:
    """Tell publishers of what may yet be done to them."""
    for target in whom:
        if isinstance(target, ThePublisher):
            target.process.expect(process)


def _watched(when: When, system: str, crews: Mapping[str, Crew]) -> list[Crew]:
    if when.of is None:
        return []
    return [crew for name, crew in crews.items() if fnmatchcase(f"{system}.{name}", when.of)]


def _watch_readers(env: simpy.Environment, crews: Sequence[Crew], first_s: float) -> Steps:
    """Add up for how long partitions have no reader, from the first fault on.

    Args:
        env: clock.
        crews: of groups of a log.
        first_s: when a fault may first take a reader, s; inf: never.
    """
    since_s = [np.zeros(crew.fleet.orphans().size) for crew in crews]
    for crew in crews:
        crew.replay.without_reader_s = crew.replay.longest_without_reader_s = 0.0
    if first_s == inf:
        return
    # Each look cuts the run: there are none before they can see anything. The first one is at the
    # time of the fault, or up to a step after it.
    yield env.timeout(max(0.0, ceil(first_s / _READERS_STEP_S) - 1) * _READERS_STEP_S)
    while True:
        yield env.timeout(_READERS_STEP_S)
        for crew, its_s in zip(crews, since_s, strict=True):
            orphans = crew.fleet.orphans()
            if not orphans.any():
                its_s[:] = 0.0
                continue
            its_s += _READERS_STEP_S
            its_s *= orphans
            replay = crew.replay
            replay.without_reader_s += _READERS_STEP_S * int(orphans.sum())
            longest_s = max(replay.longest_without_reader_s, float(its_s.max()))
            replay.longest_without_reader_s = longest_s
