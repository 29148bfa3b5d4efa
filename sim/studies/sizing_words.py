"""What `sim size` found, in words, as a table and as plain data."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import isfinite
from typing import Any

import numpy as np

from sim.foundation.text import names, share
from sim.studies.sizing import FEW, Sized
from sim.studies.trials import Outcomes, Values
from sim.words.worth import usd

_LITTLE = 0.9
"""A step that leaves more than this part of a measure gains little."""
_WIDTH = 80


def setting(sized: Sized, values: Values) -> str:
    """A setting: "3 consumers of counters and 12 partitions"."""
    words = []
    for dial, n in zip(sized.dials, values, strict=True):
        if dial.members and dial.group is not None:
            what = dial.key if n != 1 else dial.key.removesuffix("s")
            words.append(f"{n} {what} of {dial.group}")
        elif dial.partitions:
            words.append(f"{n} {'partition' if n == 1 else 'partitions'}")
        else:
            words.append(f"{dial.key} {n}")
    return names(words)


def heading(sized: Sized) -> str:
    """The answer as a title, without a full stop."""
    wanted = names([str(goal) for goal in sized.goals])
    if sized.answer is None:
        said = f"Nothing that was tried is sure to give {wanted}"
        return f"{said}; whether {_any_of(sized)} would is open" if sized.open else said
    its = setting(sized, sized.answer)
    if sized.open:
        return f"For {wanted}, {its} will do; whether {_any_of(sized)} would as well is open"
    return f"For {wanted} it takes {its}"


def _any_of(sized: Sized) -> str:
    """What is open: "8 or 9 workers of q"."""
    its = [setting(sized, values) for values in sized.open]
    if len(sized.dials) == 1:  # the last says what all are
        its[:-1] = [str(values[0]) for values in sized.open[:-1]]
    return " or ".join([", ".join(its[:-1]), its[-1]] if len(its) > 1 else its)


def findings(sized: Sized) -> Iterator[str]:
    """Sentences: the answer, how sure it is, what is just too little, and what more would buy."""
    if sized.answer is None:
        yield heading(sized)
        yield from _no_answer(sized)
    else:
        its = sized.tried[sized.answer]
        cost = f", for {usd(its.usd_per_month)} USD a month" if its.usd.size else ""
        yield f"{heading(sized)}: {_met(its, 'with the answer ' if sized.open else '')}{cost}"
        yield from _less(sized, sized.answer)
        yield (
            f"It is known with {share(sized.confidence, 1)} confidence that at least "
            f"{share(sized.share, 1)} of all runs meet the goals with it, and that fewer do one "
            f"step below{', but for what is still open' if sized.open else ''}"
        )
        yield from _dearer(sized, sized.answer)
        yield from _more(sized)
    for values in sized.open:
        yield (
            f"Open after {sized.tried[values].runs} runs: with {setting(sized, values)} "
            f"{_met(sized.tried[values])}, too close to {share(sized.share, 1)} to say; a higher "
            "--replications may tell"
        )
    yield f"Held against the goals: {names(list(sized.groups))} of {sized.dials[0].system}"
    if sized.unjudged:
        yield (
            "Not judged, since no run of the scenario as it is shows it (`sim advise` does): "
            f"{'; '.join(sized.unjudged)}"
        )


def _met(tried: Outcomes, who: str = "") -> str:
    if tried.refused:
        return f"no run can be made ({tried.refused})"
    return f"{who}{tried.met()} of {tried.runs} runs meet them"


def _dearer(sized: Sized, answer: Values) -> Iterator[str]:
    """What has fewer members than the answer and looks enough, but costs more."""

    def members(values: Values) -> int:
        return sum(n for dial, n in zip(sized.dials, values, strict=True) if dial.members)

    at = sized.tried[answer].usd_per_month
    fewer = [
        values
        for values, its in sized.tried.items()
        if its.runs >= FEW
        and its.met() == its.runs
        and members(values) < members(answer)
        and its.usd_per_month > at
    ]
    if fewer:
        least = min(fewer, key=lambda v: (members(v), sized.tried[v].usd_per_month))
        month = usd(sized.tried[least].usd_per_month)
        yield f"{setting(sized, least)} look enough, too, but cost more: {month} USD a month"


def _less(sized: Sized, answer: Values) -> Iterator[str]:
    below = [
        values
        for values, verdict in sized.verdicts.items()
        if verdict is False and sum(a != b for a, b in zip(values, answer, strict=True)) == 1
    ]
    if below:
        said = [f"with {setting(sized, values)} {_met(sized.tried[values])}" for values in below]
        yield f"Less is too little: {'; '.join(said)}"


def _no_answer(sized: Sized) -> Iterator[str]:
    best = max(sized.tried, key=lambda v: (sized.tried[v].met() / max(1, sized.tried[v].runs), v))
    its = sized.tried[best]
    yield f"At best, with {setting(sized, best)}, {_met(its)}"
    if its.runs:
        for j, goal in enumerate(sized.goals):
            missed = sum(not goal.met(value) for value in its.worst(j))
            if missed:
                middle = goal.say(its.interval(j).estimate)
                yield f"{goal} is missed in {missed} of {its.runs} runs, with a median of {middle}"
    capped = [dial for dial in sized.dials if dial.members]
    partitions = sized.scenario.systems[sized.dials[0].system].partitions
    if partitions and capped and not any(dial.partitions for dial in sized.dials):
        yield (
            f"Members beyond the {partitions} partitions would be idle: vary the partitions as "
            f"well, with --vary {_partitions_path(sized)}"
        )


def _partitions_path(sized: Sized) -> str:
    name = sized.dials[0].system
    at = sized.scenario.systems[name].partitions_at
    return ".".join(["systems", name, *map(str, at)])


def _more(sized: Sized) -> Iterator[str]:
    """The knee: what one step more would buy, and from where on more buys little."""
    j = shown_goal(sized)
    goal = sized.goals[j]
    for i, dial in enumerate(sized.dials):
        line = [v for v in sized.line(i) if sized.answer is not None and v[i] >= sized.answer[i]]
        middles = [sized.tried[v].interval(j).estimate for v in line]
        if len(line) < 2 or not all(map(isfinite, middles)) or not middles[0] > 0:
            continue
        knee = next(
            (k for k, (a, b) in enumerate(pairwise(middles)) if b > _LITTLE * a), len(line) - 1
        )
        said = f"{goal.say(middles[1])} with {line[1][i]}"
        key = dial.key.removesuffix("s") if dial.members and line[0][i] == 1 else dial.key
        here = f"{goal.name} is {goal.say(middles[0])} with {line[0][i]} {key}, {said}"
        if knee == 0:
            yield f"{here}: more of them buys little"
        elif knee < len(line) - 1:
            yield f"{here}; beyond {line[knee][i]} more of them buys little"
        else:
            yield here


def shown_goal(sized: Sized) -> int:
    """The place of the goal whose measure tells most: a time, and of those one that changes."""

    def spread(j: int) -> float:
        values = [its.interval(j).estimate for its in sized.tried.values() if its.runs]
        finite = [value for value in values if isfinite(value)]
        return float(np.ptp(finite)) / max(1e-12, max(map(abs, finite))) if finite else 0.0

    return max(
        range(len(sized.goals)), key=lambda j: (sized.goals[j].seconds, spread(j) > 0, spread(j))
    )


def table(sized: Sized) -> Iterator[str]:
    """Lines of 80 columns: a setting each, with what its runs came to."""
    rows = sorted(v for v, its in sized.tried.items() if its.runs)
    shown = _goals_shown(sized)
    priced = any(its.usd.size for its in sized.tried.values())
    month = ["USD/month"] if priced else []
    names_of_dials = [dial.name for dial in sized.dials]
    lines = [[*names_of_dials, "met", *month, *(sized.goals[j].name for j in shown)]]
    for values in rows:
        its = sized.tried[values]
        cells = [str(n) for n in values]
        cells.append(f"{its.met()} of {its.runs}")
        cells += [usd(its.usd_per_month)] if priced else []
        cells += [_span(sized, its, j) for j in shown]
        lines.append(cells)
    widths = [max(len(line[k]) for line in lines) for k in range(len(lines[0]))]
    while (
        len(widths) > len(sized.dials) + len(month) + 2
        and sum(widths) + 2 * len(widths) + 2 > _WIDTH
    ):
        widths.pop()
    marks = [" ", *(">" if values == sized.answer else " " for values in rows)]
    for line, mark in zip(lines, marks, strict=True):
        cells = [cell.rjust(width) for cell, width in zip(line, widths, strict=False)]
        yield f"{mark} {'  '.join(cells)}".rstrip()
    yield ""
    yield "Medians; in brackets what they lie between with 95 % confidence, or, of fewer"
    yield "than six runs, the least and the most that were seen."


def _goals_shown(sized: Sized) -> list[int]:
    """The one that tells most, and the others that are ever above 0."""
    first = shown_goal(sized)
    rest = [
        j
        for j in range(len(sized.goals))
        if j != first and any((its.worst(j) > 0).any() for its in sized.tried.values() if its.runs)
    ]
    return [first, *rest]


def _span(sized: Sized, tried: Outcomes, j: int) -> str:
    goal, found = sized.goals[j], tried.interval(j)
    middle, low, high = (goal.say(value) for value in (found.estimate, found.low, found.high))
    return middle if low == high else f"{middle} ({low} to {high})"


def as_data(sized: Sized) -> dict[str, Any]:
    """The same as plain data, for ``--json``; null is a number without an end."""
    return {
        "scenario": sized.scenario.name,
        "system": sized.dials[0].system,
        "groups": list(sized.groups),
        "goals": [
            {
                "said": str(goal),
                "name": goal.name,
                "limit": goal.limit,
                "unit": "s" if goal.seconds else "share" if goal.of_produced else "messages",
            }
            for goal in sized.goals
        ],
        "shown": shown_goal(sized),
        "not_judged": list(sized.unjudged),
        "share_of_runs": sized.share,
        "confidence": sized.confidence,
        "most_runs": sized.most,
        "answer": None if sized.answer is None else _named(sized, sized.answer),
        "said": [f"{words}." for words in findings(sized)],
        "runs": sized.runs,
        "settings": [
            {
                "set": _named(sized, values),
                "verdict": _verdict(sized, values),
                "runs": its.runs,
                "met": its.met(),
                "usd_per_month": its.usd_per_month if its.usd.size else None,
                "refused": its.refused or None,
                "goals": [_goal(sized, its, j) for j in range(len(sized.goals)) if its.runs],
            }
            for values, its in sorted(sized.tried.items())
        ],
    }


def _named(sized: Sized, values: Sequence[int]) -> Mapping[str, int]:
    return {dial.path: n for dial, n in zip(sized.dials, values, strict=True)}


def _verdict(sized: Sized, values: Values) -> str:
    if values not in sized.verdicts:
        return "looked at"
    verdict = sized.verdicts[values]
    return "open" if verdict is None else "meets" if verdict else "misses"


def _goal(sized: Sized, tried: Outcomes, j: int) -> Mapping[str, Any]:
    found = tried.interval(j)
    numbers = {"median": found.estimate, "low": found.low, "high": found.high}
    finite = {key: value if isfinite(value) else None for key, value in numbers.items()}
    return {"goal": str(sized.goals[j]), **finite}
