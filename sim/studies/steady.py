"""The steady state of a run: its latencies without the warm-up, during which it fills.

Only of scenarios that have one: traffic at one rate all the time, and no fault. Everything else is
about a transient, of which nothing is left out.
"""

import numpy as np
import pandas as pd

from sim.foundation.arrays import F64
from sim.scenario.load import Scenario

BATCHES = 400
"""Equal parts of a run whose means are looked at."""
NUMBERS = ("steady_mean_s", "steady_p50_s", "steady_p99_s")
"""Columns of `steady` that are given with intervals."""
_WHO = ["system", "group"]


def is_steady(scenario: Scenario) -> bool:
    """Whether its traffic has one rate all the time, and no fault or change strikes it."""
    profile = scenario.workload.arrivals.profile
    if scenario.faults or not profile:
        return False
    return len(profile) == 1 and profile[0].rate is not None


def warm_up(means: F64) -> int | None:
    """How many of the first of the batch ``means`` to leave out; None: they settle down nowhere.

    MSER (White 1997, *Simulation* 69, who takes batches of five observations): those without which
    the mean of the rest is known best, ``var / n`` being least. Where it is best to leave out half
    or more, the run is too short to tell.
    """
    left = np.arange(means.size, 0, -1)
    sums = np.cumsum(means[::-1])[::-1]
    squares = np.cumsum(means[::-1] ** 2)[::-1]
    error = (squares - sums**2 / left) / left**2
    most = means.size // 2  # of the last few, some are alike by chance
    first = int(np.argmin(error[: most + 1]))
    return None if first == most else first


def kept(messages: pd.DataFrame) -> pd.DataFrame:
    """Of the table ``messages`` of a run, what the steady state is found from.

    ``system``, ``group``, ``created_s`` and ``latency_s`` of those that were processed.
    """
    its = messages[messages["done_s"] < np.inf]
    latency_s = its["done_s"] - its["created_s"]
    return its[[*_WHO, "created_s"]].assign(latency_s=latency_s).reset_index(drop=True)


def steady(samples: pd.DataFrame, duration_s: float) -> pd.DataFrame:
    """A row per run (``point``), system and group: latencies once it is warm.

    ``warm_up_s``: messages created before it are left out, in all runs alike: it is found from the
    mean of the runs, since a single one wanders too much to tell. ``steady_mean_s``,
    ``steady_p50_s``, ``steady_p99_s`` of the others. NaN where the runs never settle down.

    Args:
        samples: `kept` of each run, and its ``point``.
        duration_s: so long messages are created.
    """
    rows = []
    for (system, group), its in samples.groupby(_WHO, sort=False):
        batch = (its["created_s"] * (BATCHES / duration_s)).astype(int).clip(upper=BATCHES - 1)
        means = its.groupby(batch)["latency_s"].mean()
        first = warm_up(means.to_numpy(np.float64))
        warm_s = np.nan if first is None else float(means.index[first]) * duration_s / BATCHES
        for point, run in its.groupby("point", sort=True):
            latency_s = run["latency_s"][run["created_s"] >= warm_s].to_numpy(np.float64)
            numbers = [np.nan] * len(NUMBERS)
            if latency_s.size:
                numbers = [latency_s.mean(), *np.quantile(latency_s, [0.5, 0.99])]
            rows.append([point, system, group, warm_s, *numbers])
    return pd.DataFrame(rows, columns=["point", *_WHO, "warm_up_s", *NUMBERS])
