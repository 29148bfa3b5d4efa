"""Celery on the queue mechanism: its settings as a policy of the broker and its workers.

Rules held: CE-01 to CE-09, CE-11 to CE-15; of RabbitMQ RQ-06. A worker is one consumer with a slot
for each child process. A task is published again after an exception with autoretry, so that later
ones overtake it (CE-10).
"""

from collections.abc import Sequence
from math import inf

import numpy as np

from sim.engine.environment import Stage
from sim.engine.system import Setup, capacity
from sim.engine.waits import Unsplit
from sim.foundation.arrays import I32, NO_LIMIT
from sim.injection.replay import repeats_kept
from sim.queue import broker_codes as codes
from sim.queue.broker import Broker
from sim.queue.broker_policy import broker_policy
from sim.queue.broker_policy_kernel import BrokerPolicy
from sim.queue.broker_state import Columns
from sim.queue.feed_kernel import Feed
from sim.scenario.products.celery import (
    CeleryQueue,
    CeleryQueueArguments,
    CelerySystem,
    CeleryTask,
)
from sim.scenario.products.rabbitmq_broker import LOOKS_S
from sim.systems.on_queue import QueueSystem, of_rows, poison_of, sent_at_once
from sim.systems.queue_limits import Keys, LimitKey, written_s
from sim.traffic.generate import POOL, service_s


class Celery(QueueSystem[Broker]):
    """A `sim.engine.system.System`: every message calls the task of each queue."""

    def __init__(self, setup: Setup, config: CelerySystem) -> None:
        feed = sent_at_once(setup, config.duration_of("publish"))
        rows = setup.messages.of_each({q: c.only for q, c in config.queues.items()})
        rows = setup.that_wait(rows)
        queues = {
            queue: _queue(setup, config, feed, queue, rows.get(queue)) for queue in config.queues
        }
        sent = Unsplit(setup.messages.created_s)
        keys = {queue: limit_keys(queue, config) for queue in queues}
        super().__init__(setup, queues, rows, dict.fromkeys(queues, sent), keys)
        self.stages: Sequence[Stage] = [self.readers]


def _queue(
    setup: Setup,
    config: CelerySystem,
    feed: Feed,
    queue: str,
    rows: I32 | None,
) -> Broker:
    settings: CeleryQueue = config.queues[queue]
    scenario, messages = setup.scenario, setup.messages
    task, n = settings.task, len(messages)
    workers = setup.scaled(settings.workers)
    # A worker takes one message at a time, so that what a job does once a batch is done for each.
    per_batch_s = scenario.workload.per_batch_s(settings.does)
    if config.ceilings.apply:
        per_batch_s += config.ceilings.child
    # A round trip is twice a step.
    deliver_s = 2.0 * setup.pool(f"{queue}.deliver", config.duration_of("deliver"))
    ack_s = 2.0 * setup.pool(f"{queue}.ack", config.duration_of("ack"))
    held = task.countdown > 0 or bool(task.autoretry_for)
    return Broker(
        feed,
        service_s(scenario, n, settings.does) + np.float32(per_batch_s),
        workers,
        celery_policy(config, task, settings.queue_arguments),
        receive_latency_s=deliver_s,
        ack_latency_s=ack_s,
        grid_s=setup.grid_s,
        slots=config.config.worker_concurrency,
        capacity=capacity(setup, queue, workers),
        columns=Columns(
            wanted=of_rows(rows, n), due_s=messages.created_s + task.countdown if held else None
        ),
        poison=poison_of(setup, queue, rows),
        jitter=setup.stream(f"{queue}.retries").random(POOL),
        keep_repeats=repeats_kept(setup, queue),
        heartbeat_s=config.config.broker_heartbeat if config.broker == "rabbitmq" else inf,
        cold_after_s=inf
        if config.remap_sigterm is None
        else config.config.worker_soft_shutdown_timeout,
    )


def limit_keys(name: str, config: CelerySystem) -> Keys:
    """What Celery and its broker call the limits of a queue and its workers."""
    queue, settings, here = config.queues[name], config.config, f"queues.{name}"
    arguments = queue.queue_arguments
    lock = LimitKey(
        "visibility_timeout",
        "config.broker_transport_options.visibility_timeout",
        written_s(config.visibility_timeout_s),
    )
    if config.broker == "rabbitmq":
        of_queue = arguments.consumer_timeout is not None
        key = "x-consumer-timeout" if of_queue else "consumer_timeout"
        path = f"{here}.queue_arguments.{key}" if of_queue else key
        lock = LimitKey(key, path, written_s(config.consumer_timeout_s(arguments)))
    multiplier, concurrency = settings.worker_prefetch_multiplier, settings.worker_concurrency
    holds = LimitKey(
        "worker_prefetch_multiplier", "config.worker_prefetch_multiplier", str(multiplier)
    )
    if config.prefetches_none:
        holds = LimitKey("worker_disable_prefetch", "config.worker_disable_prefetch", "true")
    return {
        codes.LIMIT_LOCK_HELD: lock,
        codes.LIMIT_LOCK_GONE: lock,
        codes.LIMIT_RETRIES: LimitKey(
            "max_retries", f"{here}.task.max_retries", str(queue.task.max_retries)
        ),
        codes.LIMIT_HELD: holds,
        codes.LIMIT_ETAS: LimitKey(
            "worker_eta_task_limit",
            "config.worker_eta_task_limit",
            str(settings.worker_eta_task_limit),
        ),
        codes.LIMIT_BUSY: LimitKey(
            "worker_concurrency", "config.worker_concurrency", str(concurrency)
        ),
        codes.LIMIT_HEARTBEAT: LimitKey(
            "broker_heartbeat", "config.broker_heartbeat", written_s(settings.broker_heartbeat)
        ),
        codes.LIMIT_LOOP: LimitKey(
            "ceilings.task", "ceilings.task", written_s(config.ceilings.task)
        ),
    }


_PLACE = {"rabbitmq": codes.ORIGINAL, "redis": codes.NEXT, "sqs": codes.RETURNS}
"""Where messages come back to: LPUSH in and BRPOP out, what is restored is pushed right (CE-07)."""


_TRIPS = {"redis": (2, 1), "sqs": (0, 1), "rabbitmq": (0, 0)}
"""Round trips for which a worker's main loop waits (CE-12): for a task, for its acknowledgement."""


def celery_policy(
    config: CelerySystem,
    task: CeleryTask,
    arguments: CeleryQueueArguments | None = None,
) -> BrokerPolicy:
    """What a queue of this application does.

    Args:
        config: the application and its broker.
        task: the task that the messages of the queue call.
        arguments: of the queue; None: it has none.
    """
    settings, transport = config.settings_of(task), config.config.broker_transport_options
    late = settings.task_acks_late
    retries = bool(task.autoretry_for)
    factor = float(task.retry_backoff)
    prefetch = settings.worker_concurrency * settings.worker_prefetch_multiplier
    sweep_s = transport.unacked_restore_interval * transport.unacked_restore_throttle
    rabbitmq = config.broker == "rabbitmq"
    disabled = config.prefetches_none
    etas = settings.worker_eta_task_limit if prefetch else None
    looped = config.ceilings.apply and config.ceilings.task > 0
    fetch_trips, ack_trips = _TRIPS[config.broker] if looped else (0, 0)
    timeout_s = config.consumer_timeout_s(arguments or CeleryQueueArguments())
    failed = (
        codes.DISCARD if not late or settings.task_acks_on_failure_or_timeout else codes.REJECTED
    )
    return broker_policy(
        push=1,
        prefetch=settings.worker_concurrency if disabled else prefetch or NO_LIMIT,
        until_done=int(disabled),
        eta_limit=etas or 0,
        etas=int(etas is not None and task.countdown > 0),
        stays=int(config.waits_on_idle),
        ack=codes.LATE if late else codes.ON_START,
        lock_s=timeout_s if rabbitmq else config.visibility_timeout_s,
        sweep_s={"redis": sweep_s, "rabbitmq": LOOKS_S}.get(config.broker, 0.0),
        # A worker whose channel is closed ends with an error, after its running tasks, and its
        # supervisor starts it again.
        lock_closes=int(rabbitmq),
        closes=int(rabbitmq),
        reopen_s=config.latency.reopen,
        any_copy=int(config.broker == "redis"),
        place=_PLACE[config.broker],
        requeue_place=codes.BACK if config.broker == "redis" else _PLACE[config.broker],
        on_failure=codes.RETRY if retries else failed,
        on_kill=codes.REQUEUE if late and settings.task_reject_on_worker_lost else codes.FAILED,
        max_returns=task.max_retries if retries and task.max_retries is not None else NO_LIMIT,
        retry_s=max(1.0, factor) if factor else task.default_retry_delay,
        retry_held=1,
        retry_growth=2.0 if factor else 1.0,
        retry_max_s=task.retry_backoff_max if factor else np.inf,
        retry_whole=int(bool(factor) and task.retry_jitter),
        loop_s=config.ceilings.task if looped else 0.0,
        fetch_trips=fetch_trips,
        ack_trips=ack_trips,
    )
