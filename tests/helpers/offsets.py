"""Partitions of a log over time, from a few columns."""

import numpy as np

from sim.engine.outcome import Offsets

STEP_S = 10.0


def offsets_of(end, committed, commit_s, start=None, position=None, readable_s=None, done_s=None):
    """[samples, partitions], or [samples] for one partition."""
    end, committed, commit_s = (
        np.atleast_2d(np.asarray(column, dtype).T).T.reshape(len(column), -1)
        for column, dtype in ((end, np.int64), (committed, np.int64), (commit_s, float))
    )
    nowhere = np.zeros_like(end)
    return Offsets(
        start=nowhere if start is None else start,
        end=end,
        position=committed if position is None else position,
        committed=committed,
        commit_s=commit_s,
        readable_s=readable_s,
        done_s=done_s,
    )
