"""Scenarios with one planted cause each, and whether `sim explain` finds it.

    python tests/tools/planted.py --seed 1 --count 40     a row each, and the two rates
    python tests/tools/planted.py --seed 1 --plants-only  whether the plants are what they say
    python tests/tools/planted.py --seed 1 --only 7       one of them, with all that is stated

A plant is certain by its own runs, not by `sim explain` (`helpers.planted`): where a draw does no
harm, or not for that cause, another one of its kind is drawn. A cause that is stated is true if a
run of the scenario without it has less of its harm.
"""

import argparse
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from helpers.planted import GROUP, SYSTEM, Plant, changed, harms_in, named, wrong_with  # noqa: E402
from helpers.planted_beside import BESIDE  # noqa: E402
from helpers.planted_changes import CHANGES  # noqa: E402
from helpers.planted_functions import FUNCTIONS  # noqa: E402
from helpers.planted_jobs import JOBS  # noqa: E402
from helpers.planted_logs import LOGS  # noqa: E402
from helpers.planted_operated import OPERATED  # noqa: E402
from helpers.planted_pubsub import PUBSUB  # noqa: E402
from helpers.planted_queues import QUEUES  # noqa: E402
from helpers.planted_retries import RETRIES  # noqa: E402
from sim.causes.data import Cause, Change, HarmKind  # noqa: E402
from sim.causes.explain import explain  # noqa: E402
from sim.foundation.errors import ScenarioError  # noqa: E402

KINDS = (*QUEUES, *LOGS, *FUNCTIONS, *BESIDE, *PUBSUB, *JOBS, *RETRIES, *CHANGES, *OPERATED)
TRIES = 5
"""Draws of a kind, of which one must be a plant."""
LESS = 0.95
"""What is left of a harm at most without a cause of it that is true."""


@dataclass
class Judged:
    """What was stated of a plant."""

    plant: Plant
    first: str
    """What was named first; "": nothing."""
    right: bool
    """Whether that is the planted cause, or none was planted and none named."""
    stated: int = 0
    false: list[str] = field(default_factory=list)
    """Causes that were stated and whose removal changes nothing."""
    said: list[str] = field(default_factory=list)
    """Everything that was stated, as sentences."""


def plants(seed: int, count: int, only: int | None = None) -> Iterator[tuple[int, Plant | str]]:
    """So many plants, every kind in turn; a reason where no draw of a kind was one."""
    for i in range(count) if only is None else [only]:
        kind = KINDS[i % len(KINDS)]
        wrong = []
        for again in range(TRIES):
            rng = random.Random(f"{seed}/{i}/{again}")
            plant = kind(rng)
            plant.scenario["seed"] = rng.randrange(1, 10_000)
            if not (why := wrong_with(plant)):
                yield i, plant
                break
            wrong.append(why)
        else:
            yield i, f"{kind.__name__}: {'; '.join(wrong)}"


def judged(plant: Plant) -> Judged:
    """Explain a plant, and run it without each cause that is stated."""
    scenario = changed(plant.scenario, {})
    (explained,) = explain(scenario, SYSTEM, GROUP).groups
    first = explained.first
    right = first is None if not plant.cause else first is not None and _names(first, plant)
    found = Judged(plant, "" if first is None else first.trial.name, right)
    before = harms_in(scenario)
    for kind, causes in explained.causes.items():
        for cause in causes:
            found.stated += 1
            found.said.append(f"{kind}: {cause.trial.name} [{cause.share:.2f}] {cause.said}")
            for idle in _idle(plant, cause, kind, before[kind]):
                found.false.append(f"{cause.trial.name}: {idle}")
    return found


def _idle(plant: Plant, cause: Cause, kind: HarmKind, before: float) -> Iterator[str]:
    """Of what a cause names, each thing whose removal changes nothing, with what it changes.

    A key is idle, too, if what goes with it (another key that has to, the other of a pair) does as
    much without it.
    """
    changes = [change for of in cause.trial.hypotheses for change in of.changes]
    left = _left(plant, changes, kind)
    for hypothesis in cause.trial.hypotheses:
        its = hypothesis.changes[0]
        try:
            without_it = _left(plant, [change for change in changes if change != its], kind)
        except ScenarioError:  # the others are none without it
            without_it = before
        if without_it - left <= (1 - LESS) * before:
            yield f"{hypothesis.path} makes {kind} {left:g}, not {without_it:g}, of {before:g}"


def _left(plant: Plant, changes: Sequence[Change], kind: HarmKind) -> float:
    made = {change.path: change.value for change in changes}
    return harms_in(changed(plant.scenario, made))[kind]


def _names(cause: Cause, plant: Plant) -> bool:
    """Whether what a cause names first is planted."""
    path = cause.trial.hypotheses[0].path
    return any(named(path, where) for part in plant.cause for where in part.where)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=len(KINDS))
    parser.add_argument("--only", type=int)
    parser.add_argument("--plants-only", action="store_true")
    given = parser.parse_args()
    rows: list[Judged] = []
    none = 0
    for i, plant in plants(given.seed, given.count, given.only):
        began = time.perf_counter()
        if isinstance(plant, str):
            none += 1
            print(f"{i:3} no plant: {plant}", flush=True)
            continue
        decoy = " (decoy)" if plant.decoy else ""
        if given.plants_only:
            print(f"{i:3} {plant.kind}{decoy}", flush=True)
            continue
        row = judged(plant)
        rows.append(row)
        took_s = time.perf_counter() - began
        mark = "right" if row.right else "WRONG"
        print(
            f"{i:3} {mark}  {plant.kind + decoy:58} {row.first or 'nothing':44} "
            f"{row.stated:2} stated, {len(row.false)} false  {took_s:4.1f} s",
            flush=True,
        )
        for words in row.false:
            print(f"      false: {words}")
        if given.only is not None:
            print(*row.said, sep="\n")
    if rows:
        right, stated = sum(row.right for row in rows), sum(row.stated for row in rows)
        false = sum(len(row.false) for row in rows)
        decoys = sum(row.plant.decoy is not None for row in rows)
        print(
            f"{right} of {len(rows)} first causes are the planted one "
            f"({100 * right / len(rows):.1f} %); {false} of {stated} stated causes are false; "
            f"{decoys} with a decoy; {none} draws were no plant"
        )


if __name__ == "__main__":
    main()
