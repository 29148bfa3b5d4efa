"""The whole of `sim validate`: cut, calibrate, run in the lab and for real, compare."""

import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fcntl import LOCK_EX, flock
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from sim.engine.outcome import GroupOutcome
from sim.foundation.arrays import F64, I64
from sim.foundation.errors import LabError
from sim.lab import run_system
from sim.scenario.load import Scenario
from sim.traffic.messages import Messages
from sim.validate.compare import STEP_S, Figures, figures, points, table
from sim.validate.cut import Cut, alone, cut, of_broker
from sim.validate.observed import Observed, outcome
from sim.validate.plan import Plan, plan
from sim.validate.real import Calibration, RealSystem, broker
from sim.validate.server import steady

LOCK = Path("/tmp/validate.lock")
"""Held while something is measured: two at a time would disturb each other."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Lines:
    """Curves of one group: what waits at each point of time."""

    system: str
    group: str
    at_s: F64
    """[points]"""
    real: Sequence[I64]
    """Of each repeat."""
    default: I64
    calibrated: Sequence[I64]
    """Of each repeat: timers begin in the phases that they had there."""


@dataclass(frozen=True)
class Validation:
    """What came out."""

    scenario: str
    against: str
    table: pd.DataFrame
    """`sim.validate.compare.table` of each group; ``scenario`` and ``against`` in front."""
    lines: Sequence[Lines]
    said: Sequence[str]
    """What was cut, what does not map, what calibration measured."""
    notes: Sequence[str]
    """What happened in each run."""
    versions: Mapping[str, str]
    when: str
    machine: str


def validate(
    scenario: Scenario,
    against: str,
    address: str | None = None,
    repeats: int = 2,
    folder: Path | None = None,
    say: Say = lambda _: None,
) -> Validation:
    """Hold a scenario against a real broker.

    Args:
        scenario: which.
        against: name of the broker.
        address: ``host:port`` of one that runs; None: start one.
        repeats: how often it is done for real.
        folder: what processes write is kept here; None: it is not.
        say: told what is going to be done.

    Raises:
        LabError: none of its systems is of that broker, it cannot be made short enough, or the
            broker or its clients are not installed.
    """
    kind = broker(against)
    steady()
    systems = list(of_broker(scenario, kind.takes))
    if not systems:
        raise LabError(f"no system of {scenario.name} can be held against {against}")
    if scenario.start is not None:
        raise LabError(
            "a real broker cannot be made to hold messages of the past: leave 'start' out "
            "(--set start=null)"
        )
    short = cut(scenario, systems)
    said = list(short.said)
    for line in said:
        say(line)
    with TemporaryDirectory(prefix="sim-validate-") as scratch:
        into = Path(scratch) if folder is None else folder
        with kind.make(address) as real:
            parts = [_system(short, name, real, repeats, into, said, say) for name in systems]
            versions = dict(real.versions)
    tables = pd.concat([frame for frames, _, _ in parts for frame in frames], ignore_index=True)
    tables.insert(0, "against", against)
    tables.insert(0, "scenario", scenario.name)
    return Validation(
        scenario.name,
        against,
        tables,
        [line for _, lines, _ in parts for line in lines],
        said,
        [note for _, _, notes in parts for note in notes],
        versions,
        datetime.now(UTC).isoformat(timespec="minutes"),
        machine(),
    )


def machine() -> str:
    """What it ran on, in a line."""
    model = platform.machine()
    with suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line for line in lines if line.startswith("model name")).partition(": ")[2]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} x {model}, {memory:.0f} GiB, Linux {platform.release()}"


def _system(
    short: Cut,
    name: str,
    real: RealSystem,
    repeats: int,
    folder: Path,
    said: list[str],
    say: Say,
) -> tuple[list[pd.DataFrame], list[Lines], list[str]]:
    scenario = alone(short.scenario, name)
    planned = plan(scenario, name, short.messages)
    for words in real.unmapped(planned):
        said.append(f"{name}: {words}")
        say(said[-1])
    calibration, runs = _measured(planned, real, repeats, folder / name, say)
    for words in calibration.words:
        said.append(f"{name}: measured: {words}")
        say(said[-1])
    default = simulated(scenario, name, short.messages)
    calibrated = [
        simulated(scenario.with_({**calibration.overrides, **run.initial}), name, short.messages)
        for run in runs
    ]
    frames: list[pd.DataFrame] = []
    lines: list[Lines] = []
    for group in planned.groups:
        frame, line = _group(
            planned, group, runs, default[group], [model[group] for model in calibrated]
        )
        frames.append(frame)
        lines.append(line)
    notes = [f"{name}, run {i + 1}: {note}" for i, run in enumerate(runs) for note in run.notes]
    return frames, lines, notes


def _measured(
    planned: Plan, real: RealSystem, repeats: int, folder: Path, say: Say
) -> tuple[Calibration, list[Observed]]:
    """Calibrate, then run: one after the other, and nobody else's meanwhile."""
    calibration: Calibration | None = None
    runs = []
    for number in range(repeats + 1):
        into = folder / ("calibration" if number == 0 else f"run-{number}")
        rmtree(into, ignore_errors=True)
        into.mkdir(parents=True)
        with LOCK.open("w") as lock:
            flock(lock, LOCK_EX)
            began_s = time.monotonic()
            if number == 0:
                calibration = real.calibrate(planned, into)
            else:
                runs.append(real.run(planned, into))
        say(f"{planned.system}: {into.name} took {time.monotonic() - began_s:.0f} s")
    assert calibration is not None
    return calibration, runs


def simulated(scenario: Scenario, system: str, messages: Messages) -> dict[str, GroupOutcome]:
    """What the lab says of each group.

    Args:
        scenario: with the system.
        system: name.
        messages: of the scenario; those of another that has the same.
    """
    found: dict[str, GroupOutcome] = {}

    def keep(outcome: GroupOutcome) -> None:
        found[outcome.group] = replace(
            outcome,
            fate=outcome.fate.copy(),
            done_s=outcome.done_s.copy(),
            effects=outcome.effects.copy(),
        )

    run_system(scenario, system, messages, on_outcome=keep)
    return found


def _group(
    planned: Plan,
    group: str,
    runs: Sequence[Observed],
    default: GroupOutcome,
    calibrated: Sequence[GroupOutcome],
) -> tuple[pd.DataFrame, Lines]:
    rows = planned.groups[group].rows
    messages = planned.messages if rows is None else planned.messages.only(rows)
    order_by = planned.scenario.workload.ordered_by
    real = [outcome(planned, run, group, default.gauges_t_s) for run in runs]
    if rows is not None:
        real = [each.only(rows) for each in real]
    n = points([*real, default, *calibrated])

    def of(each: GroupOutcome) -> Figures:
        return figures(messages, order_by, each, n)

    measured, models = [of(each) for each in real], [of(each) for each in calibrated]
    plain = of(default)
    who = {"system": planned.system, "group": group}
    lines = Lines(
        planned.system,
        group,
        np.arange(n, dtype=np.float64) * STEP_S,
        [each.waiting for each in measured],
        plain.waiting,
        [each.waiting for each in models],
    )
    return table(who, measured, plain, models), lines
