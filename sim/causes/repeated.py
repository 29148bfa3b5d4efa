"""Explanations of many runs: whether a cause is first by luck, and what its remedy leaves."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import fill

import numpy as np

from sim.causes.data import UNITS, Cause, Explained, Explanation, Harm, HarmKind
from sim.causes.explain import explain
from sim.causes.harms import told
from sim.causes.trials import Onlooker
from sim.foundation.text import count, duration, money
from sim.measure.intervals import Interval, of_quantile, of_share
from sim.scenario.load import Scenario
from sim.systems.size import Allowance

_MOST = 3
"""Causes that are told of a group."""


@dataclass(frozen=True)
class RepeatedCause:
    """A cause of a group's first harm, over the runs in which it was one."""

    trial: str
    """Its name: of what was taken away."""
    first: int
    """Runs in which it was named first."""
    found: int
    """Runs in which it was a cause at all."""
    left: Interval
    """How much of the harm its remedy leaves: median of these runs, and its interval."""
    said: str
    """What it is and what its remedy is."""
    unfinished: float
    """Messages that were never processed with the remedy, at the most."""


@dataclass(frozen=True)
class RepeatedHarm:
    """The first harm of a group, over the runs that have it."""

    system: str
    group: str
    kind: HarmKind
    runs: int
    """Of all runs, how many have it."""
    of: int
    value: Interval
    """How much of it there is: median of these runs, and its interval."""
    causes: Sequence[RepeatedCause]
    """The one that is named first most often in front."""


def repeat(
    scenario: Scenario,
    runs: int,
    system: str | None = None,
    group: str | None = None,
    onlooker: Onlooker | None = None,
    allowed: Allowance | None = None,
) -> list[Explanation]:
    """Explain a scenario with the seeds seed, seed + 1, …; see `sim.causes.explain.explain`.

    Args:
        scenario: to be explained; its seed is that of the first run.
        runs: how many.
        system: as there.
        group: likewise.
        onlooker: likewise.
        allowed: likewise.
    """
    return [
        explain(scenario.with_({"seed": scenario.seed + i}), system, group, onlooker, allowed)
        for i in range(runs)
    ]


def together(explanations: Sequence[Explanation]) -> list[RepeatedHarm]:
    """What many explanations of one scenario say of the first harm of each group.

    Of a group, the harm counts that comes first in most runs.
    """
    found: dict[tuple[str, str], list[Explained]] = {}
    for explanation in explanations:
        for one in explanation.groups:
            found.setdefault((one.system, one.group), []).append(one)
    out = []
    for (system, group), those in found.items():
        kinds = Counter(one.harms[0].kind for one in those if one.harms)
        if kinds:
            kind = kinds.most_common(1)[0][0]
            out.append(_of_group(system, group, kind, those, len(explanations)))
    return out


def _of_group(
    system: str, group: str, kind: HarmKind, those: Sequence[Explained], of: int
) -> RepeatedHarm:
    harms: list[tuple[Explained, Harm]] = [
        (one, harm) for one in those for harm in one.harms if harm.kind == kind
    ]
    first: Counter[str] = Counter()
    causes: dict[str, list[Cause]] = {}
    for one, _ in harms:
        for place, cause in enumerate(one.causes[kind]):
            causes.setdefault(cause.trial.name, []).append(cause)
            first[cause.trial.name] += place == 0
    told_of = [
        RepeatedCause(
            trial=name,
            first=first[name],
            found=len(its),
            left=of_quantile(np.array([cause.trial.left[kind] for cause in its])),
            said=_without_figure(its[0], kind),
            unfinished=max(cause.trial.left["unfinished"] for cause in its),
        )
        for name, its in causes.items()
    ]
    told_of.sort(key=lambda cause: (-cause.first, -cause.found))
    values = np.array([harm.value for _, harm in harms])
    return RepeatedHarm(system, group, kind, len(harms), of, of_quantile(values), told_of)


def _without_figure(cause: Cause, kind: HarmKind) -> str:
    """What a cause says, without what its remedy left in one run."""
    left = told(kind, cause.trial.left[kind], cause.trial.left["unfinished"])
    return cause.said.replace(f", {left}", "", 1)


def paragraphs(harms: Sequence[RepeatedHarm], width: int) -> Iterator[str]:
    """All of it as text, no line longer than ``width``."""
    if not harms:
        yield "Nothing is wrong in any of the runs, so there is nothing to explain."
    for harm in harms:
        yield fill(
            f"{harm.system}.{harm.group}: in {harm.runs} of {harm.of} runs, "
            f"{_amount(harm.kind, harm.value)}",
            width,
            subsequent_indent="  ",
        )
        for number, cause in enumerate(harm.causes[:_MOST], 1):
            least = of_share(cause.first, harm.runs).low
            named = f"named first in {cause.first} of {harm.runs} runs"
            if cause.first:
                named += f" (with 95 % confidence in {100 * least:.0f} % of all or more)"
            yield fill(
                f"{number}. {cause.said}. It is {named}; then {_left(harm.kind, cause)}",
                width,
                initial_indent="  ",
                subsequent_indent="     ",
            )
        yield ""


def _amount(kind: HarmKind, value: Interval) -> str:
    words = {
        "late": "too late by",
        "slower": "too slow by",
        "misstated": "the books are wrong by",
        "unfinished": "left when the run ends:",
    }.get(kind, f"{kind}:")
    return f"{words.replace('_', ' ')} {_span(kind, value)}"


def _left(kind: HarmKind, cause: RepeatedCause) -> str:
    if cause.left.estimate == cause.left.low == cause.left.high:
        return told(kind, cause.left.estimate, cause.unfinished)
    return f"{told(kind, cause.left.estimate, cause.unfinished)} ({_span(kind, cause.left)})"


def _span(kind: HarmKind, value: Interval) -> str:
    say = {"s": duration, "cents": money}.get(UNITS.get(kind, ""), count)
    middle = say(value.estimate) if np.isfinite(value.estimate) else "for ever"
    if value.low == -np.inf:
        return f"{middle} at the median; too few runs for an interval"
    if value.low == value.high:
        return middle
    high = say(value.high) if np.isfinite(value.high) else "for ever"
    return f"median {middle}, which lies between {say(max(0.0, value.low))} and {high}"
