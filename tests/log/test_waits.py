"""How long the oldest record has waited is what `Offsets.waited_s` defines."""

import numpy as np
import pytest

from sim.engine.outcome import Offsets
from sim.log import waits_kernel as k
from sim.log.group_state_kernel import GroupRecords, OffsetSamples
from sim.log.topic_kernel import Log

P, GRID, ROWS = 3, 12, 30


@pytest.mark.parametrize("seed", range(20))
def test_the_kernel_agrees_with_the_definition(seed):
    rng = np.random.default_rng(seed)
    grid_s = np.arange(GRID) * 1.5
    start = np.arange(P + 1, dtype=np.int64) * ROWS
    visible_s = np.sort(rng.uniform(0, 20, (P, ROWS))).ravel()
    end = np.array([np.searchsorted(visible_s[p * ROWS :][:ROWS], grid_s) for p in range(P)]).T
    end = np.ascontiguousarray(end)
    log = Log(start, end[-1].copy(), np.zeros(0, np.int32), visible_s, np.zeros(P, np.int64))
    records = GroupRecords(P * ROWS, 0)
    records.done_s = np.where(rng.random(P * ROWS) < 0.2, np.inf, visible_s + rng.exponential(2))
    samples = OffsetSamples(grid_s, P)
    samples.position = rng.integers(-1, end + 1)
    samples.committed = np.maximum(-1, samples.position - rng.integers(0, 6, end.shape))
    waited_s = np.zeros((GRID, P))
    k.note(log, records, samples, end, 2, GRID, waited_s)
    offsets = Offsets(
        start=np.zeros_like(end),
        end=end,
        position=np.asarray(samples.position),
        committed=np.asarray(samples.committed),
        commit_s=np.zeros(end.shape),
        readable_s=lambda p, t: visible_s[p * ROWS :][:ROWS],
        done_s=lambda p, t: np.asarray(records.done_s)[p * ROWS :][:ROWS],
    )
    expected = [
        [offsets.waited_s(g, p, float(grid_s[g])) if g >= 2 else 0.0 for p in range(P)]
        for g in range(GRID)
    ]
    assert waited_s.tolist() == expected and waited_s.max() > 0
