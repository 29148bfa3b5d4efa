"""Which offsets were handed out at all."""

import numpy as np

from sim.log.handed_out import Runs


def test_distinct_offsets_of_runs_that_touch_overlap_or_stand_apart():
    rng = np.random.default_rng(1)
    for _ in range(200):
        runs = Runs(np.array([-1, 0]))
        seen = [set(), set()]
        began = [0, 0]
        for _ in range(rng.integers(1, 8)):
            p, length, to = rng.integers(2), rng.integers(0, 6), rng.integers(0, 30)
            seen[p] |= set(range(began[p], began[p] + length))
            runs.close([p], np.array([began[p] + length]), np.array([to]))
            began[p] = int(to)
        assert runs.distinct() == len(seen[0]) + len(seen[1])
