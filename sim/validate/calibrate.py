"""Calls and work of real clients on this machine, measured on an idle system, for the model.

A probe is a plan of its own with the configuration of the other: messages one at a time, by which
calls are timed, then a burst, in which a consumer is never idle: what it takes from one message to
the next, beyond the work that was asked for, is what a message costs besides.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from sim.foundation.arrays import F64
from sim.foundation.errors import LabError
from sim.injection.poison import Poison
from sim.traffic.messages import Messages
from sim.validate.observed import Observed
from sim.validate.plan import Plan, PlannedGroup
from sim.validate.real import Calibration

SINGLE = 150
"""Messages one at a time."""
BURST = 400
"""Messages at once."""
OVERHEAD = "overhead"
"""Name of the job that stands for what a message costs besides its work."""
_EVERY_S = 0.02
_PAUSE_S = 1.0
_LEAST_S = 1e-5


def probe(plan: Plan) -> Plan:
    """The plan by which a system is measured: one process a group, no fault."""
    at_s = np.arange(SINGLE) * _EVERY_S
    created_s = np.concatenate([at_s, np.full(BURST, at_s[-1] + _PAUSE_S)])
    n = created_s.size
    entity = np.resize(plan.messages.entity, n) if len(plan.messages) else np.zeros(n, np.int32)
    messages = Messages(
        created_s, entity, plan.messages.size_bytes[:1], plan.messages.dims, float(created_s[-1])
    )
    keys = None if plan.keys is None else [plan.keys[i % len(plan.keys)] for i in range(n)]
    groups = {name: _alone(group, n) for name, group in plan.groups.items()}
    quiet = plan.scenario.with_({"faults": []})
    return replace(plan, scenario=quiet, messages=messages, keys=keys, groups=groups)


def _alone(group: PlannedGroup, n: int) -> PlannedGroup:
    none = Poison(np.zeros(0, np.int64), np.zeros(0, np.bool_), np.zeros(0, np.int32), np.zeros(0))
    work_s = np.full(n, float(np.median(group.work_s)) if group.work_s.size else 0.0)
    work_s[:SINGLE] = 0.0
    return replace(group, members=1, most=1, rows=None, work_s=work_s, poison=none)


def calibrated(
    plan: Plan,
    folder: Path,
    run: Callable[[Plan, Path], Observed],
    calls: Mapping[str, str],
    lingers_s: float = 0.0,
) -> Calibration:
    """Run the probe, and say what it means for the model.

    Args:
        plan: to be calibrated for.
        folder: an empty one.
        run: does a plan.
        calls: the key of the system, as a dotted path, that takes each of what was measured:
            ``produce``, from sending to the acknowledgement, and ``deliver``, from there to the
            start of the work (0 if it has begun before).
        lingers_s: how long the producer's client waits before it sends a single message, s; the
            model has that itself.
    """
    seen = run(probe(plan), folder)
    if not np.isfinite(seen.acked_s[:SINGLE]).any() or not all(
        len(group.executions) for group in seen.groups.values()
    ):
        raise LabError(f"nothing arrived in the calibration of {plan.system}: see {folder}")
    single = slice(0, SINGLE)
    produce_s = np.maximum((seen.acked_s - seen.sent_s)[single] - lingers_s, _LEAST_S)
    overrides: dict[str, Any] = {}
    words: list[str] = []
    jobs: dict[str, Any] = {}
    if "produce" in calls:
        overrides[f"systems.{plan.system}.{calls['produce']}"] = _curve(produce_s)
        words.append(f"produce: {_said(produce_s)}, {np.isfinite(produce_s).sum()} calls")
    for name, group in plan.groups.items():
        done = seen.groups[name].executions.drop_duplicates("message").set_index("message")
        started_s = done["started_s"].reindex(range(SINGLE)).to_numpy()
        deliver_s = np.maximum(started_s - seen.acked_s[single], _LEAST_S)
        if "deliver" in calls:
            overrides[f"systems.{plan.system}.{calls['deliver']}"] = float(np.nanmedian(deliver_s))
            words.append(f"{name}: delivered {_said(deliver_s)} after the acknowledgement")
        end_s = np.sort(done["done_s"].to_numpy()[done.index >= SINGLE])
        # The first and the last of a burst wait for fetches.
        steps_s = np.diff(end_s)[20:-20]
        cost_s = float(np.mean(steps_s)) - float(np.median(group.work_s))
        job = f"{OVERHEAD}-{plan.system}-{name}"
        jobs[job] = {"per_message": max(_LEAST_S, cost_s)}
        place = ".".join(str(key) for key in plan.product.place_of(name))
        overrides[f"systems.{plan.system}.{place}.does"] = [*group.readers.does, job]
        words.append(f"{name}: {cost_s * 1e3:.3f} ms a message besides its work")
    service = plan.scenario.workload.model_dump(mode="json", by_alias=True)["service"]
    overrides["workload.service"] = {**service, **jobs}
    return Calibration(overrides, words)


def _curve(calls_s: F64) -> dict[str, Any]:
    """As a distribution by its quantiles."""
    found = calls_s[np.isfinite(calls_s)]
    at = {"p10": 0.1, "p50": 0.5, "p90": 0.9, "p99": 0.99}
    values = np.maximum.accumulate(np.maximum(np.quantile(found, list(at.values())), _LEAST_S))
    # Equal quantiles make no curve: the clock's own resolution apart.
    values = values + np.arange(values.size) * 1e-6
    return {"quantiles": {name: float(value) for name, value in zip(at, values, strict=True)}}


def _said(calls_s: F64) -> str:
    found = calls_s[np.isfinite(calls_s)] * 1e3
    return f"p50 {np.quantile(found, 0.5):.2f} ms, p99 {np.quantile(found, 0.99):.2f} ms"
