"""Processes that take from a queue, and what its broker knows of them."""

import numpy as np

from sim.foundation.arrays import F64, I32, I64
from sim.queue import broker_codes as codes
from sim.queue import broker_events_kernel as events_kernel
from sim.queue.broker_events_kernel import Events
from sim.queue.broker_policy_kernel import BrokerPolicy


class Consumers:
    """Places for processes with ``slots`` places for work each.

    Lists of deliveries name their first and last one; -1: there is none. Those who wait for
    messages stand in a ring, in which row ``anchor`` is before the first and behind the last.
    """

    def __init__(self, places: int, slots: int) -> None:
        self.slots = slots
        """Messages that a process works on side by side."""
        self.anchor = places
        """The row of the ring that is no consumer."""
        self.alive: I64 = np.zeros(places, np.int64)
        """[places] 1: the process runs."""
        self.epoch: I64 = np.zeros(places, np.int64)
        """[places] which process and connection this is."""
        self.connected: I64 = np.full(places, -1)
        """[places] epoch of the connection that the broker has; -1: none."""
        self.joined: I64 = np.full(places, -1)
        """[places] order of subscription; -1: not subscribed."""
        self.stopping: I64 = np.zeros(places, np.int64)
        """[places] 1: SIGTERM received."""
        self.cut: I64 = np.zeros(places, np.int64)
        """[places] 1: the network is cut."""
        self.calling: I64 = np.zeros(places, np.int64)
        """[places] Pull: 0: no call is under way; UNDER_WAY; HELD_UP."""
        self.call: I64 = np.zeros(places, np.int64)
        """[places] Pull: number of the latest call."""
        self.unacked: I64 = np.zeros(places, np.int64)
        """[places] deliveries over this connection that wait for an ack."""
        self.later: I64 = np.zeros(places, np.int64)
        """[places] deliveries over this connection that it holds for their ETA."""
        self.forgone: I64 = np.zeros(places, np.int64)
        """[places] by how much its prefetch has become less, since more may not be held."""
        self.chunk: I64 = np.zeros(places, np.int64)
        """[places] deliveries done since the last ack."""
        self.fresh: I64 = np.zeros(places, np.int64)
        """[places] 1: the batch's own work is still to do."""
        self.buffer: I64 = np.full(places, -1)
        """[places] first delivery not started."""
        self.buffer_end: I64 = np.zeros(places, np.int64)
        """[places] the last of them."""
        self.ripe: I64 = np.full(places, -1)
        """[places] first of those whose ETA has come; they go before the buffer."""
        self.ripe_end: I64 = np.zeros(places, np.int64)
        """[places] the last of them."""
        self.done: I64 = np.full(places, -1)
        """[places] first delivery done and not yet acknowledged."""
        self.done_end: I64 = np.zeros(places, np.int64)
        """[places] the last of them."""
        self.behind: I64 = np.append(np.full(places, -1), places)
        """[places + 1] who is behind it in the ring."""
        self.ahead: I64 = np.append(np.full(places, -1), places)
        """[places + 1] who is ahead of it in the ring; -1: it does not wait."""
        self.half_s: F64 = np.zeros(places)
        """[places] Pull: half the latency of the call under way."""
        self.passed_s: F64 = np.zeros(places)
        """[places] Pull: of it, for what was in flight (`BrokerPolicy.passed_s`)."""
        self.asked_s: F64 = np.full(places, -np.inf)
        """[places] Pull: when the latest call began."""
        self.found_none: I64 = np.zeros(places, np.int64)
        """[places] Pull: 1: it found nothing."""
        self.asleep: I64 = np.zeros(places, np.int64)
        """[places] Pull: 1: the consumer waits for the time of its next call."""
        self.slept_s: F64 = np.full(places, np.inf)
        """[places] Pull: since when, or since when it did before the latest call; inf: it has
        not."""
        self.next_s: F64 = np.zeros(places)
        """[places] Pull: when it calls next, while asleep."""
        self.sleepers = 0
        """How many are asleep."""
        self.came_s = -np.inf
        """When the latest message came that wakes them."""
        self.factor: F64 = np.ones(places)
        """[places] service times are multiplied by this."""
        self.resume_s: F64 = np.full(places, -np.inf)
        """[places] the process is paused until then."""
        self.wake_s: F64 = np.full(places, np.inf)
        """[places] earliest WAKE scheduled; inf: none."""
        self.inbound_s: F64 = np.full(places, -np.inf)
        """[places] latest arrival over the connection, which keeps order."""
        self.outbound_s: F64 = np.full(places, -np.inf)
        """[places] latest arrival at the broker."""
        self.loop_s: F64 = np.full(places, -np.inf)
        """[places] Push: the main loop is taken until then."""
        self.loop_full: F64 = np.stack([np.full(places, np.inf), np.full(places, -np.inf)], axis=1)
        """[places, 2] first and last time that the main loop had no pause for long."""
        self.busy_from_s: F64 = np.full(places, -np.inf)
        """[places] since when it has had none."""
        self.idle: I64 = np.full(places, slots)
        """[places] free slots."""
        self.idle_slot: I32 = np.tile(np.arange(slots - 1, -1, -1, dtype=np.int32), (places, 1))
        """[places, slots] which, the first ``idle`` of them."""
        self.slot: I32 = np.full((places, slots), -1, np.int32)
        """[places, slots] delivery in work; -1: none."""
        self.end_s: F64 = np.zeros((places, slots))
        """[places, slots] when it will be done."""
        self.whole_s: F64 = np.zeros((places, slots))
        """[places, slots] when it would be done, were it not ended for taking too long."""
        self.sending: I64 = np.full((places, slots), -1, np.int64)
        """[places, slots] the call by which what comes of it is sent; -1: it is not made yet."""
        self.paused_s: F64 = np.full(places, -np.inf)
        """[places] since when the process stands still, or stood still last."""
        self.renews: I64 = np.zeros(places, np.int64)
        """[places] 1: it can renew the locks of what it has in hand."""
        self.timer_s: F64 = np.full(places, -np.inf)
        """[places] when its timer for that fired last, as far as was looked."""
        self.beat_s: F64 = np.full(places, np.inf)
        """[places] Pull: when its next heartbeat is due; inf: it has begun nothing."""
        self.fires_s: F64 = np.full(places, np.inf)
        """[places] SS-06: when the event of that timer comes; infinite: none is set."""
        self.claimed_s: F64 = np.full(places, -np.inf)
        """[places] Pull: when it asked last for what others had left in flight."""
        self.owns: I64 = np.zeros(places, np.int64)
        """[places] Pull: 1: there may be more of what was left in flight in its place."""
        self.resting: I64 = np.zeros(places, np.int64)
        """[places] 1: it has nothing to do (`sim.queue.broker_times_kernel`)."""
        self.at_rest = 0
        """How many rest."""
        self.working = 0
        """Places for work that are taken."""
        self.throttled = 0
        """Consumers that have a batch, and no place for its invocation."""
        self.changed = True
        """Who can be handed a message has changed."""
        self.active = -1
        """The single active consumer; -1: none."""
        self.joins = 0
        """Subscriptions so far."""
        self.asking = -1
        """Whose call has just arrived and found nothing yet; -1: nobody's."""
        self.found = 0
        """Receive calls that found messages."""
        self.empty_receives = 0
        """Receive calls that did not."""


def rest(consumers: Consumers, c: int, rests: int) -> None:
    """Note that a consumer rests (1), or does not (0)."""
    consumers.at_rest += rests - consumers.resting[c]
    consumers.resting[c] = rests


def rest_if_free(consumers: Consumers, policy: BrokerPolicy, c: int) -> None:
    """Push: note whether a consumer rests: it is subscribed, and has nothing in hand."""
    if policy.push == 1 and (consumers.unacked[c] == 0 or consumers.resting[c] == 1):
        rests = (
            consumers.alive[c] == 1
            and consumers.connected[c] == consumers.epoch[c]
            and consumers.joined[c] >= 0
            and consumers.unacked[c] == 0
            and consumers.idle[c] == consumers.slots
            and consumers.buffer[c] < 0
            and consumers.ripe[c] < 0
        )
        rest(consumers, c, 1 if rests else 0)


def unwait(consumers: Consumers, c: int) -> None:
    """A consumer leaves the ring of those that wait for messages."""
    ahead = consumers.ahead[c]
    if ahead >= 0:
        behind = consumers.behind[c]
        consumers.behind[ahead] = behind
        consumers.ahead[behind] = ahead
        consumers.ahead[c] = -1


def wait(consumers: Consumers, c: int) -> None:
    """A consumer goes behind the others in the ring, unless it is there."""
    if consumers.ahead[c] < 0:
        last = consumers.ahead[consumers.anchor]
        consumers.behind[last] = c
        consumers.ahead[c] = last
        consumers.behind[c] = consumers.anchor
        consumers.ahead[consumers.anchor] = c


def has_credit(consumers: Consumers, policy: BrokerPolicy, c: int) -> bool:
    """Push: whether a consumer may have one more delivery that it has not acknowledged."""
    may: bool = consumers.unacked[c] < policy.prefetch - consumers.forgone[c]
    return may


def forget_held(consumers: Consumers, c: int) -> None:
    """A connection begins or ends: nothing is held for its ETA."""
    consumers.unacked[c] = 0
    consumers.later[c] = 0
    consumers.forgone[c] = 0


def hold(consumers: Consumers, policy: BrokerPolicy, c: int) -> bool:
    """A consumer holds one more for its ETA, and asks for one more, if it may (CE-14).

    Returns whether it may not. What it was not given for one, it gives back when that is due.
    """
    consumers.later[c] += 1
    if policy.eta_limit == 0:
        return False
    over = policy.prefetch + consumers.later[c] - consumers.forgone[c] - policy.eta_limit
    if over <= 0:
        return False
    consumers.forgone[c] += over
    return True


def hold_no_more(consumers: Consumers, policy: BrokerPolicy, c: int) -> None:
    """The ETA of one that a consumer holds has come: it asks for one less, but for one at least."""
    consumers.later[c] -= 1
    if policy.eta_limit > 0:
        asks = policy.prefetch + consumers.later[c] - consumers.forgone[c]
        if asks < 1:
            consumers.forgone[c] -= 1 - asks


def wait_if_credit(consumers: Consumers, policy: BrokerPolicy, c: int) -> None:
    """The broker may send to a consumer that is subscribed, active and has credit."""
    if (
        policy.push == 1
        and consumers.connected[c] >= 0
        and consumers.joined[c] >= 0
        and (policy.ack == codes.AUTO or has_credit(consumers, policy, c))
        and (policy.single_active == 0 or consumers.active == c)
    ):
        wait(consumers, c)


def choose_active(consumers: Consumers, policy: BrokerPolicy) -> None:
    """Of the consumers that stand by, the one that subscribed first is next."""
    best = -1
    for c in range(consumers.anchor):
        if (
            consumers.connected[c] >= 0
            and consumers.joined[c] >= 0
            and (best < 0 or consumers.joined[c] < consumers.joined[best])
        ):
            best = c
    consumers.active = best
    if best >= 0:
        wait_if_credit(consumers, policy, best)


def get_up(consumers: Consumers, c: int) -> None:
    """A consumer does not wait for the time of its next call any more."""
    consumers.sleepers -= consumers.asleep[c]
    consumers.asleep[c] = 0


def wake(consumers: Consumers, events: Events, c: int, at_s: float) -> None:
    """See to it that the consumer looks for work at ``at_s``."""
    if at_s < consumers.wake_s[c]:
        consumers.wake_s[c] = at_s
        events_kernel.push(events, at_s, codes.WAKE, c, 0)


def notify(consumers: Consumers, events: Events, policy: BrokerPolicy, now: float) -> None:
    """A message has come, of which all hear that wait for the time of their next call."""
    consumers.came_s = now
    if consumers.sleepers == 0:
        return
    for c in range(consumers.anchor):
        if consumers.asleep[c] == 0 or consumers.cut[c] == 1:
            continue
        at_s = max(now, consumers.asked_s[c] + policy.notified_s)
        if at_s < consumers.next_s[c]:
            consumers.next_s[c] = at_s
            wake(consumers, events, c, at_s)
