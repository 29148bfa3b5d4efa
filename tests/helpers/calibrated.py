"""Scenarios with a planted work and a planted fault, and what an exporter would see of them."""

import copy
import random
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim.imports.measured import Measured, Sample
from sim.lab import run_system
from sim.scenario.load import Scenario
from sim.traffic.generate import generate

FOR_S = 3_600.0
START = pd.Timestamp("2026-11-01T20:00:00Z")


@dataclass(frozen=True)
class Planted:
    """One of them."""

    kind: str
    """none, slow or pause."""
    work_s: float
    """The true mean work per message."""
    fault: dict | None
    true: Scenario
    guess: Scenario
    """Without the fault, with other work and another seed: what somebody would begin with."""


def planted(seed):
    """Draw one: a Kafka group with traffic that rises and falls, at 60 to 85 % of what it can."""
    rng = random.Random(seed)
    kind = rng.choice(["none", "slow", "pause"])
    consumers, rate, busy = rng.choice([2, 3, 4, 6]), rng.uniform(5, 20), rng.uniform(0.6, 0.85)
    work_s = consumers * (rng.uniform(1.0, 1.3) if kind == "none" else busy) / rate
    fault = None
    if kind != "none":
        at, lasts = rng.uniform(0.1, 0.5) * FOR_S, rng.uniform(0.08, 0.3) * FOR_S
        fault = {"at": at, "for": lasts, "fault": kind, "target": "kafka.g.*"}
        if kind == "slow":
            fault["factor"] = rng.uniform(2, 8)
    data = {
        "name": "planted",
        "seed": 1_000 + seed,
        "duration": FOR_S,
        "drain_limit": "1d",
        "workload": {
            "arrivals": {
                "profile": [
                    {"for": 0.4 * FOR_S, "rate": rate},
                    {"for": 0.2 * FOR_S, "rate": 1.3 * rate},
                    {"for": 0.4 * FOR_S, "rate": 0.9 * rate},
                ]
            },
            "keys": {"k": {"count": 500}},
            "service": {"job": {"per_message": {"exponential": work_s}}},
        },
        "systems": {
            "kafka": {
                "product": "kafka",
                "topic": {"partitions": 12},
                "partition_key": ["k"],
                "groups": {"g": {"consumers": consumers, "does": ["job"], "max.poll.records": 10}},
            }
        },
        "faults": [fault] if fault else [],
    }
    guess = copy.deepcopy(data) | {"seed": 1, "faults": []}
    wrong = work_s * rng.choice([0.4, 0.6, 1.5, 2.5])
    guess["workload"]["service"]["job"]["per_message"] = {"exponential": wrong}
    true = Scenario.from_mapping(data)
    return Planted(kind, work_s, fault, true, Scenario.from_mapping(guess))


def exported(scenario, every_s=30.0, offsets=True):
    """Lag of its group ``g``, and offsets, as an exporter would have written them."""
    (system,) = scenario.systems
    messages = generate(scenario)
    series = run_system(scenario, system, messages).series
    t_s = np.arange(0.0, FOR_S + 1, every_s)
    its = series[series["group"] == "g"]
    lag = np.rint(np.interp(t_s, its["t_s"], its["lag"], right=0.0))
    end = np.searchsorted(messages.created_s, t_s, side="right").astype(float)
    at = [START + pd.Timedelta(seconds=float(t)) for t in t_s]
    rows = pd.DataFrame({"name": "g", "at": at, "end": end, "committed": end - lag})
    samples = [Sample("g", "lag", when, float(n)) for when, n in zip(at, lag, strict=True)]
    frame = pd.DataFrame(samples, columns=list(Sample._fields))
    return Measured("planted", "log", frame, offsets=rows if offsets else None)
