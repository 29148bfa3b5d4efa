"""Run a scenario: the same messages through every system."""

import gc
import os
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib import import_module
from math import inf
from threading import Event, Lock
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

import numpy as np
import simpy

from sim.engine import pace
from sim.engine.environment import WORTH_THREADS, Environment, Steps
from sim.engine.held_up import AGREED_S, SAME_S, Sends
from sim.engine.outcome import Became, Effects, GroupOutcome
from sim.engine.passed_on import PassedOn, effects_of, passed_on
from sim.engine.system import LOOKS, Rolling, Setup, System
from sim.foundation.arrays import I32, I64
from sim.foundation.errors import LabError
from sim.injection.context import Timeline
from sim.injection.poison import poisoned
from sim.injection.replay import Replay
from sim.injection.schedule import schedule
from sim.scenario.faults.groups import PoisonFault
from sim.scenario.load import Scenario
from sim.scenario.pipeline import awaited, edge_from, edge_to, sends_on, stages_before
from sim.scenario.shows import Shown
from sim.scenario.silences import never_strikes
from sim.systems.catalogue import build
from sim.systems.held_up import Held
from sim.systems.placed import messages_of
from sim.systems.size import GRID_STEPS, USUAL, Allowance, Size, check, free_bytes, size
from sim.systems.windowed import at_a_time, rolling
from sim.traffic.generate import none_is_slow, poisonous_rows, strokes
from sim.traffic.messages import Messages
from sim.traffic.windows import WindowPlan, Windows

if TYPE_CHECKING:
    from sim.ledger.book import Ledger
    from sim.measure.fold import Fold
    from sim.measure.shown import Chosen
    from sim.measure.tables import Frames, Tables
    from sim.results.result import Result

_MANY = 5_000_000
"""Messages whose memory is worth a search for garbage."""
MOST_ROUNDS = 500
"""So often at most stages that wait for each other are run until they agree."""
_TRIES = 10
"""So many rounds in which they agree, one after the other, are enough if that is not exact."""
_LATER = ("sim.measure.tables", "sim.results.result", "pyarrow.parquet")
"""What a run needs once its kernels are done."""
_SWITCH_S = 2e-4
"""So long a kernel waits at most for the interpreter while these are imported, s; Python's own is
5 ms, and a kernel comes back some hundreds of times."""


class Progress(Protocol):
    """Told how far a run is, some hundreds of times a system."""

    def __call__(self, system: str, now_s: float, settled: int, total: int) -> None:
        """``settled`` of ``total`` messages are done with, over all groups of ``system``."""


class Keep(Protocol):
    """Remembers finished systems, so that an interrupted run can go on: `sim.results.store`."""

    def finished(self, system: str) -> "Tables | None":
        """Tables of a system finished earlier."""

    def keep(self, system: str, tables: "Tables") -> None:
        """Remember a finished system."""


OnLedger = Callable[[str, str, "Ledger", Messages], None]
"""Given the books of a system's group, and the messages that they are about."""
OnOutcome = Callable[[GroupOutcome], None]
"""Given what became of each message of a system's group, before it is measured."""


def run(
    scenario: Scenario,
    progress: Progress | None = None,
    store: Keep | None = None,
    on_ledger: OnLedger | None = None,
    allowed: Allowance = USUAL,
    window: int | None = None,
) -> "Result":
    """Run every system of a scenario.

    Args:
        scenario: what to run.
        progress: told how far the run is.
        store: remembers finished systems.
        on_ledger: is given the books of each group that keeps them; systems finished earlier are
            then run again.
        allowed: what it may take; if not given, the memory that is free, and an hour.
        window: messages that a system gets at a time, where it can forget others meanwhile
            (`sim.systems.windowed`); None: as many as suit. No table depends on it.

    Raises:
        LabError: a trace that the scenario names cannot be used, the run would be too large, or a
            system stands still (`sim.engine.pace.StandstillError`).
        AssertionError: a message is unaccounted for; a bug of the lab.
    """
    began = perf_counter()
    expected, free = size(scenario), free_bytes()
    check(scenario, expected, allowed, free)
    names = list(scenario.systems)
    rolls = rolling(scenario, expected.messages if window is None else inf)
    plan = WindowPlan(scenario, window or at_a_time(scenario)) if rolls else None
    messages = messages_of(scenario) if len(rolls) < len(names) else None
    wall_s = {"workload": perf_counter() - began}
    stop, keeping = Event(), Lock()

    def report(system: str, now_s: float, settled: int, total: int) -> None:
        pace.check()
        if progress is not None:
            progress(system, now_s, settled, total)

    def one(name: str) -> "Tables":
        began = perf_counter()
        tables = store.finished(name) if store and not on_ledger else None
        if tables is None:
            source = plan if name in rolls else messages
            assert source is not None
            tables = run_system(scenario, name, source, report, on_ledger, passed=passed)
            if store:
                with keeping:
                    store.keep(name, tables)
        wall_s[name] = perf_counter() - began
        return tables

    passed = Passed()
    stages = sorted(names, key=lambda name: len(stages_before(scenario.pipeline, name)))
    if scenario.pipeline:
        of = {name: one(name) for name in stages}
        parts = [of[name] for name in names]
    elif _side_by_side(expected, free if allowed.bytes is None else allowed.bytes):
        parts = _in_threads(one, names, stop)
    else:
        parts = [one(name) for name in names]
    wall_s = {name: wall_s[name] for name in ("workload", *names)}
    from sim.measure.tables import combine
    from sim.results.result import Result

    return Result(combine(parts), wall_s, scenario)


def _side_by_side(expected: Size, free: float) -> bool:
    """Whether the systems run at one time, each in a thread: if it pays, and memory is there."""
    if expected.messages < WORTH_THREADS or expected.systems == 1:
        return False
    return expected.bytes_side_by_side < free


def _in_threads(
    one: Callable[[str], "Tables"], names: Sequence[str], stop: Event
) -> list["Tables"]:
    """What ``one`` makes of each name; systems share nothing that is written.

    At Ctrl+C, or if one fails, ``stop`` is set: the others heed it, and end within a moment.
    """
    with ThreadPoolExecutor(
        max_workers=os.cpu_count(),
        thread_name_prefix="system",
        initializer=pace.heed,
        initargs=(stop,),
    ) as pool:
        futures = [pool.submit(one, name) for name in names]
        try:
            _get_ready()
            return [future.result() for future in futures]
        except BaseException:
            stop.set()
            for future in futures:
                future.cancel()
            raise


def _get_ready() -> None:
    """Import what measures and keeps a run, above all pandas, while kernels need no interpreter."""
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_S)
    try:
        for module in _LATER:
            pace.check()
            import_module(module)
    finally:
        sys.setswitchinterval(interval_s)


def run_system(
    scenario: Scenario,
    name: str,
    source: Messages | WindowPlan,
    progress: Progress | None = None,
    on_ledger: OnLedger | None = None,
    on_outcome: OnOutcome | None = None,
    passed: "Passed | None" = None,
) -> "Tables":
    """Run one system of a scenario with these messages; see `run`.

    Those of the workload, also for a later stage of a pipeline: the stages before it are run first,
    but for groups of which ``passed`` has what they hand on; what this system's do is put there.

    Raises:
        LabError: as `run`.
    """
    passed = Passed() if passed is None else passed
    given: PassedOn | None = None
    if scenario.pipeline and isinstance(source, Messages):
        given = _given(scenario, name, source, progress, passed)
        source = given.messages
    windows: Windows | None = None
    if isinstance(source, WindowPlan):
        windows = Windows(source)
        messages = windows.following()
    else:
        messages = source
    order_by = scenario.workload.ordered_by
    setup = _setup(scenario, name, messages, windows)
    system = build(setup)
    held = _held(system, setup, passed.sends)
    folds = {} if windows is None else _folds(setup, order_by)
    try:
        ended_s, timeline, replays = _advance(setup, system, folds, progress)
    except pace.StandstillError as error:
        raise pace.StandstillError(f"systems.{name}: {error}") from None
    events = timeline.events
    if setup.total >= _MANY:
        # Processes of the control plane refer to each other and to what they control; at a hundred
        # million messages, that is gigabytes. Of a small run it would be most of the time.
        gc.collect()
    from sim.measure.books import keep_books
    from sim.measure.incidents import faults_table
    from sim.measure.limits import limits_table
    from sim.measure.tables import Tables, measure
    from sim.words.silence import silences_table

    if isinstance(system, Rolling) and folds:
        messages = system.live
    publication = system.publication(ended_s)
    sending = list(system.sending_limits())
    parts: list[Frames] = []
    unheard: list[str] = []
    wanted: dict[str, I32 | None] = {}
    for outcome in system.outcomes(ended_s):
        pace.check()
        if of_crew := replays[outcome.group].limits:
            outcome = replace(outcome, limits=[*outcome.limits, *of_crew.values()])
        if on_outcome is not None:
            on_outcome(outcome)
        if given is not None:
            if outcome.group in held:
                outcome = replace(outcome, waits=held[outcome.group].waits(outcome))
            parts.append(_end_to_end(scenario, given, outcome, order_by, held))
            passed.take(scenario, given, outcome, held)
        wanted[outcome.group] = outcome.rows
        its = messages if outcome.rows is None else messages.only(outcome.rows)
        kept = keep_books(its, outcome, scenario.systems[name].readers[outcome.group].ledger)
        if kept is not None and on_ledger is not None:
            on_ledger(name, outcome.group, kept, its)
        unheard += _unslowed(setup, outcome)
        fold = folds.get(outcome.group)
        chosen = None if fold else _chosen(setup, outcome.group, outcome.rows)
        replay = replays[outcome.group]
        shown, needs = _shown(setup, outcome.group), scenario.needs
        allowed_s = None if needs is None else needs.max_delay
        parts.append(measure(its, order_by, outcome, replay, kept, fold, shown, chosen, allowed_s))
        events += outcome.happened
    unheard = [*_unstruck(setup, timeline.waiting, ended_s, wanted), *unheard]
    if publication is not None:
        events += publication.happened
        parts.append({"producer": publication.producer, "buffer": publication.buffer})
    of_senders = [*sending, *(() if publication is None else publication.limits)]
    if of_senders:
        parts.append({"limits": limits_table({"system": name, "group": "publisher"}, of_senders)})
    happened = [event for event in events if event[0] <= ended_s]
    parts.append({"faults": faults_table(name, happened)})
    if unheard:
        parts.append({"silences": silences_table(name, unheard)})
    return Tables.of(messages.duration_s, parts)


def _given(
    scenario: Scenario,
    name: str,
    workload: Messages,
    progress: Progress | None,
    passed: "Passed",
) -> PassedOn:
    """The messages of a stage; the stages before it are run if they were not.

    Where stages wait for the next one, all of them are, until they agree.
    """
    if passed.sends is None:
        passed.sends = _agreed(scenario, workload)
    edge = edge_to(scenario.pipeline, name)
    if edge is None:
        return PassedOn.first(workload)
    if edge.letters:
        if edge.source not in passed.letters:
            run_system(scenario, edge.source[0], workload, progress, passed=passed)
        return passed.letters[edge.source]
    if edge.source not in passed.on:
        run_system(scenario, edge.source[0], workload, progress, passed=passed)
    return passed.on[edge.source]


def _agreed(scenario: Scenario, workload: Messages) -> dict[tuple[str, str], Sends]:
    """Of each group that waits for the next stage, what it sends, and until when that takes.

    The stages are run again and again, each time by what came of the time before
    (`sim.engine.held_up`).

    Raises:
        LabError: they do not agree in `MOST_ROUNDS`.
    """
    edges = [edge for edge in scenario.pipeline if edge.waits_for != "nothing"]
    sends: dict[tuple[str, str], Sends] = {}
    agreed = 0
    if not edges:
        return sends
    its = {edge.to for edge in edges} | {edge.source[0] for edge in edges}
    its |= {system for name in its for system, _ in stages_before(scenario.pipeline, name)}
    stages = sorted(its, key=lambda name: len(stages_before(scenario.pipeline, name)))
    for _ in range(MOST_ROUNDS):
        before, sends = sends, {}
        passed = Passed()
        for name in stages:
            pace.check()
            edge = edge_to(scenario.pipeline, name)
            given = PassedOn.first(workload) if edge is None else passed.on[edge.source]
            setup = _setup(scenario, name, given.messages)
            system = build(setup)
            held = _held(system, setup, before)
            ended_s, _, _ = _advance(setup, system, {}, None)
            if edge is not None and awaited(scenario.pipeline, name):
                taken = system.taken(edge.waits_for)
                taken = taken._replace(at_s=np.minimum(taken.at_s, setup.grid_s[-1]))
                sends[edge.source] = Sends.of(*passed.sent[edge.source], taken)
            system.publication(ended_s)
            for outcome in system.outcomes(ended_s):
                passed.take(scenario, given, outcome, held)
        off_s = np.inf
        if before:
            off_s = max(sends[of].off_s(before[of], *passed.sent[of]) for of in sends)
        agreed = agreed + 1 if off_s <= AGREED_S else 0
        if off_s <= SAME_S or agreed == _TRIES:
            return before
    raise LabError(
        f"the stages of this pipeline wait for each other, and do not agree after {MOST_ROUNDS} "
        "rounds; try a shorter 'duration', or leave out 'waits_for'"
    )


class Passed:
    """What groups of a pipeline have handed on so far."""

    def __init__(self) -> None:
        self.on: dict[tuple[str, str], PassedOn] = {}
        """By system and group, the messages of the next stage."""
        self.letters: dict[tuple[str, str], PassedOn] = {}
        """The same of the stage that is given its dead letters."""
        self.sent: dict[tuple[str, str], tuple[Effects, I64]] = {}
        """Of those that wait for the next stage, what they sent, and by which of their calls."""
        self.sends: dict[tuple[str, str], Sends] | None = None
        """Of groups that wait for the next stage, until when; None: not known yet."""

    def take(
        self, scenario: Scenario, given: PassedOn, outcome: GroupOutcome, held: Mapping[str, Held]
    ) -> None:
        """Take what a group hands on, if it does."""
        of = outcome.system, outcome.group
        if outcome.buried is not None:
            its = scenario.systems[outcome.system].dead_letters(outcome.group)
            self.letters[of] = passed_on(given, outcome.buried, its)
        if outcome.group in held:
            self.sent[of] = held[outcome.group].sent()
            self.on[of] = passed_on(given, self.sent[of][0])
        elif sends_on(scenario.pipeline, *of):
            self.on[of] = passed_on(given, effects_of(outcome))


def _held(
    system: System, setup: Setup, sends: Mapping[tuple[str, str], Sends] | None
) -> dict[str, Held]:
    """The groups of a system that wait for the next stage."""
    name, pipeline = setup.name, setup.scenario.pipeline
    return {
        group: Held(
            system,
            group,
            (sends or {}).get((name, group), Sends.none()),
            len(setup.messages),
        )
        for group in setup.scenario.systems[name].readers
        if edge_from(pipeline, name, group) is not None
    }


def _setup(
    scenario: Scenario, name: str, messages: Messages, windows: Windows | None = None
) -> Setup:
    step_s = messages.duration_s / GRID_STEPS
    horizon_s = messages.duration_s + scenario.drain_limit
    grid_s = np.arange(int(horizon_s / step_s) + 2, dtype=np.float64) * step_s
    return Setup(name, scenario, messages, grid_s, windows)


def _end_to_end(
    scenario: Scenario,
    given: PassedOn,
    outcome: GroupOutcome,
    order_by: Sequence[str] | None,
    held: Mapping[str, Held],
) -> "Frames":
    from sim.measure.pipeline import pipeline_table

    before = stages_before(scenario.pipeline, outcome.system)
    edge = edge_to(scenario.pipeline, outcome.system)
    # What is put aside does not get through to the end.
    behind = "" if edge is None or edge.letters else ".".join(before[-1])
    held_s = held[outcome.group].held_s() if outcome.group in held else np.zeros(0)
    return {"pipeline": pipeline_table(given, outcome, behind, len(before), order_by, held_s)}


def _folds(setup: Setup, order_by: Sequence[str] | None) -> "dict[str, Fold]":
    """Of each group, what takes the messages that it forgets."""
    from sim.measure.fold import Fold

    messages, grid_s, total = setup.messages, setup.grid_s, setup.total
    return {
        of: Fold(messages, order_by, grid_s, total, _chosen(setup, of, None))
        for of in setup.scenario.systems[setup.name].readers
    }


def _shown(setup: Setup, group: str) -> Shown | None:
    """What the scenario is about, if that is of this group."""
    shown, readers = setup.scenario.shown, setup.scenario.systems[setup.name].readers
    if shown is None or not shown.shows.jobs:
        return shown
    return shown if set(shown.shows.jobs) & set(readers[group].does) else None


def _chosen(setup: Setup, group: str, rows: I32 | None) -> "Chosen | None":
    """The messages of a group of whose latency the scenario is about."""
    from sim.measure.shown import Chosen

    jobs = setup.scenario.systems[setup.name].readers[group].does
    return Chosen.of(setup.scenario, setup.messages, jobs, setup.total, rows)


def _unstruck(
    setup: Setup, waiting: Collection[int], ended_s: float, wanted: Mapping[str, I32 | None]
) -> Iterator[str]:
    """Faults that did nothing, but for those of which the scenario tells it already.

    ``wanted``: of each group, the messages that it wants, ascending; None: all.
    """
    from sim.words.silence import never_struck, poisoned_nothing

    scenario, messages = setup.scenario, setup.messages
    for index, fault in enumerate(scenario.faults):
        said = None
        if never_strikes(scenario, fault) is not None:
            continue
        if isinstance(fault, PoisonFault):
            struck = [rows for of, rows in wanted.items() if fault.strikes_group(setup.name, of)]
            found = (poisoned(scenario, messages, fault, index, rows) for rows in struck)
            if struck and all(next(its, None) is None for its in found):
                said = poisoned_nothing(fault)
        elif index in waiting:
            due_s = [stroke.at_s for stroke in strokes(scenario, index, messages.duration_s)]
            said = never_struck(fault, due_s, ended_s)
        if said is not None:
            yield str(scenario.problem(("faults", index), said))


def _unslowed(setup: Setup, outcome: GroupOutcome) -> Iterator[str]:
    """Jobs of a group with a slow or poisonous share that drew none of its messages."""
    from sim.words.silence import none_was_poisonous, none_was_slow

    scenario, n = setup.scenario, setup.total
    for job in scenario.systems[setup.name].readers[outcome.group].does:
        slow = scenario.workload.service[job].slow
        if slow and slow.share and none_is_slow(scenario, n, job, outcome.rows):
            given = n if outcome.rows is None else outcome.rows.size
            where = ("workload", "service", job, "slow")
            yield str(scenario.problem(where, none_was_slow(slow.share, given)))
        its = scenario.workload.service[job].poison
        if its is not None and its.share:
            found = poisonous_rows(scenario, n, job)
            given = n if outcome.rows is None else outcome.rows.size
            drew = found.size if outcome.rows is None else np.isin(found, outcome.rows).any()
            if given and not drew:
                where = ("workload", "service", job, "poison")
                yield str(scenario.problem(where, none_was_poisonous(its.share, given)))


def _advance(
    setup: Setup, system: System, folds: "Mapping[str, Fold]", progress: Progress | None
) -> tuple[float, Timeline, Mapping[str, Replay]]:
    """Run a system until it is drained or out of time; returns that time, and what happened."""
    scenario, duration_s = setup.scenario, setup.messages.duration_s
    env = Environment(system.stages)
    timeline = Timeline(env)
    fleets = system.control(env, timeline.say)
    replays = schedule(
        env,
        scenario,
        setup.name,
        fleets,
        duration_s,
        timeline,
        system.upstream,
        scenario.systems[setup.name].redriven,
    )
    last_seek_s = max(replay.last_seek_s for replay in replays.values())

    def report(settled: int) -> None:
        if progress is not None:
            progress(setup.name, env.now, settled, system.total())

    drained = env.event()
    if setup.windows is not None:
        assert isinstance(system, Rolling), "this system needs all messages at once"
        env.process(_roll(env, system, setup.windows, folds))
    env.process(_watch(env, system, duration_s / LOOKS, last_seek_s, report, drained))
    env.run(until=drained | env.timeout(duration_s + scenario.drain_limit))
    return env.now, timeline, replays


def _roll(
    env: simpy.Environment, system: Rolling, windows: Windows, folds: "Mapping[str, Fold]"
) -> Steps:
    """Give a system the messages of one window after the other, and take what it forgets."""

    def take(group: str, messages: Messages, became: Became, final: int) -> None:
        folds[group].add(messages, became, final)

    while (due_s := windows.due_s) < inf:
        yield env.timeout(due_s - env.now)
        pace.check()
        # A turn looks at all messages that wait: with many, it must come the more seldom.
        system.roll_on(env.now, windows.following(len(system.live) // 2), take)


def _watch(
    env: simpy.Environment,
    system: System,
    tick_s: float,
    not_before_s: float,
    report: Callable[[int], None],
    drained: simpy.Event,
) -> Steps:
    """Look at the system now and then; end the run when nothing is left to do."""
    while True:
        yield env.timeout(tick_s)
        report(system.settled())
        if system.done() and env.now > not_before_s:
            drained.succeed()
            return
