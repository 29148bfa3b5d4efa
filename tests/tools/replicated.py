"""Twenty runs of shipped scenarios: from where the README has its figures.

    python tests/tools/replicated.py                 # those that are in the table: half an hour
    python tests/tools/replicated.py rolling_deploy  # only these

Writes `results/replications.csv`: of each number of each group the median, the least and the most
of runs with the scenario's seed and the nineteen that follow.
"""

import sys
import tempfile
from pathlib import Path

import pandas as pd

from sim.scenario.load import load
from sim.studies.replications import replicate

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "results" / "replications.csv"
RUNS = 20
TOLD = (
    "lost", "dead_lettered", "unfinished", "double_effects", "violations",
    "max_time_lag_s", "drain_s", "latency_p99_s",
)  # fmt: skip
"""Numbers that the README quotes."""
COLUMNS = ["scenario", "system", "group", "number", "median", "least", "most"]


def replicated(name: str, runs: int = RUNS) -> pd.DataFrame:
    """The rows of a scenario."""
    with tempfile.TemporaryDirectory() as folder:
        found = replicate(load(name), runs, Path(folder))
    rows = found.intervals.assign(scenario=name)[COLUMNS]
    return rows[rows["number"].isin(TOLD) & (rows["most"] > 0)].round(6)


def main() -> int:
    known = pd.read_csv(TABLE)
    for name in sys.argv[1:] or list(dict.fromkeys(known["scenario"])):
        print(name, flush=True)
        rows = replicated(name)
        known = pd.concat([known[known["scenario"] != name], rows], ignore_index=True)
        known.sort_values("scenario", kind="stable").to_csv(TABLE, index=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
