"""What holds of a queue whatever happens to it; where it does not, the lab is wrong.

The first two are looked at whenever a stage has been advanced, and cost the same for any number of
messages (a count in the loop of the kernels would cost 4 % of them); the other two look at every
message once, at the end. All raise AssertionError.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from sim.foundation.arrays import I64, U8, U16
from sim.queue import broker_kernel as broker
from sim.queue.sqs_standard_state_kernel import StandardPolicy, StandardQueue

_AT_ONCE = 1 << 20
"""Messages looked at together, so that no column of a hundred million is copied."""

_BROKER_ONLY_GROW = (broker.ROW, broker.ARRIVED, broker.DELIVERIES, broker.REPEATS)


def check_broker(
    before: Sequence[int], now: Sequence[int], used: int, policy: broker.BrokerPolicy
) -> None:
    """Every message is in one place, and nothing that has happened is undone.

    Args:
        before: `broker_kernel.QueueState.counts` when the stage was last looked at.
        now: the same now.
        used: deliveries that somebody still knows of.
        policy: of the queue.
    """
    k = broker
    ready, in_flight, waiting = now[k.READY_NOW], now[k.IN_FLIGHT_NOW], now[k.WAITING_NOW]
    removed = now[k.REMOVED]
    assert now[k.ARRIVED] == ready + in_flight + waiting + removed, (
        f"queue: {now[k.ARRIVED]} messages came, but {ready} are ready, {in_flight} in flight, "
        f"{waiting} waiting and {removed} gone"
    )
    least = min(ready, in_flight, waiting, removed, now[k.HELD])
    assert least >= 0, "queue: fewer than no messages"
    assert in_flight <= policy.max_in_flight, "queue: more in flight than may be"
    assert in_flight <= used, "queue: a message is in flight to nobody"
    assert now[k.REPEATS] <= now[k.DELIVERIES], "queue: more effects than deliveries"
    _grows(before, now, _BROKER_ONLY_GROW)
    # What is acknowledged before its work may fail after it, and be published again.
    if policy.ack == k.LATE:
        assert removed >= before[k.REMOVED], "queue: a message that was gone is back"


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


def _grows(before: Sequence[int], now: Sequence[int], places: Sequence[int]) -> None:
    for place in places:
        assert now[place] >= before[place], f"queue: counter {place} went back"


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
