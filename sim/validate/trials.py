"""Small runs of a real system that measure it: what a call takes, and a message beside its work.

A trial has the configuration of a plan, with messages and work of its own, and no faults.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from sim.foundation.arrays import F64
from sim.injection.poison import Poison
from sim.scenario.products.base import ProductSystem
from sim.traffic.messages import Messages
from sim.validate.observed import GroupObserved
from sim.validate.plan import Plan

_LONGEST_S = 0.05
_TRIAL_S = 3.0
_QUANTILES = (5, 25, 50, 75, 90, 95, 99)
_NOTHING = Poison(np.zeros(0, np.int64), np.zeros(0, np.bool_), np.zeros(0, np.int32), np.zeros(0))


def trial(plan: Plan, group: str, created_s: F64, product: ProductSystem | None = None) -> Plan:
    """A plan for one group, with one process of it.

    Args:
        plan: for its configuration.
        group: name.
        created_s: [messages] ascending, s.
        product: the configuration instead; None: that of the plan.
    """
    n = created_s.size
    product = plan.product if product is None else product
    readers = {group: product.readers[group]}
    if product.readers_at != "readers":
        product = product.model_copy(update={product.readers_at: readers})
    one = replace(
        plan.groups[group],
        readers=readers[group],
        members=1,
        most=1,
        rows=None,
        work_s=np.full(n, work_s(plan, group)),
        poison=_NOTHING,
    )
    messages = Messages(
        created_s,
        np.zeros(n, np.int32),
        plan.messages.size_bytes[:1],
        {name: values[:1] for name, values in plan.messages.dims.items()},
        float(created_s[-1]) if n else 0.0,
    )
    scenario = plan.scenario.model_copy(update={"faults": []})
    keys = None if plan.keys is None else [plan.keys[0]] * n
    return replace(
        plan, scenario=scenario, product=product, messages=messages, keys=keys, groups={group: one}
    )


def work_s(plan: Plan, group: str) -> float:
    """Work on each message of a trial, s: the median of the plan's, but not longer than 50 ms.

    A process that has slept for longer takes longer to be back at work.
    """
    return min(float(np.median(plan.groups[group].work_s)), _LONGEST_S)


def now_and_then(n: int = 120, every_s: float = 0.025) -> F64:
    """[messages] times so far apart that none waits for another, s."""
    return np.arange(n, dtype=np.float64) * every_s


def as_planned(plan: Plan, n: int = 1_500) -> F64:
    """[messages] times of the plan's first messages, s."""
    return plan.messages.created_s[:n]


def all_at_once(plan: Plan, group: str) -> F64:
    """[messages] times that make a backlog, of three seconds of work or 400 messages, s."""
    n = int(min(400, _TRIAL_S / max(work_s(plan, group), 1e-3)))
    return np.arange(n, dtype=np.float64) * 1e-4


def cycle_s(seen: GroupObserved) -> float:
    """Mean time from the start of a message to the start of the next one, s.

    Args:
        seen: of a trial with a backlog; its first and last tenth are left out.
    """
    started_s = np.sort(seen.executions["started_s"].to_numpy(np.float64))
    edge = started_s.size // 10
    return float(np.mean(np.diff(started_s[edge : started_s.size - edge])))


def measured(durations_s: F64) -> Mapping[str, Any]:
    """The quantiles of what was measured, as a distribution of a scenario."""
    at_s = np.maximum(np.quantile(durations_s, [q / 100 for q in _QUANTILES]), 1e-6)
    return {
        "quantiles": {f"p{q}": float(each) for q, each in zip(_QUANTILES, at_s, strict=True)}
        | {"min": float(at_s.min()), "max": float(max(durations_s.max(), at_s.max()))}
    }


def beside_work(
    plan: Plan, extra_s: Mapping[str, float], batch: Mapping[str, int] | None = None
) -> Mapping[str, Any]:
    """Overrides that give a consumer a cost beside the work on its messages.

    It is `per_batch` of the first of its jobs, since every job has that key: where a consumer takes
    one message at a time, a message is a batch.

    Args:
        plan: for its workload.
        extra_s: cost of a message, of each group, s.
        batch: messages in a batch of each group; None: one.
    """
    overrides: dict[str, Any] = {}
    for group, its_s in extra_s.items():
        job = plan.groups[group].readers.does[0]
        given_s = plan.scenario.workload.service[job].per_batch
        n = 1 if batch is None else batch[group]
        overrides[f"workload.service.{job}.per_batch"] = given_s + n * max(0.0, its_s)
    return overrides


def calls_s(folder: Path, group: str, call: str) -> F64:
    """[calls] durations of one kind of call that the clients of a trial wrote down, s.

    Args:
        folder: of the trial.
        group: name.
        call: as they name it.
    """
    lines = [
        line.split()
        for log in sorted(folder.glob(f"{group}-*.log"))
        for line in log.read_text().splitlines()
    ]
    return np.array([float(line[3]) for line in lines if line[0] == "c" and line[2] == call])


def folder_of(folder: Path, name: str) -> Path:
    """A new folder for a trial."""
    made = folder / name
    made.mkdir(parents=True)
    return made
