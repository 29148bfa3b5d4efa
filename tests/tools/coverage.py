"""How often the 95 % intervals of the lab hold the truth, where theory knows it.

    python tests/tools/coverage.py             # 200 batches of 20 runs: a few minutes
    python tests/tools/coverage.py --batches 20

An M/M/1 queue for the mean time in the system and for its p99, and an M/M/1/9 (RabbitMQ's
x-max-length) for the share that is refused. Each batch is a `replicate` of its own.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping
from math import log
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sim.measure.intervals import of_share
from sim.scenario.load import Scenario
from sim.studies import points
from sim.studies.replications import Replications, replicate

RUNS = 20
"""Runs of a batch."""
_RATE, _WORK_S, _ROOM = 0.5, 1.0, 9
_FOR_S = 10_000
_NOW = {"constant": 0}


class Question(NamedTuple):
    """A number whose true value is known, and its interval."""

    name: str
    queue: Mapping[str, Any]
    """What its queue has beside the plain one."""
    rate: float
    """Messages a second; each takes a second on average."""
    truth: float
    interval: Callable[[Replications], tuple[float, float]]


def _of(number: str, kind: str) -> Callable[[Replications], tuple[float, float]]:
    def its(found: Replications) -> tuple[float, float]:
        row = found.intervals.set_index("number").loc[number]
        return float(row[f"{kind}_low"]), float(row[f"{kind}_high"])

    return its


def _refused(rate: float, room: int, for_s: float) -> float:
    """Messages that find an M/M/1/room queue full, of a second's work each, if it begins empty.

    The integral of the rate of refusals, exactly: the chance of each number in the system follows
    Kolmogorov's equations, to which a row is added that sums up.
    """
    from scipy.linalg import expm

    flow = np.zeros((room + 2, room + 2))
    for n in range(room):
        flow[n, n + 1] = rate
        flow[n + 1, n] = 1.0
    flow -= np.diag(flow.sum(axis=1))
    flow[room, room + 1] = rate
    return float(expm(flow * for_s)[0, room + 1])


_FULL = {"arguments": {"x-max-length": _ROOM - 1}}
QUESTIONS = (
    Question(
        "mean time in an M/M/1 system",
        {},
        _RATE,
        _WORK_S / (1 - _RATE),
        _of("steady_mean_s", "mean"),
    ),
    Question(
        "p99 of an M/M/1 system",
        {},
        _RATE,
        log(100) * _WORK_S / (1 - _RATE),
        _of("steady_p99_s", "median"),
    ),
    Question(
        "share that an M/M/1/9 system refuses",
        _FULL,
        0.9,
        _refused(0.9, _ROOM, _FOR_S),
        _of("lost", "mean"),
    ),
)


def scenario(question: Question, seed: int) -> Scenario:
    """The queue of a question."""
    queue = {"consumers": 1, "does": ["job"], "prefetch_count": 1, **question.queue}
    return Scenario.from_mapping(
        {
            "name": "coverage",
            "seed": seed,
            "duration": _FOR_S,
            "drain_limit": "1d",
            "workload": {
                "arrivals": {"profile": [{"for": _FOR_S, "rate": question.rate}]},
                "keys": {"any": {"count": 1}},
                "service": {"job": {"per_message": {"exponential": _WORK_S}}},
            },
            "systems": {
                "it": {
                    "product": "rabbitmq",
                    "latency": {"publish": _NOW, "deliver": _NOW, "ack": _NOW},
                    "queues": {"jobs": queue},
                }
            },
        }
    )


def held(question: Question, batches: int, jobs: int | None = None) -> pd.DataFrame:
    """The interval of each batch, and whether it holds the truth."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        every = [scenario(question, 1 + n) for n in range(batches * RUNS)]
        for _ in points.compute(every, Path(folder), jobs):
            pass
        for n in range(batches):
            found = replicate(every[n * RUNS], RUNS, Path(folder), jobs=1)
            low, high = question.interval(found)
            rows.append({"low": low, "high": high, "holds": low <= question.truth <= high})
    return pd.DataFrame(rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--batches", type=int, default=200)
    batches = parser.parse_args().batches
    for question in QUESTIONS:
        found = held(question, batches)
        hits = int(found["holds"].sum())
        share = of_share(hits, batches)
        width = float((found["high"] - found["low"]).mean() / question.truth)
        print(
            f"{question.name}: truth {question.truth:.4g}, in {hits} of {batches} intervals "
            f"({share.estimate:.1%}, which is {share.low:.1%} to {share.high:.1%}); they are "
            f"{width:.0%} of it wide",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
