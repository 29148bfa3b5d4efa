"""All that a queue and its consumers are at a time, of which their kernels are the verbs."""

import numpy as np

from sim.foundation import num
from sim.foundation.arrays import F64, I64, NO_LIMIT
from sim.queue import broker_codes as codes
from sim.queue import broker_events_kernel as events_kernel
from sim.queue import broker_limits_kernel as limits_kernel
from sim.queue import broker_times_kernel as times_kernel
from sim.queue.broker_consumers_kernel import Consumers
from sim.queue.broker_dead_rows_kernel import DeadRows
from sim.queue.broker_deliveries_kernel import Deliveries
from sim.queue.broker_events_kernel import Events
from sim.queue.broker_function_kernel import InvokedFunction
from sim.queue.broker_lanes_kernel import Lanes
from sim.queue.broker_letters_kernel import QueueLetters
from sim.queue.broker_limits_kernel import QueueLimits
from sim.queue.broker_messages_kernel import PoisonLeft, QueueMessages
from sim.queue.broker_policy_kernel import BrokerPolicy
from sim.queue.broker_times_kernel import QueueTimes
from sim.queue.feed_kernel import Feed


class Calls:
    """Calls of one kind: how long each takes, and when the quota lets the next one through."""

    def __init__(self, latency_s: F64) -> None:
        self.latency_s: F64 = latency_s
        """[draws] round trips, taken in turn."""
        self.made = 0
        """Calls so far."""
        self.quota_s = -num.INF
        """When the quota would be used up, less the burst."""


class QueueSamples:
    """What was in the queue at the times of a grid."""

    def __init__(self, grid_s: F64) -> None:
        self.grid_s: F64 = grid_s
        """[grid] sample times, ascending."""
        self.came: I64 = np.zeros(grid_s.size, np.int64)
        """[grid] messages that had come."""
        self.ready: I64 = np.zeros(grid_s.size, np.int64)
        """[grid] of them ready."""
        self.in_flight: I64 = np.zeros(grid_s.size, np.int64)
        """[grid] of them delivered and not acknowledged, or waiting for a retry."""
        self.taken = 0
        """QueueSamples taken."""


class BrokerState:
    """A queue, its consumers, and what is to happen to them."""

    def __init__(
        self,
        feed: Feed,
        policy: BrokerPolicy,
        messages: QueueMessages,
        lanes: Lanes,
        deliveries: Deliveries,
        consumers: Consumers,
        events: Events,
        poison: PoisonLeft,
        receives: Calls,
        acks: Calls,
        samples: QueueSamples,
        times: QueueTimes,
        limits: QueueLimits,
        letters: QueueLetters,
        jitter: F64,
        function: InvokedFunction,
        dead: DeadRows,
    ) -> None:
        self.feed: Feed = feed
        """What the senders put in; other queues may read the same one."""
        self.policy: BrokerPolicy = policy
        self.messages: QueueMessages = messages
        self.lanes: Lanes = lanes
        self.deliveries: Deliveries = deliveries
        self.consumers: Consumers = consumers
        self.events: Events = events
        self.poison: PoisonLeft = poison
        self.receives: Calls = receives
        """Calls that fetch messages; of those that are pushed, each is one."""
        self.acks: Calls = acks
        """Calls that acknowledge messages, and what else a consumer sends over a connection."""
        self.samples: QueueSamples = samples
        self.times: QueueTimes = times
        self.limits: QueueLimits = limits
        self.letters: QueueLetters = letters
        self.jitter: F64 = jitter
        """[draws] uniform in [0, 1), for retries, taken in turn."""
        self.function: InvokedFunction = function
        """What consumers invoke, if anything."""
        self.dead: DeadRows = dead
        self.dies = dead.until_s.shape[0] > 0
        """Whether it is a table of which snapshots are held."""
        self.row = 0
        """Rows of the feed that have come."""
        self.retention_row = 0
        """Rows of the feed whose retention has ended."""
        self.clock_s = 0.0
        """Time of the latest event."""
        self.limited = policy.publish_s > 0.0 or policy.deliver_s > 0.0
        """Whether the queue is a process that can do one thing at a time."""
        self.leased = policy.lease_s < num.INF
        """Whether consumers renew locks."""
        self.rated = policy.rate_max < NO_LIMIT
        """Whether only so many messages are handed over in a span."""
        self.trims = policy.keep_rows < NO_LIMIT or policy.keep_s < num.INF
        """Whether messages go when others come."""
        self.claims = policy.claim_s < num.INF
        """Whether consumers take over what others have in flight."""
        self.most = max(policy.batch, policy.claim_count)
        """Messages handed out at once, at most."""
        self.by_ring = self.limited or self.rated
        """Whether what is ready may wait though a consumer could be sent it."""
        self.by_lane = policy.pick == codes.GROUPS or policy.row_waits == 1
        """Whether what is ready waits while anything of its lane is in flight."""
        self.exact = policy.at_head == 1 or policy.moves == 1
        """Whether each arrival is looked at by itself: what is first now makes a difference."""
        self.free_s = -num.INF
        """The queue's process is busy until then."""
        self.checked_s = 0.0
        """When it was looked last for locks that have ended."""
        self.rate_taken = 0
        """Messages handed over in the latest span, …"""
        self.rate_until_s = -num.INF
        """… which goes until then."""
        self.rate_full_s = num.INF
        """Since when there are as many as may be; inf: fewer."""
        self.beats = 0
        """Calls that set locks anew."""
        self.published = False
        """What it did last was to take in a message, not to deliver one."""
        self.full_from_s = num.INF
        """First time that a published message had waited for the process for long; …"""
        self.full_until_s = -num.INF
        """… and the last."""


def pass_time(b: BrokerState, now: float) -> None:
    """Carry the sums of `QueueTimes` to ``now``, before anything happens then."""
    by_ring = b.by_ring and b.policy.single_active == 0
    times_kernel.elapse(b.times, b.consumers, b.policy.push, by_ring, b.messages.ready_now, now)
    while b.times.etas < b.times.eta_order.shape[0]:
        message = b.times.eta_order[b.times.etas]
        eta_s = b.times.eta_of[message]
        if eta_s > now:
            break
        b.times.etas += 1
        if b.messages.state[message] == codes.READY and b.messages.effects[message] == 0:
            times_kernel.ready_from(b.times, message, eta_s)


def half_s(calls: Calls) -> float:
    """How long one way of the next call takes."""
    at = calls.made % calls.latency_s.shape[0]
    calls.made += 1
    return 0.5 * num.double(calls.latency_s[at])


def within_quota(b: BrokerState, calls: Calls, at_s: float) -> float:
    """When a call that could arrive at ``at_s`` is taken; it may use up a second's quota at once.

    A throttled client tries again until it gets through; here it gets through as soon as it can.
    """
    calls_per_s = b.policy.calls_per_s
    if calls_per_s == num.INF:
        return at_s
    taken_s = max(at_s, calls.quota_s)
    if taken_s > at_s:
        limits_kernel.act(b.limits, codes.LIMIT_CALLS, at_s, taken_s)
    calls.quota_s = max(calls.quota_s, taken_s - 1.0) + 1.0 / calls_per_s
    return taken_s


def enter_loop(b: BrokerState, at_s: float, c: int) -> float:
    """When the main loop of a consumer gets to what reaches it at ``at_s``."""
    begun_s: float = max(b.consumers.loop_s[c], at_s)
    if begun_s == at_s:
        b.consumers.busy_from_s[c] = at_s
    elif begun_s - b.consumers.busy_from_s[c] > b.policy.busy_s:
        from_s = b.consumers.busy_from_s[c] + b.policy.busy_s
        b.consumers.loop_full[c, 0] = min(b.consumers.loop_full[c, 0], from_s)
        b.consumers.loop_full[c, 1] = max(b.consumers.loop_full[c, 1], begun_s)
        limits_kernel.act(b.limits, codes.LIMIT_LOOP, from_s, begun_s)
    return begun_s


def fetched_s(b: BrokerState, now: float, c: int, d: int) -> float:
    """When a delivery that the broker sends now has been through its main loop (CE-12).

    The last of its round trips was the question for it; the next one is asked behind it.
    """
    one_way_s = half_s(b.receives)
    arrive_s = now + one_way_s
    b.deliveries.loop_s[d] = 0.0
    if b.policy.loop_s > 0.0 and b.consumers.cut[c] == 0:
        there_s = arrive_s
        arrive_s = enter_loop(b, arrive_s, c) + b.policy.loop_s
        b.deliveries.loop_s[d] = arrive_s - there_s
        if b.policy.fetch_trips > 0:
            arrive_s += (b.policy.fetch_trips - 1) * 2.0 * one_way_s
            b.consumers.loop_s[c] = arrive_s + 2.0 * one_way_s
        else:
            b.consumers.loop_s[c] = arrive_s
    return arrive_s


def to_broker_s(b: BrokerState, now: float, c: int) -> float:
    """When what a consumer sends now over its connection reaches the broker."""
    at_s: float = max(b.consumers.outbound_s[c], now + half_s(b.acks))
    b.consumers.outbound_s[c] = at_s
    return at_s


def send(b: BrokerState, now: float, c: int, kind: int, ref: int, stamp: int) -> None:
    """Schedule an event for when what a consumer sends now reaches the broker."""
    events_kernel.push(b.events, to_broker_s(b, now, c), kind, ref, stamp)
