"""What a setting has to come to: goals such as ``p99 < 2s``, ``lost == 0`` or ``lag <= 10000``.

A goal is an upper limit of a measure, in the words of `results/glossary.md`. It holds for every
group that is held against it, unless it names one: ``counters.p99 < 2s``.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isnan
from typing import Any

import numpy as np

from sim.foundation import units
from sim.foundation.errors import LabError, nearest
from sim.foundation.text import count, duration, share
from sim.measure.latency import QUANTILES
from sim.scenario.needs import Needs, most

COUNTS: Mapping[str, str] = {
    "lost": "lost",
    "dead_lettered": "dead_lettered",
    "unfinished": "unfinished",
    "duplicates": "double_effects",
    "duplicates_applied": "double_effects",
    "duplicates_delivered": "extra_deliveries",
    "out_of_order": "violations",
    "wrong_results": "wrong_effects",
    "late": "late",
    "lag": "max_lag",
}
"""Measure, in messages -> column of the summary. A limit in percent is of what was produced."""
TIMES: Mapping[str, str] = {
    "drained": "drain_s",
    "time_to_drain": "drain_s",
    "age_of_oldest": "max_time_lag_s",
    "max": "latency_max_s",
}
"""Measure, in s -> column of the summary; ``mean`` and quantiles of the latency are times too."""
MEASURES = (*COUNTS, *TIMES, "mean", "p50", "p90", "p99", "p99.9")
"""Names that errors suggest; p1 to p99, p99.5, p99.9, p99.95 and p99.99 are measures as well."""
EXAMPLES = "such as 'p99 < 2s', 'lost == 0', 'lag <= 10_000', 'drained < 10m' or 'lost <= 0.1 %'"
_GOAL = re.compile(r"\s*([A-Za-z_][\w.-]*)\s*(<=|==|<|>=|>|=|!=)\s*(.+?)\s*")
_QUANTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?)")
_CLOSE = 1e-9


@dataclass(frozen=True)
class Goal:
    """An upper limit."""

    measure: str
    """As it was named."""
    limit: float
    """Messages, s, or the share of what was produced."""
    strict: bool = False
    """Whether it must be below the limit, and not at it."""
    of_produced: bool = False
    """Whether the limit is a share."""
    group: str | None = None
    """The only group that is held against it; None: all."""

    @property
    def seconds(self) -> bool:
        """Whether it is of a time."""
        return self.measure not in COUNTS

    @property
    def name(self) -> str:
        """What is limited: the measure, with its group if it has one of its own."""
        return self.measure if self.group is None else f"{self.group}.{self.measure}"

    def say(self, value: float) -> str:
        """A value of it in words."""
        if self.of_produced:
            return share(value, 1.0)
        if self.seconds:
            return "never" if value == inf else duration(value)
        return count(value)

    def __str__(self) -> str:
        if self.measure == "unfinished" and self.limit == 0:
            return "drained" if self.group is None else f"{self.group}.drained"
        sign = "<" if self.strict else "<=" if self.limit or self.seconds else "=="
        return f"{self.name} {sign} {self.say(self.limit)}"

    def met(self, value: float) -> bool:
        """Whether a value keeps it; what is not known (NaN) does not."""
        return value < self.limit if self.strict else value <= self.limit

    def value(
        self, row: Mapping[Any, Any], latency_s: Mapping[float, float], mean_s: float
    ) -> float:
        """What a run of a group came to.

        Of messages that are left unfinished nobody knows the latency: then it is infinite.

        Raises:
            LabError: it is out of order, and messages have no key.

        Args:
            row: of the summary.
            latency_s: its latency at each quantile of `QUANTILES`, s.
            mean_s: its mean latency, s.
        """
        if self.measure in COUNTS:
            n = float(row[COUNTS[self.measure]])
            if isnan(n):
                raise LabError(
                    f"{self.measure}: messages without a key have no order that could be counted; "
                    "give workload.keys, or workload.order_by: []"
                )
            return n / max(1.0, float(row["produced"])) if self.of_produced else n
        if self.measure in TIMES and TIMES[self.measure] != "latency_max_s":
            return float(row[TIMES[self.measure]])
        if row["unfinished"]:
            return inf
        if self.measure == "max":
            return float(row["latency_max_s"])
        return mean_s if self.measure == "mean" else latency_s[quantile_of(self.measure)]


def quantile_of(measure: str) -> float:
    """The quantile that ``p99.9`` is of: one of `QUANTILES`.

    Raises:
        LabError: it is none of those that a run keeps.
    """
    found = _QUANTILE.fullmatch(measure)
    assert found is not None
    q = float(found[1]) / 100
    at = int(np.searchsorted(QUANTILES, q - _CLOSE))
    if abs(QUANTILES[at] - q) > _CLOSE:
        near = f"p{100 * QUANTILES[at]:.6g}" if QUANTILES[at] < 1 else "max"
        raise LabError(
            f"{measure}: a run keeps p0 to p99 by whole percent, p99.5, p99.9, p99.95 and p99.99; "
            f"the next is {near}"
        )
    return float(QUANTILES[at])


def read_goal(text: str, groups: Sequence[str]) -> Goal:
    """A goal as it was written.

    Args:
        text: ``measure < limit``, ``<=`` or ``==``; ``drained`` alone: everything is processed.
        groups: that a goal may name, as in ``counters.p99 < 2s``.

    Raises:
        LabError: it is none, with the nearest name if there is one.
    """
    words = text.strip()
    if words.rpartition(".")[2] == "drained":
        group, _ = _apart(words, text, groups)
        return Goal("unfinished", 0.0, group=group)
    found = _GOAL.fullmatch(text)
    if found is None:
        raise LabError(f"--goal {text!r}: expected a measure, '<', '<=' or '==', and a limit, "
                       f"{EXAMPLES}")  # fmt: skip
    left, sign, right = found.groups()
    group, measure = _apart(left, text, groups)
    if sign in (">", ">=", "!="):
        raise LabError(f"--goal {text!r}: a goal is an upper limit: '<', '<=' or '=='")
    if sign == "=":
        raise LabError(f"--goal {text!r}: did you mean '=='?")
    counted = measure in COUNTS
    if sign == "==" and not counted:
        raise LabError(f"--goal {text!r}: {measure} is a time, which is never exactly so long; "
                       "give '<' or '<='")  # fmt: skip
    percent = right.endswith("%")
    try:
        if percent and counted:
            limit = units.ratio(right[:-1].rstrip()) / 100
        else:
            limit = units.count(right) if counted else units.seconds(right)
    except ValueError as error:
        raise LabError(f"--goal {text!r}: {error}") from None
    if sign == "==" and limit:
        raise LabError(f"--goal {text!r}: a goal is an upper limit; give '<=', or '== 0'")
    return Goal(measure, limit, sign == "<", percent and counted, group)


def _apart(left: str, text: str, groups: Sequence[str]) -> tuple[str | None, str]:
    """The group and the measure that a text names."""
    if (whole := _measure(left)) is not None:
        return None, whole
    group, dot, rest = left.partition(".")
    measure = _measure(rest) if dot else None
    if measure is not None:
        if group in groups:
            return group, measure
        near = nearest(group, groups)
        hint = f"did you mean {near!r}?" if near else f"there are {', '.join(groups)}"
        raise LabError(f"--goal {text!r}: no group or queue {group!r} here; {hint}")
    word = rest if dot and group in groups else left
    near = nearest(word, [*MEASURES, *COUNTS.values(), *TIMES.values()])
    hint = f"did you mean {near!r}?" if near else f"known: {', '.join(MEASURES)}"
    raise LabError(f"--goal {text!r}: unknown measure {word!r}; {hint}")


def _measure(word: str) -> str | None:
    """The measure of a name, which may be that of the summary's column; None: there is none."""
    if word in MEASURES:
        return word
    if _QUANTILE.fullmatch(word):
        quantile_of(word)
        return word
    if word == "p100":
        return "max"
    if found := re.fullmatch(r"latency_(p\d+)_s", word):
        return found[1]
    columns = {column: measure for measure, column in reversed([*COUNTS.items(), *TIMES.items()])}
    return columns.get(word)


def goals_of_needs(needs: Needs) -> tuple[list[Goal], list[str]]:
    """The needs as goals, and those that no run of the scenario as it is tells of.

    Args:
        needs: of the scenario.
    """
    goals = [Goal("unfinished", 0.0)]
    for measure, tolerance in (("lost", needs.loss), ("dead_lettered", needs.dead_letters)):
        if tolerance != "some":
            limit = most(tolerance)
            goals.append(
                Goal(measure, limit.value, of_produced=limit.of_produced and limit.value > 0)
            )
    if needs.double_effects == "none":
        goals.append(Goal("duplicates", 0.0))
    if needs.order != "none":
        goals.append(Goal("out_of_order", 0.0))
    if needs.max_delay is not None:
        at = int(np.searchsorted(QUANTILES, needs.quantile - _CLOSE))
        name = "max" if QUANTILES[at] == 1 else f"p{100 * QUANTILES[at]:.6g}"
        goals.append(Goal(name, needs.max_delay))
    if needs.drain is not None:
        goals.append(Goal("drained", needs.drain))
    left = []
    if needs.replay == "required":
        left.append("replay: required")
    if needs.consumer_crash == "survives":
        left.append("consumer_crash: survives")
    if needs.readers == "independent":
        left.append("readers: independent")
    if needs.routing and needs.unwanted == "none":
        left.append("unwanted: none")
    return goals, left
