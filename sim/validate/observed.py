"""What a real system did with a plan's messages, in the form in which the lab says the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from sim.engine.outcome import Fate, GroupOutcome
from sim.foundation.arrays import F64, I64, Bools
from sim.validate.plan import Plan


@dataclass(frozen=True)
class GroupObserved:
    """What the processes of one group wrote down."""

    executions: pd.DataFrame
    """A row each time that a message was processed to its end, in order of ``done_s``: ``message``
    (row of the plan), ``member`` (int), ``started_s``, ``done_s`` (s since the scenario's start),
    ``deliveries`` (as the broker counts them; 1 where it does not), ``partition`` (-1: none)."""
    dead: Bools
    """[messages] whether it was found in a dead-letter queue at the end."""
    happened: Sequence[tuple[float, str]] = ()
    """What the clients said of assignments, connections and ends, with its time in s."""
    deliveries: I64 | None = None
    """[messages] the most deliveries that the broker told of; None: it counts none."""


@dataclass(frozen=True)
class Observed:
    """One run of a plan on a real system; times in s since the scenario's start."""

    sent_s: F64
    """[messages] when each was handed to the producer's client; nan: never."""
    acked_s: F64
    """[messages] when its send was acknowledged; nan: never."""
    groups: Mapping[str, GroupObserved]
    stored: Sequence[int] = ()
    """[records] message of each record of a log, if that was read at the end."""
    initial: Mapping[str, Any] = field(default_factory=dict)
    """The state in which the run began, as far as the lab draws it, by dotted path of the scenario:
    phases of timers. The calibrated model of this run is given it."""
    notes: Sequence[str] = field(default_factory=tuple)
    """What disturbed the run, a sentence each."""


def outcome(plan: Plan, observed: Observed, group: str, grid_s: F64) -> GroupOutcome:
    """What a group did, as the lab's own tables take it.

    Gauges of the broker (offsets, ready, in flight) are not observed, and 0.

    Args:
        plan: what was done.
        observed: what came of it.
        group: name.
        grid_s: [times] 0, step, 2 step, …, s.
    """
    seen = observed.groups[group]
    n = len(plan.messages)
    message = seen.executions["message"].to_numpy(np.int64)
    done_s = np.full(n, np.inf)
    np.minimum.at(done_s, message, seen.executions["done_s"].to_numpy(np.float64))
    effects = np.bincount(message, minlength=n)
    fate = np.full(n, int(Fate.UNFINISHED), np.uint8)
    fate[seen.dead] = int(Fate.DEAD_LETTERED)
    fate[np.isfinite(done_s)] = int(Fate.PROCESSED)
    handed_over = effects if seen.deliveries is None else np.maximum(effects, seen.deliveries)
    zeros = np.zeros(grid_s.size, np.int64)
    return GroupOutcome(
        system=plan.system,
        group=group,
        kind="queue",
        product=str(getattr(plan.product, "product", "")),
        fate=fate,
        done_s=done_s,
        effects=effects.astype(np.uint16),
        extra_deliveries=int(np.maximum(handed_over - 1, 0).sum()),
        gauges_t_s=grid_s,
        gauges={"enqueued": zeros, "ready": zeros, "in_flight": zeros},
        history=None,
        consumers=plan.groups[group].members,
        deliveries=int(handed_over.sum()),
        calls=0,
    )
