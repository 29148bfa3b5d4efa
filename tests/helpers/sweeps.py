"""Sweeps of a small scenario, and such as were never run."""

import numpy as np
import pandas as pd

from helpers.traffic import scenario
from sim.studies.design import design, read
from sim.studies.sweeps import Sweep

CONSUMERS = "systems.kafka.groups.g.consumers"
WORK = "workload.service.job.per_message"
BASE = {"workload.arrivals.profile.0.rate": "50/s"}


def grid(*texts, base=None):
    """A scenario, and a grid of it."""
    base = base or scenario(**BASE)
    return base, design(
        read(texts or [f"{CONSUMERS}=1,2", f"{WORK}=1ms,30ms"], base), "grid", None, 1
    )


def made(numbers, *texts, replications=1, base=None):
    """A sweep with these numbers in place of runs; a row a setting, a column a replication."""
    base, its = grid(*texts, base=base)
    rows = []
    for point, (setting, values) in enumerate(zip(its.settings, numbers, strict=True)):
        for i, value in enumerate(np.atleast_1d(values)):
            where = {one.path: level.value for one, level in zip(its.varied, setting, strict=True)}
            rows.append(
                {"point": point, "replication": i, "seed": 3 + i, **where, "system": "kafka",
                 "group": "g", "latency_p99_s": value, "lost": 0}
            )  # fmt: skip
    return Sweep(base, its, replications, pd.DataFrame(rows))
