"""An explanation in sentences, for a terminal and a page, and as plain data."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from math import isfinite
from textwrap import fill
from typing import Any

from sim.causes.data import Cause, Counterfactual, Explained, Explanation, Harm
from sim.causes.harms import told
from sim.foundation.text import count, messages, names

MOST_CAUSES = 4
"""Causes of a harm that are told one by one."""
_OTHER_HARM = 1
"""Causes that are told of a harm that is not the first."""


def opening(explanation: Explanation) -> str:
    """What was explained, and by how many runs."""
    if not explanation.harmed:
        return f"Nothing is wrong with {explanation.scenario}, so there is nothing to explain."
    runs = f"{count(explanation.runs)} run{'' if explanation.runs == 1 else 's'}"
    words = f"{explanation.scenario}: {runs} with something else, of the same messages"
    if explanation.reduced < 1:
        words += (
            f" ({messages(explanation.messages)}: {explanation.reduced:.3g} of the scenario's"
            " scale, fleets and all)"
        )
    return f"{words}."


def headline(group: Explained) -> str:
    """A group's harms."""
    return f"{group.system}.{group.group}: {'; '.join(harm.said for harm in group.harms)}"


def paragraphs(explanation: Explanation, width: int) -> Iterator[str]:
    """All of it as text, no line longer than ``width``."""
    yield fill(opening(explanation), width)
    for group in explanation.harmed:
        yield ""
        yield fill(headline(group), width, subsequent_indent="  ")
        if group.time:
            yield fill(
                f"{group.time[0].upper()}{group.time[1:]}.",
                width,
                initial_indent="  ",
                subsequent_indent="  ",
            )
        for place, harm in enumerate(group.harms):
            yield from _of_harm(group, harm, width, place == 0)
        if group.untried:
            words = "; ".join(f"{name} ({why})" for name, why in group.untried.items())
            yield fill(f"Not tried: {words}.", width, initial_indent="  ", subsequent_indent="  ")
        if others := vain(group):
            said = f"Tried, and no cause of {_what(group.harms[0])}: {', '.join(others)}."
            yield fill(said, width, initial_indent="  ", subsequent_indent="  ")
    fine = [f"{one.system}.{one.group}" for one in explanation.groups if not one.harms]
    if fine and explanation.harmed:
        yield ""
        yield fill(f"Nothing is wrong with {names(fine)}.", width)


def _of_harm(group: Explained, harm: Harm, width: int, first: bool) -> Iterator[str]:
    causes = group.causes[harm.kind]
    if not first:
        yield f"  Of {_what(harm)}:"
    if not causes:
        yield fill(
            "nothing that was tried takes it away: see `sim show` for what else there is",
            width, initial_indent="  - ", subsequent_indent="    ",
        )  # fmt: skip
    for number, cause in enumerate(causes[: MOST_CAUSES if first else _OTHER_HARM], 1):
        said = f"{number}. {cause.said}"
        yield fill(said, width, initial_indent="  ", subsequent_indent="     ")
    left = len(causes) - (MOST_CAUSES if first else _OTHER_HARM)
    if left > 0 and first:
        told_of = causes[MOST_CAUSES:]
        words = f"Less of it: {', '.join(f'{c.trial.name} ({_percent(c)})' for c in told_of)}."
        yield fill(words, width, initial_indent="  ", subsequent_indent="  ")


def _percent(cause: Cause) -> str:
    return f"{100 * cause.share:.0f} %"


_NOUNS = {
    "lost": "the loss",
    "unfinished": "the backlog that never drains",
    "dead_lettered": "the dead letters",
    "misstated": "the books that are wrong",
    "wrong_states": "the wrong final states",
    "wrong_results": "the wrong results",
    "duplicates": "the duplicates",
    "out_of_order": "the disorder",
    "late": "the lateness",
    "slower": "the slowness",
    "redelivered": "the repeated deliveries",
}


def _what(harm: Harm) -> str:
    return _NOUNS[harm.kind]


def vain(group: Explained) -> list[str]:
    """Names of what was tried alone and is no cause of the first harm."""
    causes = {cause.trial.name for cause in group.causes[group.harms[0].kind]}
    alone = [one for one in group.trials if len(one.hypotheses) == 1]
    return [one.name for one in alone if one.name not in causes]


def _remedies(trial: Counterfactual) -> str:
    return " and ".join(hypothesis.remedy for hypothesis in trial.hypotheses)


def _left(cause: Cause, harm: Harm) -> str:
    return told(harm.kind, cause.trial.left[harm.kind], cause.trial.left["unfinished"])


def as_data(explanation: Explanation) -> dict[str, Any]:
    """The same as plain data; null is a number without an end.

    ``said``: what was explained, and by how many ``runs`` of how many ``messages``, at which
    ``scale`` and ``part_of_the_scenarios_scale``.
    ``groups``, the worst off first: ``system``, ``group``; ``time`` (where a message's time
    went, in words); ``harms``, the one that counts first in
    front, each with ``kind``, ``value`` (more than ``allowed``, in ``unit``), ``said`` and
    ``causes``, the one to be named first in front: ``kind``, ``key``, ``path``, ``value``, ``to``
    of what is taken away, ``together_with`` what, ``share`` of the harm that is gone, ``left`` and
    ``left_said``, ``what``, ``remedy`` and ``cost`` in words, ``said`` (all of it), and ``changes``
    (path and value, as for ``--set``). ``tried`` has every run, with what was ``left`` of each
    harm; ``untried`` why others were not made.
    """
    return {
        "scenario": explanation.scenario,
        "messages": explanation.messages,
        "scale": explanation.scale,
        "part_of_the_scenarios_scale": explanation.reduced,
        "runs": explanation.runs,
        "said": opening(explanation),
        "groups": [_group(group) for group in explanation.groups],
    }


def _group(group: Explained) -> dict[str, Any]:
    return {
        "system": group.system,
        "group": group.group,
        "time": group.time,
        "harms": [_harm(harm, group.causes[harm.kind]) for harm in group.harms],
        "tried": [
            {
                "without": [hypothesis.name for hypothesis in one.hypotheses],
                "left": {kind: _number(left) for kind, left in one.left.items()},
            }
            for one in group.trials
        ],
        "untried": dict(group.untried),
    }


def _harm(harm: Harm, causes: Sequence[Cause]) -> dict[str, Any]:
    return {
        "kind": harm.kind,
        "value": _number(harm.value),
        "allowed": _number(harm.allowed),
        "unit": harm.unit,
        "said": harm.said,
        "causes": [_cause(cause, harm) for cause in causes],
    }


def _cause(cause: Cause, harm: Harm) -> dict[str, Any]:
    first, *others = cause.trial.hypotheses
    return {
        "kind": first.kind.label,
        "key": first.key,
        "path": first.path,
        "value": first.value,
        "to": first.to,
        "together_with": [other.key for other in others],
        "share": _number(cause.share),
        "left": _number(cause.trial.left[harm.kind]),
        "left_said": _left(cause, harm),
        "what": ", and ".join(hypothesis.what for hypothesis in cause.trial.hypotheses),
        "remedy": _remedies(cause.trial),
        "cost": "; ".join(hypothesis.cost for hypothesis in cause.trial.hypotheses),
        "said": cause.said,
        "changes": [
            asdict(change) for hypothesis in cause.trial.hypotheses for change in hypothesis.changes
        ],
    }


def _number(value: float) -> float | None:
    return value if isfinite(value) else None
