"""What became of the workload's messages along a pipeline: the table ``pipeline``."""

from collections.abc import Sequence
from math import nan

import numpy as np
import pandas as pd

from sim.engine.outcome import GroupOutcome
from sim.engine.passed_on import PassedOn, effects_of
from sim.foundation.arrays import F64, I32


def pipeline_table(
    given: PassedOn,
    outcome: GroupOutcome,
    behind: str,
    stage: int,
    order_by: Sequence[str] | None,
    held_s: F64,
) -> pd.DataFrame:
    """One row: the messages of the workload as they got to a group, end to end.

    Columns: system, group, behind (the group before, "" of the first), stage (from 0), produced
    (messages of the workload), processed (of these, that had an effect here), duplicates (effects
    beyond one of each), out_of_order (first effects after that of a message of the same key that
    was created later; nan: there is no order), mean_s, p50_s, p99_s, max_s (from its creation to
    its first effect here), held_up (messages whose consumer waited for the next stage longer than
    the way there takes), held_up_s (how much longer, over all of them).

    Args:
        given: what the stage was given.
        outcome: of the group.
        behind: the group before.
        stage: number of the stage.
        order_by: dimensions that make up the key; None: no order is counted.
        held_s: [held up] how much longer each waited for the next stage, s.
    """
    effects = effects_of(outcome)
    origin = given.origin[effects.message]
    first_s = np.full(given.begun_s.size, np.inf)
    np.minimum.at(first_s, origin, effects.at_s)
    done = np.flatnonzero(first_s < np.inf).astype(np.int32)
    took_s = first_s[done] - given.begun_s[done]
    key_of, _ = given.messages.keys_of(order_by or [])
    key = np.zeros(given.begun_s.size, np.int32)
    key[given.origin] = key_of
    p50_s, p99_s = np.quantile(took_s, [0.5, 0.99]) if done.size else (np.nan, np.nan)
    return pd.DataFrame(
        {
            "system": [outcome.system],
            "group": [outcome.group],
            "behind": [behind],
            "stage": [stage],
            "produced": [given.begun_s.size],
            "processed": [done.size],
            "duplicates": [origin.size - done.size],
            "out_of_order": [
                nan if order_by is None else _out_of_order(done, first_s[done], key[done])
            ],
            "mean_s": [took_s.mean() if done.size else np.nan],
            "p50_s": [p50_s],
            "p99_s": [p99_s],
            "max_s": [took_s.max() if done.size else np.nan],
            "held_up": [held_s.size],
            "held_up_s": [held_s.sum()],
        }
    )


def _out_of_order(message: I32, at_s: F64, key: I32) -> int:
    """How many take effect after a later message of the same key."""
    order = np.argsort(at_s, kind="stable")
    its = pd.Series(message[order])
    latest = its.groupby(key[order]).cummax()
    return int((its < latest).sum())
