"""Celery over RabbitMQ or Redis: the application, its queues and workers as a scenario has them."""

from collections.abc import Iterator, Mapping, Sequence
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from sim.foundation.config import Config
from sim.scenario.products.celery import CelerySystem
from sim.validate.fleet import RealFleet
from sim.validate.observed import Observed
from sim.validate.plan import Plan
from sim.validate.real import BrokerMissingError, Calibration
from sim.validate.replay import Staging, replay
from sim.validate.server import Server
from sim.validate.staging import came_up_s, module, subscribed, written
from sim.validate.trials import (
    all_at_once,
    beside_work,
    cycle_s,
    folder_of,
    measured,
    now_and_then,
    trial,
    work_s,
)


def versions() -> Mapping[str, str]:
    """Of Celery and its transport.

    Raises:
        BrokerMissingError: they are not installed.
    """
    try:
        import celery
        import kombu
    except ImportError:
        raise BrokerMissingError("Celery is not installed: `make brokers`") from None
    return {"Celery": celery.__version__, "kombu": kombu.__version__}


def unmapped(plan: Plan) -> Iterator[str]:
    """What of the system's configuration the real one does not have."""
    product = _product(plan)
    at = f"systems.{plan.system}"
    yield f"{at}.latency: of a network; broker and clients are on one machine"
    for name, queue in product.queues.items():
        if queue.ledger is not None:
            yield f"{at}.queues.{name}.ledger: no books are kept"
        if queue.queue_arguments.consumer_timeout is not None:
            yield f"{at}.queues.{name}.queue_arguments: not given to the broker"


def run(plan: Plan, folder: Path, url: str, tag: str, server: Server | None) -> Observed:
    """Do it with queues of its own.

    Args:
        plan: what.
        folder: for what processes read and write.
        url: of the broker, for kombu.
        tag: of the queues' names, not used before.
        server: the broker, if it can be stopped and continued.
    """
    staging = _CeleryRun(plan, folder, url, tag)
    try:
        return replay(plan, staging, folder, server)
    finally:
        staging.clear()


def calibrate(plan: Plan, folder: Path, url: str, tag: str) -> Calibration:
    """Measure a call of a task, how it gets to a child, and what a task costs beside its work."""
    product = _product(plan)
    at = f"systems.{plan.system}"
    overrides: dict[str, Any] = {}
    words: list[str] = []
    beside_s: dict[str, float] = {}
    publish_s: list[float] = []
    deliver_s: list[float] = []
    one = product.config.model_copy(update={"worker_concurrency": 1})
    alone = product.model_copy(update={"config": one})
    for name in product.queues:
        idle = folder_of(folder, f"{name}-idle")
        seen = run(trial(plan, name, now_and_then(), alone), idle, url, f"{tag}-{name}-i", None)
        executions = seen.groups[name].executions
        call_s = seen.acked_s - seen.sent_s
        publish_s += list(call_s)
        there_s = executions["started_s"] - seen.sent_s[executions["message"]]
        deliver_s += list(np.maximum(there_s - np.median(call_s), 1e-5))
        full = folder_of(folder, f"{name}-full")
        seen = run(
            trial(plan, name, all_at_once(plan, name), alone), full, url, f"{tag}-{name}-f", None
        )
        extra_s = cycle_s(seen.groups[name]) - work_s(plan, name)
        beside_s[name] = extra_s
        words.append(f"{name}: {extra_s * 1e3:.2f} ms a task beside its work")
    overrides[f"{at}.latency.publish"] = measured(np.array(publish_s))
    overrides[f"{at}.latency.deliver"] = measured(np.array(deliver_s))
    overrides[f"{at}.latency.ack"] = float(np.median(deliver_s)) / 2
    for what, durations_s in (("calls", publish_s), ("deliveries", deliver_s)):
        median_s, p99_s = np.quantile(durations_s, [0.5, 0.99])
        words.append(
            f"{len(durations_s)} {what}: {median_s * 1e3:.1f} ms (median), {p99_s * 1e3:.1f} ms "
            "(p99)"
        )
    return Calibration({**beside_work(plan, beside_s), **overrides}, words)


class _CeleryRun(Staging):
    """An application, whose queues are made by its workers."""

    def __init__(self, plan: Plan, folder: Path, url: str, tag: str) -> None:
        self._plan = plan
        self._folder = folder
        self._url = url
        self._tag = tag
        product = _product(plan)
        longest_s = max(float(group.work_s.max(initial=0.0)) for group in plan.groups.values())
        self.quiet_s = 8.0 + longest_s
        self._sweep_s = 0.0
        late = any(product.settings_of(q.task).task_acks_late for q in product.queues.values())
        if product.broker == "redis" and (late or plan.faults):
            options = product.config.broker_transport_options
            self._sweep_s = options.unacked_restore_interval
            # Other copies of what was acknowledged may still be worked on.
            self.settle_s += longest_s
            # What is to come back comes by then.
            self.quiet_s += product.visibility_timeout_s
            self.quiet_s += self._sweep_s * options.unacked_restore_throttle
        self.limit_s = max(self.limit_s, 2 * self.quiet_s)

    def consumer(self, plan: Plan, group: str, work: Path, log: Path) -> Sequence[str]:
        """Command of a worker."""
        queue = _product(plan).queues[group]
        spec = {**self._application(plan), "queue": self._name(group), "task": _given(queue.task)}
        spec["task"].pop("countdown", None)
        return module("celery_worker", written(self._folder, f"{group}.json", spec), work, log)

    def producer(self, plan: Plan, messages: Path, log: Path) -> Sequence[str]:
        """Command of the program that calls the tasks."""
        calls = []
        for name, queue in _product(plan).queues.items():
            rows = plan.groups[name].rows
            calls.append(
                {
                    "queue": self._name(name),
                    "countdown": queue.task.countdown,
                    "rows": None if rows is None else rows.tolist(),
                }
            )
        spec = {**self._application(plan), "queue": calls[0]["queue"], "calls": calls}
        return module("celery_sender", written(self._folder, "sender.json", spec), messages, log)

    def ready(self, plan: Plan, fleets: Mapping[str, RealFleet]) -> bool:
        """Whether all workers have subscribed."""
        return subscribed(fleets)

    def begin_s(self, plan: Plan, fleets: Mapping[str, RealFleet]) -> float:
        """Second 0, on Redis a whole number of sweeps after the workers came up.

        They begin with the scenario, as far as anybody can tell from when they look for what was
        not acknowledged.
        """
        begin_s = super().begin_s(plan, fleets)
        if not self._sweep_s:
            return begin_s
        up_s = median(came_up_s(fleets))
        return up_s + self._sweep_s * ceil((begin_s - up_s) / self._sweep_s)

    def left(self, plan: Plan) -> int | None:
        """On Redis: messages in the queues, and those that workers have and did not acknowledge."""
        if _product(plan).broker != "redis":
            return None
        import redis

        with redis.Redis.from_url(self._url) as server:
            ready = sum(int(server.llen(self._name(name))) for name in plan.groups)
            return ready + int(server.hlen("unacked"))

    def clear(self) -> None:
        """Delete the queues, which outlive the workers."""
        from sim.validate.celery_app import application

        product = _product(self._plan)
        app = application({**self._application(self._plan), "queue": self._tag})
        with app.connection_for_write() as connection:
            for name in product.queues:
                connection.default_channel.queue_delete(self._name(name))

    def _application(self, plan: Plan) -> dict[str, Any]:
        product = _product(plan)
        config = _given(product.config)
        config.setdefault("worker_concurrency", product.config.worker_concurrency)
        return {"broker": self._url, "config": config}

    def _name(self, queue: str) -> str:
        return f"{self._tag}.{queue}"


def _product(plan: Plan) -> CelerySystem:
    assert isinstance(plan.product, CelerySystem)
    return plan.product


def _given(config: Config) -> dict[str, Any]:
    """What is not the default, by Celery's own names; null is no setting."""
    given = config.model_dump(by_alias=True, exclude_defaults=True)
    return {key: value for key, value in given.items() if value is not None}
