"""Which lane is next: `BrokerPolicy.pick`."""

from sim.engine.acted_kernel import note
from sim.foundation import num
from sim.queue import broker_codes as codes
from sim.queue import broker_lanes_kernel as lanes_kernel
from sim.queue.broker_lanes_kernel import Lanes
from sim.queue.broker_messages_kernel import QueueMessages
from sim.queue.broker_policy_kernel import BrokerPolicy


def spend(lanes: Lanes, now: float, lane: int, time_s: float, recent_s: float) -> None:
    """Add to the consumers' time of a lane, of this span of ``recent_s``."""
    span = num.floor(num.floor_div(now, recent_s))
    old = span - lanes.span[lane]
    if old > 0:
        lanes.spent_before_s[lane] = lanes.spent_s[lane] if old == 1 else 0.0
        lanes.spent_s[lane] = 0.0
        lanes.span[lane] = span
    lanes.spent_s[lane] += time_s


def _noisy(
    lanes: Lanes, messages: QueueMessages, policy: BrokerPolicy, now: float, lane: int
) -> bool:
    """Whether a lane has more than its share of what is in flight, or of consumers' time."""
    in_flight = lanes.in_flight[lane]
    if in_flight >= policy.noisy_least and in_flight > policy.noisy_share * messages.in_flight_now:
        return True
    everyone = lanes.lanes
    spend(lanes, now, lane, 0.0, policy.recent_s)
    spend(lanes, now, everyone, 0.0, policy.recent_s)
    spent_s = lanes.spent_s[lane] + lanes.spent_before_s[lane]
    all_s = lanes.spent_s[everyone] + lanes.spent_before_s[everyone]
    return num.double(spent_s) > policy.noisy_share * num.double(all_s)


def _pick_fair(lanes: Lanes, messages: QueueMessages, policy: BrokerPolicy, now: float) -> int:
    """The quiet lane whose head is oldest; else the noisy one with the fewest in flight."""
    n = 0
    lane = -1
    noisiest = -1
    while lanes.heap_size > 0 and lane < 0:
        top = lanes.heap[0]
        if messages.state[lanes.head[top]] != codes.READY:
            lanes_kernel.offer(lanes, messages, top, codes.FAIR)
        elif _noisy(lanes, messages, policy, now, top):
            if noisiest < 0 or lanes.in_flight[top] < lanes.in_flight[noisiest]:
                noisiest = top
            lanes_kernel.leave_heap(lanes, top)
            lanes.aside[n] = top
            n += 1
        else:
            lane = top
    for k in range(n):
        lanes_kernel.enter_heap(lanes, lanes.aside[k])
    if lane < 0:
        lane = noisiest
    if lane >= 0:
        lanes_kernel.leave_heap(lanes, lane)
    return lane


def highest(lanes: Lanes, messages: QueueMessages, policy: BrokerPolicy) -> int:
    """The highest lane that has a message, or the lowest in its turn; -1: none has."""
    lane = lanes.lanes - 1
    while lane >= 0 and lanes_kernel.front(lanes, messages, lane) < 0:
        lane -= 1
    if lane == 1 and policy.turns > 0 and lanes.turn == policy.turns:
        other = lanes_kernel.front(lanes, messages, 0)
        if other >= 0 and lanes.place[other] < lanes.place[lanes.head[1]]:
            lane = 0
    return lane


def take_turn(lanes: Lanes, policy: BrokerPolicy, lane: int) -> None:
    """PRIORITY: the first message of a lane is taken: the next turn has come."""
    if policy.turns > 0 and lane < 2:
        lanes.turn = 0 if lanes.turn == policy.turns else lanes.turn + 1


def lane_back(lanes: Lanes, policy: BrokerPolicy, message: int, place: int) -> int:
    """The lane into which a message comes back."""
    if policy.returns_lane == 1 and place == codes.RETURNS:
        return lanes.lanes - 1
    if policy.back_lane >= 0 and place == codes.BACK:
        return policy.back_lane
    return lanes_kernel.lane_of(lanes, message)


def overtakes(lanes: Lanes, messages: QueueMessages, message: int, lane: int) -> bool:
    """Whether an older message of a lower lane is ready."""
    for lower in range(lane):
        other = lanes.head[lower]
        if (
            other >= 0
            and lanes.place[other] < lanes.place[message]
            and messages.state[other] == codes.READY
        ):
            return True
    return False


def _pick_group(lanes: Lanes, messages: QueueMessages, latest: int) -> int:
    """``latest`` while it has messages, so that one call empties it; else the oldest free one."""
    if latest >= 0 and lanes_kernel.front(lanes, messages, latest) >= 0:
        lanes_kernel.leave_heap(lanes, latest)
        return latest
    while lanes.heap_size > 0:
        lane: int = lanes.heap[0]
        if messages.state[lanes.head[lane]] == codes.READY:
            lanes_kernel.leave_heap(lanes, lane)
            return lane
        lanes_kernel.offer(lanes, messages, lane, codes.GROUPS)
    return -1


def _pick_span(lanes: Lanes, messages: QueueMessages, span: int, now: float, c: int) -> int:
    """The next lane, in turn, whose head is within the window."""
    for step in range(lanes.lanes):
        lane = (lanes.rotor + step) % lanes.lanes
        if lanes.reach.shape[0] > 0 and lanes.reach[c, lane] == 0:
            continue
        message = lanes_kernel.front(lanes, messages, lane)
        # What was handed out before was within it then, and the window only moves on.
        if message < 0:
            continue
        if lanes.offset[message] - lanes.offset[lanes.first_open[lane]] < span:
            return lane
        note(lanes.closed, now, now, 1)
    return -1


def pick(
    lanes: Lanes, messages: QueueMessages, policy: BrokerPolicy, now: float, c: int, latest: int
) -> int:
    """The lane whose first message consumer ``c`` may have; -1: none.

    ``latest``: what this returned before in the same call of the consumer; -1: nothing yet.
    """
    if policy.pick == codes.ONE:
        return 0 if lanes_kernel.front(lanes, messages, 0) >= 0 else -1
    if policy.pick == codes.PRIORITY:
        return highest(lanes, messages, policy)
    if policy.pick == codes.GROUPS:
        return _pick_group(lanes, messages, latest)
    if policy.pick == codes.FAIR:
        return _pick_fair(lanes, messages, policy, now)
    return _pick_span(lanes, messages, policy.span, now, c)
