"""Redis streams on the queue mechanism: a group is a queue whose messages nobody gives back.

Rules held: RT-01 to RT-06. A stream is a log, and a group reads it as a queue: each entry goes to
whoever asks. What is pending is in flight without a lock; it goes from one consumer to another by
XAUTOCLAIM, and is never ready again. What XADD trims goes, whoever has read it.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import inf

from sim.engine.environment import Stage
from sim.engine.outcome import GroupOutcome
from sim.engine.system import Setup, capacity
from sim.engine.waits import Limit
from sim.foundation.arrays import I32, NO_LIMIT
from sim.injection.replay import repeats_kept
from sim.queue import broker_codes as codes
from sim.queue.broker import Broker
from sim.queue.broker_policy import broker_policy
from sim.queue.broker_policy_kernel import BrokerPolicy
from sim.queue.broker_state import Columns
from sim.queue.feed_kernel import Feed
from sim.scenario.products.redis_streams import RedisStreamsSystem, StreamGroup
from sim.scenario.workload import Workload
from sim.systems.on_log import picky_service_s, wanted_by
from sim.systems.on_queue import QueueSystem, of_rows, poison_of, sent_at_once
from sim.systems.queue_limits import Keys, LimitKey, written_s
from sim.systems.redis import DelayedJobs

_FAILED = {"pending": codes.LEAVE, "ack": codes.DISCARD, "dead-letter": codes.REJECTED}


class RedisStreams(QueueSystem[Broker]):
    """A `sim.engine.system.System`: every message is an entry, which each group reads."""

    def __init__(self, setup: Setup, config: RedisStreamsSystem) -> None:
        self.config = config
        messages = setup.messages
        matters = messages.of_each({g: c.only for g, c in config.groups.items()})
        waiting = setup.that_wait({})
        added = sent_at_once(setup, config.latency.publish)
        queues = {
            name: _group(setup, config, added, name, waiting.get(name)) for name in config.groups
        }
        sent = dict.fromkeys(queues, DelayedJobs(messages.created_s, 0.0))
        keys = {name: limit_keys(config, name) for name in queues}
        super().__init__(setup, queues, setup.that_wait(matters), sent, keys)
        self.stages: Sequence[Stage] = [self.readers]

    def completed(self, name: str, queue: Broker, outcome: GroupOutcome) -> GroupOutcome:
        """With what is pending at the end, of consumers that are gone or have failed."""
        stranded = _stranded(name, self.config.groups[name], queue)
        return replace(outcome, limits=[*outcome.limits, *stranded])


def _group(
    setup: Setup,
    config: RedisStreamsSystem,
    added: Feed,
    name: str,
    waiting: I32 | None,
) -> Broker:
    its, n = config.groups[name], len(setup.messages)
    consumers = setup.scaled(its.consumers)
    return Broker(
        Feed(added.message, added.enqueued_s, added.n),
        picky_service_s(setup, name, its),
        consumers,
        stream_policy(config, its, setup.scenario.workload),
        # A round trip is twice a step.
        receive_latency_s=2.0 * setup.pool(f"{name}.read", config.latency.read),
        ack_latency_s=2.0 * setup.pool(f"{name}.ack", config.latency.ack),
        grid_s=setup.grid_s,
        capacity=capacity(setup, name, consumers),
        columns=Columns(wanted=of_rows(waiting, n)),
        poison=poison_of(setup, name, wanted_by(setup, its)),
        keep_repeats=repeats_kept(setup, name),
    )


def stream_policy(config: RedisStreamsSystem, its: StreamGroup, of: Workload) -> BrokerPolicy:
    """What a group and its consumers do with entries of a workload."""
    read, claim, add = its.xreadgroup, its.xautoclaim, config.xadd
    applies, costs = config.ceilings.apply, config.ceilings
    noack = read.noack
    whole = 1
    if add.approximate:
        bytes_of = config.config.stream_node_max_bytes
        whole = max(1, min(config.config.stream_node_max_entries, bytes_of // max(1, of.size)))
    return broker_policy(
        batch=read.count,
        wait_s=0.0 if read.block is None else read.block / 1e3 or inf,
        ack=codes.AUTO if noack else codes.LATE,
        ack_every=its.acks_at_once,
        any_copy=1,  # XACK is of the entry, whoever has it
        per_batch_s=of.per_batch_s(its.does),
        on_failure=codes.LEAVE if noack else _FAILED[its.on_failure],
        max_receives=NO_LIMIT if its.max_deliveries is None else its.max_deliveries,
        dead_letters=1,
        claim_s=inf if claim is None or noack else claim.min_idle_time / 1e3,
        claim_every_s=inf if claim is None else claim.every,
        claim_count=1 if claim is None else claim.count,
        own_first=int(its.reads_own_pending and not noack),
        keep_rows=NO_LIMIT if add.maxlen is None else add.maxlen,
        keep_whole=whole,
        keep_s=inf if add.minid is None else add.minid,
        publish_s=costs.publish if applies else 0.0,
        call_s=costs.read if applies else 0.0,
        deliver_s=costs.ack / its.acks_at_once if applies and not noack else 0.0,
    )


def limit_keys(config: RedisStreamsSystem, name: str) -> Keys:
    """What Redis calls the limits of a stream and a group."""
    its, here, add = config.groups[name], f"groups.{name}", config.xadd
    keys = {
        codes.LIMIT_LOCK_GONE: LimitKey(
            "XAUTOCLAIM", f"{here}.XAUTOCLAIM", "null",
            "was not called, and an entry of a consumer that was gone waited for its name",
        ),
        codes.LIMIT_HELD: LimitKey(
            "COUNT", f"{here}.XREADGROUP.COUNT", str(its.xreadgroup.count)
        ),
        codes.LIMIT_BUSY: LimitKey("consumers", f"{here}.consumers", str(its.consumers)),
        codes.LIMIT_PROCESS: LimitKey(
            "ceilings.publish", "ceilings.publish", f"{config.ceilings.publish * 1e6:.12g} us"
        ),
    }  # fmt: skip
    if its.xautoclaim is not None:
        idle = LimitKey(
            "min-idle-time", f"{here}.XAUTOCLAIM.min-idle-time",
            f"{its.xautoclaim.min_idle_time:.12g} ms",
            "had passed, and an entry was claimed that its consumer still had",
        )  # fmt: skip
        keys[codes.LIMIT_LOCK_HELD] = idle
        keys[codes.LIMIT_LOCK_GONE] = idle._replace(
            what="had to pass before an entry of a consumer that had failed or gone was claimed"
        )
    if its.xreadgroup.noack:
        keys[codes.LIMIT_LOST] = LimitKey("NOACK", f"{here}.XREADGROUP.NOACK", "true")
    if its.max_deliveries is not None:
        keys[codes.LIMIT_RECEIVES] = LimitKey(
            "max_deliveries", f"{here}.max_deliveries", str(its.max_deliveries)
        )
    trimmed = "had an entry trimmed that the group had not acknowledged"
    if add.maxlen is not None:
        keys[codes.LIMIT_EXPIRED] = LimitKey("MAXLEN", "XADD.MAXLEN", str(add.maxlen), trimmed)
    elif add.minid is not None:
        keys[codes.LIMIT_EXPIRED] = LimitKey("MINID", "XADD.MINID", written_s(add.minid), trimmed)
    return keys


def _stranded(name: str, its: StreamGroup, queue: Broker) -> list[Limit]:
    """What is pending at the end, and in nobody's hands, where nobody claims."""
    if its.xautoclaim is not None:
        return []
    deliveries, gone_s = queue.state.deliveries, []
    d = deliveries.first
    while d >= 0:
        if deliveries.has[d] == codes.BROKER:
            gone_s.append(float(deliveries.gone_s[d]))
        d = deliveries.after[d]
    if not gone_s:
        return []
    what = "was not called, and an entry stayed pending whose consumer had failed or gone"
    key, path = "XAUTOCLAIM", f"groups.{name}.XAUTOCLAIM"
    return [Limit(key, path, "null", "", what, len(gone_s), min(gone_s), max(gone_s))]
