"""What was measured beside what the lab says: counts, and curves of what waits.

Both are a `GroupOutcome`, so that every number is counted by the lab's own definitions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim.engine.outcome import Fate, GroupOutcome
from sim.foundation.arrays import F64, I64
from sim.measure.counts import count
from sim.traffic.messages import Messages

STEP_S = 0.25
"""Between two points of a curve."""
NEAR = 0.05
"""RMS of two curves that agree, as a share of the peak."""
COUNTS = (
    "processed", "unprocessed", "dead_lettered", "twice", "repeats", "redelivered", "out_of_order",
)  # fmt: skip
"""Figures that are whole messages."""
TIMES = ("peak", "drain_s", "waiting_s", "p50_s", "p99_s", "max_s")
"""Figures of the curve and of latencies."""


@dataclass(frozen=True)
class Figures:
    """One run of one group."""

    numbers: dict[str, float]
    """By name, `COUNTS` and `TIMES`:

    - ``processed``: messages processed at least once; ``unprocessed``: those that were neither
      processed nor dead-lettered, lost or left; ``dead_lettered``.
    - ``twice``: messages processed more than once; ``repeats``: times beyond the first.
    - ``redelivered``: deliveries beyond the first of each message, of a queue: only its
      broker tells of those to a consumer that died before it began.
    - ``out_of_order``: messages first processed after a later one of their key.
    - ``peak``: most messages created and not yet done; ``waiting_s``: the area below that curve,
      message-seconds; ``drain_s``: from the last arrival to the last message done.
    - ``p50_s``, ``p99_s``, ``max_s``: of the time from creation to the first processing.
    """
    waiting: I64
    """[points] messages created and not yet done, every `STEP_S`."""


def figures(
    messages: Messages, order_by: Sequence[str] | None, outcome: GroupOutcome, points: int
) -> Figures:
    """Measure one run.

    Args:
        messages: those meant for the group.
        order_by: key dimensions within which order matters; None: no order is counted.
        outcome: what became of them.
        points: of the curve.
    """
    counted = count(messages, order_by, outcome)
    done = outcome.done_s < np.inf
    latency_s = (outcome.done_s - messages.created_s)[done]
    ends_s = np.sort(outcome.done_s[done])
    at_s = np.arange(points) * STEP_S
    waiting = np.searchsorted(messages.created_s, at_s, "right") - np.searchsorted(
        ends_s, at_s, "right"
    )
    dead = counted.fates[Fate.DEAD_LETTERED]
    quantile = [float(x) for x in np.quantile(latency_s, [0.5, 0.99])] if done.any() else [0.0] * 2
    last_s = float(messages.created_s[-1]) if len(messages) else 0.0
    numbers = {
        "processed": int(done.sum()),
        "unprocessed": len(messages) - int(done.sum()) - dead,
        "dead_lettered": dead,
        "twice": int((outcome.effects > 1).sum()),
        "repeats": counted.extra_effects,
        **({} if outcome.product == "kafka" else {"redelivered": outcome.extra_deliveries}),
        **({"out_of_order": counted.violations_in_all} if counted.ordered else {}),
        "peak": int(waiting.max(initial=0)),
        "drain_s": max(0.0, counted.last_done_s - last_s),
        "waiting_s": float(waiting.sum() * STEP_S),
        "p50_s": quantile[0],
        "p99_s": quantile[1],
        "max_s": float(latency_s.max(initial=0.0)),
    }
    return Figures(numbers, waiting)


def points(outcomes: Sequence[GroupOutcome]) -> int:
    """How many points cover all of several runs."""
    ends_s = [float(x.done_s[x.done_s < np.inf].max(initial=0.0)) for x in outcomes]
    return int(max(ends_s, default=0.0) / STEP_S) + 4


def rms(real: I64, model: I64) -> float:
    """Root mean square of the difference of two curves, as a share of the real one's peak."""
    difference: F64 = (real - model).astype(np.float64)
    return float(np.sqrt(np.mean(difference**2)) / max(1, real.max(initial=0)))


def table(
    who: dict[str, str], real: Sequence[Figures], default: Figures, models: Sequence[Figures]
) -> pd.DataFrame:
    """A row per figure.

    ``real_least``, ``real_median`` and ``real_most`` are over the repeats, ``lab_least``, … over
    the lab's calibrated models of each, ``default`` is the lab's without. ``inside``: whether the
    two ranges have a value in common. The rows ``rms`` are of the curves, as a share of the real
    peak: between repeats, and of each repeat to its model, where ``inside`` is up to 5 % at the
    median.
    """
    rows = []
    for name in (*COUNTS, *TIMES):
        if name not in default.numbers:
            continue
        seen = np.array([run.numbers[name] for run in real])
        said = np.array([model.numbers[name] for model in models])
        inside = seen.min() <= said.max() and said.min() <= seen.max()
        rows.append({**who, "figure": name, **_range("real", seen), **_range("lab", said)})
        rows[-1] |= {"default": default.numbers[name], "inside": bool(inside)}
    away = [rms(run.waiting, model.waiting) for run, model in zip(real, models, strict=True)]
    plain = [rms(run.waiting, default.waiting) for run in real]
    spread = [rms(run.waiting, other.waiting) for run in real for other in real if run is not other]
    rows.append(
        {
            **who,
            "figure": "rms",
            **_range("real", np.array(spread or [0.0])),
            **_range("lab", np.array(away)),
            "default": float(np.median(plain)),
            "inside": bool(np.median(away) <= NEAR),
        }
    )
    return pd.DataFrame(rows)


def _range(whose: str, values: F64 | I64) -> dict[str, float]:
    return {
        f"{whose}_least": float(values.min()),
        f"{whose}_median": float(np.median(values)),
        f"{whose}_most": float(values.max()),
    }
