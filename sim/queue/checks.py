"""What holds of a queue whatever happens to it; where it does not, the lab is wrong.

The first two are looked at whenever a stage has been advanced, and cost the same for any number of
messages (a count in the loop of the kernels would cost 4 % of them); the other two look at every
message once, at the end. All raise AssertionError.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from sim.foundation.arrays import I64, U8, U16
from sim.queue import broker_codes as codes
from sim.queue.broker_policy_kernel import BrokerPolicy
from sim.queue.broker_state_kernel import BrokerState
from sim.queue.sqs_standard_state_kernel import StandardPolicy, StandardQueue

_AT_ONCE = 1 << 20
"""Messages looked at together, so that no column of a hundred million is copied."""


class BrokerCounts(NamedTuple):
    """Counters of a broker's queue at a time; what they are, is in its state."""

    row: int
    arrived: int
    ready: int
    in_flight: int
    waiting: int
    removed: int
    moved: int
    held: int
    deliveries: int
    repeats: int


_BROKER_ONLY_GROW = ("row", "arrived", "deliveries", "repeats")


def counts_of(state: BrokerState) -> BrokerCounts:
    """The counters as they are now."""
    messages = state.messages
    return BrokerCounts(
        row=state.row,
        arrived=messages.arrived,
        ready=messages.ready_now,
        in_flight=messages.in_flight_now,
        waiting=messages.waiting_now,
        removed=messages.removed,
        moved=messages.moved,
        held=messages.held,
        deliveries=messages.deliveries,
        repeats=messages.repeats,
    )


def check_broker(before: BrokerCounts, now: BrokerCounts, used: int, policy: BrokerPolicy) -> None:
    """Every message is in one place, and nothing that has happened is undone.

    Args:
        before: the counters when the stage was last looked at.
        now: the same now.
        used: deliveries that somebody still knows of.
        policy: of the queue.
    """
    assert now.arrived == now.ready + now.in_flight + now.waiting + now.removed + now.moved, (
        f"queue: {now.arrived} messages came, but {now.ready} are ready, {now.in_flight} in "
        f"flight, {now.waiting} waiting, {now.removed} gone and {now.moved} in other queues"
    )
    least = min(now.ready, now.in_flight, now.waiting, now.removed, now.held)
    assert least >= 0, "queue: fewer than no messages"
    assert now.in_flight <= policy.max_in_flight, "queue: more in flight than may be"
    assert now.in_flight <= used, "queue: a message is in flight to nobody"
    assert now.repeats <= now.deliveries, "queue: more effects than deliveries"
    for counter in _BROKER_ONLY_GROW:
        assert getattr(now, counter) >= getattr(before, counter), f"queue: {counter} went back"
    # What is acknowledged before its work may fail after it, and be published again.
    if policy.ack == codes.LATE:
        assert now.removed >= before.removed, "queue: a message that was gone is back"


class StandardSeen(NamedTuple):
    """What there was in a standard queue when it was looked at."""

    in_flight: int
    removed: int
    deliveries: int
    effects: int
    again: int
    receive_calls: int
    fresh: list[int]
    """[servers] next row never received."""


_STANDARD_ONLY_GROW = ("removed", "deliveries", "effects", "again", "receive_calls")


def seen_of(queue: StandardQueue) -> StandardSeen:
    """What there is in a standard queue now."""
    return StandardSeen(
        queue.in_flight,
        queue.removed,
        queue.deliveries,
        queue.effects_in_all,
        queue.again,
        queue.receive_calls,
        list(queue.next_fresh),
    )


def check_standard(
    before: StandardSeen, now: StandardSeen, sent: int, policy: StandardPolicy
) -> None:
    """As `check_broker`, of a standard queue.

    Args:
        before: when it was last looked at.
        now: now.
        sent: messages that senders have put in.
        policy: of the queue.
    """
    assert min(now.in_flight, now.removed) >= 0, "queue: fewer than no messages"
    assert now.in_flight + now.removed <= sent, (
        f"queue: {sent} messages were sent, but {now.in_flight} are in flight and {now.removed} "
        "gone"
    )
    assert now.in_flight <= policy.max_in_flight, "queue: more in flight than may be"
    assert now.effects <= now.deliveries, "queue: more effects than deliveries"
    for name in _STANDARD_ONLY_GROW:
        assert getattr(now, name) >= getattr(before, name), f"queue: {name} went back"
    for row, row_before in zip(now.fresh, before.fresh, strict=True):
        assert row >= row_before, "queue: a message that was handed out is fresh again"


def check_states(state: U8, states: int, counted: Callable[[I64], bool]) -> None:
    """The counters say what the states of the messages say.

    Args:
        state: [messages] their states.
        states: how many there are.
        counted: given how many messages are in each state, whether the counters agree.
    """
    found = np.zeros(states, np.int64)
    for at in range(0, state.size, _AT_ONCE):
        some = state[at : at + _AT_ONCE]
        found += [np.count_nonzero(some == each) for each in range(states)]
    assert counted(found), f"queue: the counters disagree with the messages in each state, {found}"


def check_effects(effects: U16, receives: U16) -> None:
    """No message was processed more often than it was received.

    Args:
        effects: [messages] how often each was processed.
        receives: [messages] how often each was handed out.
    """
    for at in range(0, effects.size, _AT_ONCE):
        some = slice(at, at + _AT_ONCE)
        assert (effects[some] <= receives[some]).all(), "queue: more effects than receives"
