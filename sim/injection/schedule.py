"""The fault schedule of a scenario as SimPy processes.

What happens to one consumer are the verbs of `sim.engine.system.Fleet`; a deploy, a change of scale
and an autoscaler are made of SIGTERM and new processes, a shared database of slow-downs.
"""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from math import inf, isfinite

import numpy as np
import simpy

from sim.engine.system import Fleet, fleet_size
from sim.foundation.text import count, duration
from sim.injection.autoscale import autoscale
from sim.injection.crew import Crew, Steps, Timeline
from sim.injection.replay import Replay
from sim.scenario.fault import OF_CONSUMERS, When
from sim.scenario.load import Fault, Scenario
from sim.traffic.generate import Stroke, strokes

_RAMP_STEPS = 20
_DATABASE_STEP_S = 1.0
_READERS_STEP_S = 1.0


def schedule(
    env: simpy.Environment,
    scenario: Scenario,
    system: str,
    fleets: Mapping[str, Fleet],
    duration_s: float,
    timeline: Timeline,
) -> Mapping[str, Replay]:
    """Start processes for every fault that concerns a system.

    Args:
        env: clock.
        scenario: for its faults, scale and seed.
        system: name of the one that runs.
        fleets: its consumers, by group.
        duration_s: when arrivals end, s.
        timeline: told of each fault when it happens.

    Returns:
        of each group, what its bugs and seeks will have come to when they happen.
    """
    crews = {name: Crew(env, name, fleet) for name, fleet in fleets.items()}
    watched_over: dict[str, Crew] = {}
    for index, fault in enumerate(scenario.faults):
        act = _Act(env, scenario, fault, timeline)
        if fault.fault in OF_CONSUMERS:
            struck = [
                (crew, i)
                for name, crew in crews.items()
                for i in range(crew.fleet.size)
                if fault.strikes(system, name, i)
            ]
            groups = list(dict.fromkeys(crew for crew, _ in struck))
        else:
            groups = [crew for name, crew in crews.items() if fault.strikes_group(system, name)]
            struck = [(crew, 0) for crew in groups]
        if not struck:
            continue
        if fault.fault in OF_CONSUMERS or fault.fault in ("deploy", "scale", "autoscale", "poison"):
            watched_over |= {crew.name: crew for crew in groups}
        for stroke in strokes(scenario, index, duration_s):
            env.process(act.at(stroke, struck))
            if fault.fault == "seek":
                for crew in groups:
                    crew.replay.last_seek_s = max(crew.replay.last_seek_s, stroke.at_s)
        if fault.when is not None:
            for crew in groups:
                watched = _watched(fault.when, system, crews) or [crew]
                mine = [pair for pair in struck if pair[0] is crew]
                env.process(act.when(fault.when, watched, mine))
    of_logs = [crew for crew in watched_over.values() if crew.fleet.orphans().size]
    if of_logs:
        env.process(_watch_readers(env, of_logs))
    return {name: crew.replay for name, crew in crews.items()}


def _watch_readers(env: simpy.Environment, crews: Sequence[Crew]) -> Steps:
    """Add up for how long partitions have no reader."""
    since_s = [np.zeros(crew.fleet.orphans().size) for crew in crews]
    for crew in crews:
        crew.replay.without_reader_s = crew.replay.longest_without_reader_s = 0.0
    while True:
        yield env.timeout(_READERS_STEP_S)
        for crew, its_s in zip(crews, since_s, strict=True):
            orphans = crew.fleet.orphans()
            its_s += _READERS_STEP_S
            its_s *= orphans
            replay = crew.replay
            replay.without_reader_s += _READERS_STEP_S * int(orphans.sum())
            longest_s = max(replay.longest_without_reader_s, float(its_s.max()))
            replay.longest_without_reader_s = longest_s


def _watched(when: When, system: str, crews: Mapping[str, Crew]) -> list[Crew]:
    if when.of is None:
        return []
    return [crew for name, crew in crews.items() if fnmatchcase(f"{system}.{name}", when.of)]


def _true(when: When, crew: Crew) -> bool:
    if when.age_over is not None:
        return crew.fleet.age_s() > when.age_over
    over = when.lag_over if when.depth_over is None else when.depth_over
    assert over is not None
    return crew.fleet.backlog() > over


class _Act:
    """One fault of the scenario: from the times at which it strikes to what it does."""

    def __init__(
        self, env: simpy.Environment, scenario: Scenario, fault: Fault, timeline: Timeline
    ) -> None:
        self.env = env
        self.scenario = scenario
        self.fault = fault
        self.timeline = timeline

    def at(self, stroke: Stroke, struck: Sequence[tuple[Crew, int]]) -> Steps:
        """Wait for a stroke, then act."""
        yield self.env.timeout(stroke.at_s)
        self._strike(struck, stroke.lot)

    def when(
        self, when: When, watched: Sequence[Crew], struck: Sequence[tuple[Crew, int]]
    ) -> Steps:
        """Look at a condition until it is true, then act."""
        while not any(_true(when, crew) for crew in watched):
            yield self.env.timeout(when.every)
        self._strike(struck, 0.0)

    def _strike(self, struck: Sequence[tuple[Crew, int]], lot: float) -> None:
        if self.fault.fault == "database":
            self.env.process(self._share_database([crew for crew, _ in struck]))
            return
        if self.fault.fault not in OF_CONSUMERS:
            among = struck if self.fault.rate is None else [struck[int(lot * len(struck))]]
            for crew, _ in among:
                self.env.process(self._of_group(crew))
            return
        present = [(crew, i) for crew, i in struck if i in crew.wanted]
        if self.fault.rate is not None and present:
            present = [present[int(lot * len(present))]]
        for crew in dict.fromkeys(crew for crew, _ in present):
            hit = [i for owner, i in present if owner is crew]
            self.env.process(self._of_consumers(crew, hit))

    def _lasts(self) -> float | None:
        match self.fault.fault:
            case "crash" | "terminate":
                return self.fault.restart_after
            case "restart":
                return 0.0
        return self.fault.for_

    def _of_consumers(self, crew: Crew, hit: Sequence[int]) -> Steps:
        fault, fleet = self.fault, crew.fleet
        self.timeline.lasts(_text(fault, crew, hit), self._lasts())
        match fault.fault:
            case "crash":
                for consumer in hit:
                    fleet.crash(consumer)
                if fault.restart_after is not None:
                    yield self.env.timeout(fault.restart_after)
                    for consumer in hit:
                        crew.restart(consumer)
            case "terminate":
                for consumer in hit:
                    self.env.process(self._terminate(crew, consumer))
            case "restart":
                for consumer in hit:
                    crew.restart(consumer)
            case "pause":
                assert fault.for_ is not None
                for consumer in hit:
                    fleet.pause(consumer, fault.for_)
            case "partition":
                for consumer in hit:
                    fleet.cut_off(consumer)
                if fault.for_ is not None:
                    yield self.env.timeout(fault.for_)
                    for consumer in hit:
                        fleet.reconnect(consumer)
            case "slow":
                yield from self._slow(crew, hit)

    def _terminate(self, crew: Crew, consumer: int) -> Steps:
        yield from crew.end(consumer, self.fault.grace_s)
        if self.fault.restart_after is not None:
            yield from crew.start(consumer, self.fault.restart_after)

    def _slow(self, crew: Crew, hit: Sequence[int]) -> Steps:
        fault = self.fault
        assert fault.factor is not None
        steps = 1 if fault.ramp is None else _RAMP_STEPS
        began_s = self.env.now
        for step in range(1, steps + 1):
            if fault.ramp is not None:
                yield self.env.timeout(fault.ramp / steps)
            for consumer in hit:
                crew.slow(consumer, "fault", 1.0 + (fault.factor - 1.0) * step / steps)
        if fault.for_ is not None:
            yield self.env.timeout(max(0.0, fault.for_ - (self.env.now - began_s)))
            for consumer in hit:
                crew.slow(consumer, "fault", 1.0)

    def _of_group(self, crew: Crew) -> Steps:
        fault = self.fault
        match fault.fault:
            case "deploy":
                yield from self._deploy(crew)
            case "scale":
                to = fleet_size(fault.replicas, self.scenario.scale)
                self.timeline.say(f"scale {crew.name} to {to}")
                crew.scale(to, fault.grace_s, fault.startup)
            case "autoscale":
                assert fault.scaler is not None
                until_s = inf if fault.for_ is None else self.env.now + fault.for_
                self.timeline.say(f"autoscale {crew.name}")
                yield from autoscale(
                    self.env,
                    crew,
                    fault.scaler,
                    at_scale=lambda n: fleet_size(n, self.scenario.scale),
                    grace_s=fault.grace_s,
                    startup_s=fault.startup,
                    until_s=until_s,
                    say=self.timeline.say,
                )
            case "poison":
                self.timeline.say(f"poison {crew.name}")
            case "bug":
                assert fault.for_ is not None
                self.timeline.lasts(f"bug in {crew.name}", fault.for_)
                crew.replay.buggy_s.append((self.env.now, self.env.now + fault.for_))
            case "seek":
                yield self.env.timeout(0.0)  # after what the brokers delete at this very time
                asked, gone = crew.fleet.seek(fault.seek_s)
                crew.replay.gone += gone
                place = duration(fault.seek_s) if isfinite(fault.seek_s) else fault.to
                found = f"{count(gone)} of {count(asked)} gone" if gone else f"{count(asked)} again"
                self.timeline.say(f"seek {crew.name} to {place}: {found}")

    def _deploy(self, crew: Crew) -> Steps:
        end = self.timeline.begin(f"deploy {crew.name}")
        left = list(crew.wanted)

        def replace() -> Steps:
            while left:
                consumer = left.pop(0)
                yield from crew.end(consumer, self.fault.grace_s)
                yield from crew.start(consumer, self.fault.startup)

        yield self.env.all_of(
            [self.env.process(replace()) for _ in range(self.fault.max_unavailable)]
        )
        end()

    def _share_database(self, crews: Sequence[Crew]) -> Steps:
        """Set the factor of all consumers every second, from how many are at work then."""
        fault = self.fault
        assert fault.contention is not None and fault.coherency is not None
        names = ", ".join(crew.name for crew in crews)
        self.timeline.lasts(f"one database for {names}", fault.for_)
        until_s = inf if fault.for_ is None else self.env.now + fault.for_
        while self.env.now < until_s:
            n = max(1, sum(crew.fleet.busy() for crew in crews))
            factor = 1.0 + fault.contention * (n - 1) + fault.coherency * n * (n - 1)
            for crew in crews:
                for consumer in crew.wanted:
                    crew.slow(consumer, "database", factor)
            yield self.env.timeout(min(_DATABASE_STEP_S, until_s - self.env.now))
        for crew in crews:
            for consumer in crew.wanted:
                crew.slow(consumer, "database", 1.0)


def _text(fault: Fault, crew: Crew, hit: Sequence[int]) -> str:
    verb = f"slow x{fault.factor:g}" if fault.fault == "slow" else fault.fault
    size = len(crew.wanted)
    if len(hit) == size:
        return f"{verb} {crew.name}" if size == 1 else f"{verb} {crew.name} (all {size})"
    if len(hit) == 1:
        return f"{verb} {crew.name} {hit[0]}"
    return f"{verb} {crew.name} ({len(hit)} of {size})"
