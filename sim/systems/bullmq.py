"""BullMQ on the queue mechanism: its options as a policy of the broker and its workers.

Rules held: BM-01 to BM-06. A worker is one consumer with a slot for each job that it has in hand;
Redis hands it the next one with the answer to what it says of the last.
"""

from collections.abc import Sequence
from math import inf

import numpy as np

from sim.engine.environment import Stage
from sim.engine.system import Setup, capacity
from sim.engine.waits import Sent
from sim.foundation.arrays import I32, NO_LIMIT
from sim.injection.replay import repeats_kept
from sim.queue import broker_codes as codes
from sim.queue.broker import Broker
from sim.queue.broker_policy import broker_policy
from sim.queue.broker_policy_kernel import BrokerPolicy
from sim.queue.broker_state import Columns
from sim.queue.feed_kernel import Feed
from sim.scenario.products.bullmq import BullmqQueue, BullmqSystem
from sim.systems.on_queue import QueueSystem, of_rows, poison_of, sent_at_once
from sim.systems.queue_limits import Keys, LimitKey
from sim.systems.redis import DelayedJobs
from sim.traffic.generate import POOL, service_s


class Bullmq(QueueSystem[Broker]):
    """A `sim.engine.system.System`: every message is a job in each queue."""

    def __init__(self, setup: Setup, config: BullmqSystem) -> None:
        rows = setup.messages.of_each({q: c.only for q, c in config.queues.items()})
        rows = setup.that_wait(rows)
        added = sent_at_once(setup, config.latency.publish)
        queues: dict[str, Broker] = {}
        sent: dict[str, Sent] = {}
        for name, queue in config.queues.items():
            delay_s = queue.default_job_options.delay / 1e3
            due_s = np.asarray(added.enqueued_s) + delay_s
            feed = Feed(added.message, due_s, added.n)
            queues[name] = _queue(setup, config, feed, name, rows.get(name))
            sent[name] = DelayedJobs(setup.messages.created_s, delay_s)
        keys = {name: limit_keys(name, config) for name in queues}
        super().__init__(setup, queues, rows, sent, keys)
        self.stages: Sequence[Stage] = [self.readers]


def _queue(setup: Setup, config: BullmqSystem, feed: Feed, name: str, rows: I32 | None) -> Broker:
    settings, scenario, n = config.queues[name], setup.scenario, len(setup.messages)
    workers = setup.scaled(settings.workers)
    per_batch_s = scenario.workload.per_batch_s(settings.does)
    # A round trip is twice a step.
    return Broker(
        feed,
        service_s(scenario, n, settings.does) + np.float32(per_batch_s),
        workers,
        bullmq_policy(config, settings),
        receive_latency_s=2.0 * setup.pool(f"{name}.deliver", config.latency.deliver),
        ack_latency_s=2.0 * setup.pool(f"{name}.ack", config.latency.ack),
        grid_s=setup.grid_s,
        slots=settings.lanes,
        capacity=capacity(setup, name, workers),
        columns=Columns(wanted=of_rows(rows, n)),
        poison=poison_of(setup, name, rows),
        jitter=setup.stream(f"{name}.retries").random(POOL),
        keep_repeats=repeats_kept(setup, name),
    )


def bullmq_policy(config: BullmqSystem, queue: BullmqQueue) -> BrokerPolicy:
    """What a queue of BullMQ does."""
    worker, job = queue.worker, queue.default_job_options
    limiter = worker.limiter
    applies = config.ceilings.apply
    return broker_policy(
        push=1,
        prefetch=worker.concurrency,
        lease_s=worker.lock_duration / 1e3,
        renew_s=min(1e9, queue.renew_s),
        check_s=inf if worker.skip_stalled_check else worker.stalled_interval / 1e3,
        check_twice=1,
        blocks=int(queue.cpu_bound),
        max_stalls=worker.max_stalled_count,
        place=codes.NEXT,  # RPUSH, where RPOPLPUSH takes the next one
        on_failure=codes.RETRY,
        max_returns=max(1, job.attempts) - 1,
        retry_s=job.backoff.delay / 1e3,
        retry_growth=2.0 if job.backoff.type == "exponential" else 1.0,
        retry_spread=job.backoff.jitter,
        dead_letters=int(job.remove_on_fail is not True),
        rate_max=NO_LIMIT if limiter is None else limiter.max,
        rate_s=inf if limiter is None else limiter.duration / 1e3,
        publish_s=config.ceilings.publish if applies else 0.0,
        deliver_s=config.ceilings.deliver if applies else 0.0,
    )


def limit_keys(name: str, config: BullmqSystem) -> Keys:
    """What BullMQ calls the limits of a queue and its workers."""
    queue = config.queues[name]
    worker, job = queue.worker, queue.default_job_options
    of_worker, of_job = f"queues.{name}.worker", f"queues.{name}.defaultJobOptions"
    lock = LimitKey("lockDuration", f"{of_worker}.lockDuration", f"{worker.lock_duration:.12g} ms")
    concurrency = LimitKey("concurrency", f"{of_worker}.concurrency", str(worker.concurrency))
    keys = {
        codes.LIMIT_LOCK_HELD: lock,
        codes.LIMIT_LOCK_GONE: lock,
        codes.LIMIT_LEASE: lock,
        codes.LIMIT_STALLS: LimitKey(
            "maxStalledCount", f"{of_worker}.maxStalledCount", str(worker.max_stalled_count)
        ),
        codes.LIMIT_RETRIES: LimitKey("attempts", f"{of_job}.attempts", str(job.attempts)),
        codes.LIMIT_HELD: concurrency,
        codes.LIMIT_BUSY: concurrency,
        codes.LIMIT_PROCESS: LimitKey(
            "ceilings.deliver", "ceilings.deliver", f"{config.ceilings.deliver * 1e6:.12g} us"
        ),
    }
    if worker.limiter is not None:
        keys[codes.LIMIT_RATE] = LimitKey(
            "limiter", f"{of_worker}.limiter.max", f"{worker.limiter.max}"
        )
    return keys
