"""Sidekiq and RQ on the queue mechanism: jobs that are popped from a list of Redis.

Rules held: SK-01 to SK-04, RB-01 to RB-03. A process is one consumer with a slot for each job that
it has in hand, and has no more than it works on.
"""

from collections.abc import Mapping, Sequence
from math import inf

import numpy as np

from sim.engine.environment import Stage
from sim.engine.system import Setup, capacity
from sim.foundation.arrays import I32, NO_LIMIT
from sim.injection.replay import repeats_kept
from sim.queue import broker_codes as codes
from sim.queue.broker import Broker
from sim.queue.broker_policy import broker_policy
from sim.queue.broker_policy_kernel import BrokerPolicy
from sim.queue.broker_state import Columns
from sim.queue.feed_kernel import Feed
from sim.scenario.products.rq import RqQueue, RqSystem
from sim.scenario.products.sidekiq import SidekiqQueue, SidekiqSystem
from sim.systems.on_queue import QueueSystem, of_rows, poison_of, sent_at_once
from sim.systems.queue_limits import Keys, LimitKey, written_s
from sim.systems.redis import DelayedJobs
from sim.traffic.generate import POOL, service_s

_BEAT_S = 10.0
"""Of a Sidekiq process: `BEAT_PAUSE` in `lib/sidekiq/launcher.rb`."""
_POISONOUS = 3
"""super_fetch: a job that has been recovered so often (within 72 hours) goes to the dead set."""


class RedisJobs(QueueSystem[Broker]):
    """A `sim.engine.system.System`: every message is a job in each queue."""

    def __init__(self, setup: Setup, config: SidekiqSystem | RqSystem) -> None:
        wanted = {q: c.only for q, c in _queues(config).items()}
        rows = setup.that_wait(setup.messages.of_each(wanted))
        added = sent_at_once(setup, config.latency.publish)
        queues = {name: _queue(setup, config, added, name, rows.get(name)) for name in wanted}
        sent = dict.fromkeys(queues, DelayedJobs(setup.messages.created_s, 0.0))
        keys = {
            name: sidekiq_keys(config, name)
            if isinstance(config, SidekiqSystem)
            else rq_keys(config, name)
            for name in queues
        }
        super().__init__(setup, queues, rows, sent, keys)
        self.stages: Sequence[Stage] = [self.readers]


def _queues(config: SidekiqSystem | RqSystem) -> Mapping[str, SidekiqQueue | RqQueue]:
    return config.queues


def _queue(
    setup: Setup, config: SidekiqSystem | RqSystem, added: Feed, name: str, rows: I32 | None
) -> Broker:
    its, scenario, n = _queues(config)[name], setup.scenario, len(setup.messages)
    processes = setup.scaled(its.members)
    if isinstance(its, SidekiqQueue):
        policy, slots, cold_after_s = (
            sidekiq_policy(its),
            its.config.concurrency,
            its.config.timeout,
        )
    else:
        policy, slots, cold_after_s = rq_policy(its), 1, inf
    if config.ceilings.apply:
        policy.publish_s, policy.deliver_s = config.ceilings.publish, config.ceilings.deliver
    return Broker(
        Feed(added.message, added.enqueued_s, added.n),
        service_s(scenario, n, its.does) + np.float32(scenario.workload.per_batch_s(its.does)),
        processes,
        policy,
        # A round trip is twice a step.
        receive_latency_s=2.0 * setup.pool(f"{name}.deliver", config.latency.deliver),
        ack_latency_s=2.0 * setup.pool(f"{name}.ack", config.latency.ack),
        grid_s=setup.grid_s,
        slots=slots,
        capacity=capacity(setup, name, processes),
        columns=Columns(wanted=of_rows(rows, n)),
        poison=poison_of(setup, name, rows),
        jitter=setup.stream(f"{name}.retries").random(POOL),
        keep_repeats=repeats_kept(setup, name),
        cold_after_s=cold_after_s,
    )


def sidekiq_policy(its: SidekiqQueue) -> BrokerPolicy:
    """What a queue of Sidekiq does, without ceilings."""
    config, retries = its.config, its.retries
    reliable = config.fetch == "super_fetch"
    return broker_policy(
        push=1,
        prefetch=config.concurrency,
        loses=int(not reliable),
        lease_s=config.heartbeat_ttl if reliable else inf,
        renew_s=_BEAT_S if reliable else inf,
        check_s=config.orphan_check if reliable else inf,
        max_stalls=_POISONOUS - 1 if reliable else NO_LIMIT,
        place=codes.NEXT,  # RPUSH, where BRPOP takes the next one
        on_failure=codes.DISCARD if retries is None else codes.RETRY,
        max_returns=retries or 0,
        retry_base_s=15.0,
        retry_power=4,
        retry_more=10,
        dead_letters=int(its.sidekiq_options.dead),
    )


def rq_policy(its: RqQueue) -> BrokerPolicy:
    """What a queue of RQ does, without ceilings."""
    retry = its.job.retry
    interval_s = 0.0 if retry is None else retry.interval
    return broker_policy(
        push=1,
        prefetch=1,
        lease_s=its.heard_s,
        renew_s=its.worker.job_monitoring_interval,
        check_s=its.worker.maintenance_interval,
        lease_late=1,
        work_limit_s=inf if its.job.job_timeout is None else its.job.job_timeout,
        place=codes.BACK,
        on_failure=codes.RETRY,
        on_kill=codes.RETRY,  # the process that it forked dies, and the worker sees it
        max_returns=0 if retry is None else retry.max,
        counted=codes.BY_LOCK,
        back_off_s=interval_s,
        back_off_max_s=interval_s if interval_s > 0.0 else inf,
        retry_s=interval_s,
        dead_letters=1,
    )


def sidekiq_keys(system: SidekiqSystem, name: str) -> Keys:
    """What Sidekiq calls the limits of a queue and its processes."""
    its, here = system.queues[name], f"queues.{name}"
    config, options = its.config, its.sidekiq_options
    concurrency = LimitKey("concurrency", f"{here}.config.concurrency", f"{config.concurrency}")
    retries = LimitKey("max_retries", f"{here}.config.max_retries", f"{config.max_retries}")
    if options.retry is not True:
        retries = LimitKey("retry", f"{here}.sidekiq_options.retry", f"{options.retry}".lower())
    beat = LimitKey(
        "orphan_check", f"{here}.config.orphan_check", written_s(config.orphan_check),
        "had to come before a job of a process that was gone was recovered",
    )  # fmt: skip
    return {
        codes.LIMIT_LOST: LimitKey("fetch", f"{here}.config.fetch", config.fetch),
        codes.LIMIT_LOCK_GONE: beat,
        codes.LIMIT_LOCK_HELD: LimitKey(
            "heartbeat_ttl", f"{here}.config.heartbeat_ttl", written_s(config.heartbeat_ttl)
        ),
        codes.LIMIT_STALLS: LimitKey("fetch", f"{here}.config.fetch", config.fetch),
        codes.LIMIT_RETRIES: retries,
        codes.LIMIT_HELD: concurrency,
        codes.LIMIT_BUSY: concurrency,
        codes.LIMIT_PROCESS: _ceiling(system),
    }


def rq_keys(system: RqSystem, name: str) -> Keys:
    """What RQ calls the limits of a queue and its workers."""
    its, here = system.queues[name], f"queues.{name}"
    worker, job = its.worker, its.job
    retry = LimitKey(
        "retry", f"{here}.job.retry", "null" if job.retry is None else f"{job.retry.max}"
    )
    keys = {
        codes.LIMIT_LOCK_GONE: LimitKey(
            "maintenance_interval", f"{here}.worker.maintenance_interval",
            written_s(worker.maintenance_interval),
            "had to come before a job of a worker that was gone was found abandoned",
        ),
        codes.LIMIT_LOCK_HELD: LimitKey(
            "job_monitoring_interval", f"{here}.worker.job_monitoring_interval",
            written_s(worker.job_monitoring_interval),
        ),
        codes.LIMIT_RETURNS: retry._replace(
            what="had a job that had been abandoned so often {buried}"
        ),
        codes.LIMIT_RETRIES: retry,
        codes.LIMIT_BUSY: LimitKey("workers", f"{here}.workers", f"{its.workers}"),
        codes.LIMIT_PROCESS: _ceiling(system),
    }  # fmt: skip
    if job.job_timeout is not None:
        keys[codes.LIMIT_WORK] = LimitKey(
            "job_timeout", f"{here}.job.job_timeout", written_s(job.job_timeout)
        )
    return keys


def _ceiling(system: SidekiqSystem | RqSystem) -> LimitKey:
    value = f"{system.ceilings.deliver * 1e6:.12g} us"
    return LimitKey("ceilings.deliver", "ceilings.deliver", value)
