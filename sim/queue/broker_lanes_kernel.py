"""Ready messages as linked lists, one a lane, and the heap of those lanes that may be picked.

There is one lane; or one for each priority, message group, tenant or partition.
"""

import numpy as np

from sim.engine.acted_kernel import Acted
from sim.foundation.arrays import F64, I32, I64, U8, longer
from sim.queue import broker_codes as codes
from sim.queue.broker_messages_kernel import QueueMessages


class Lanes:
    """Lists name messages; -1: there is none."""

    def __init__(self, messages: int, lanes: int, of: I32, reach: U8, windows: bool) -> None:
        self.windows = windows
        """SPANS: messages are numbered within their lane."""
        self.closed = Acted()
        """SPANS: times that a consumer found the first message of a lane beyond the window."""
        numbered = messages if windows else 0
        self.lanes = lanes
        """How many there are."""
        self.of: I32 = of
        """[messages] lane of each message; [0]: all in lane 0."""
        self.place: I32 = np.full(messages, -1, np.int32)
        """[messages] row of the feed; -1: has not come."""
        self.behind: I32 = np.full(messages, -1, np.int32)
        """[messages] the one behind it in its lane."""
        self.follower: I32 = np.zeros(numbered, np.int32)
        """[messages] SPANS: the one that came next in the lane."""
        self.offset: I32 = np.zeros(numbered, np.int32)
        """[messages] SPANS: its number there."""
        self.head: I64 = np.full(lanes, -1)
        """[lanes] its first message."""
        self.tail: I64 = np.full(lanes, -1)
        """[lanes] its last."""
        self.returned: I64 = np.full(lanes, -1)
        """[lanes] last of those that came back, at the front."""
        self.in_flight: I64 = np.zeros(lanes, np.int64)
        """[lanes] deliveries of it that wait for an ack."""
        self.held_up: I64 = np.zeros(lanes, np.int64)
        """[lanes] messages of it that came back and are not ready yet; a group waits for them."""
        self.first_open: I64 = np.full(lanes, -1)
        """[lanes] SPANS: earliest message not in a final state."""
        self.newest: I64 = np.full(lanes, -1)
        """[lanes] SPANS: the latest that has come."""
        self.heap: I64 = np.full(lanes, -1)
        """[lanes] GROUPS, FAIR: lanes that may be picked, by the place of their head."""
        self.heap_at: I64 = np.full(lanes, -1)
        """[lanes] where in the heap it is; -1: not in it."""
        self.heap_size = 0
        """Lanes in the heap."""
        self.aside: I64 = np.full(lanes, -1)
        """[lanes] scratch."""
        self.spent_s: F64 = np.zeros(lanes + 1)
        """[lanes + 1] FAIR: consumers' time in this span of ``recent_s``; last, of all lanes."""
        self.spent_before_s: F64 = np.zeros(lanes + 1)
        """[lanes + 1] in the span before."""
        self.span: I64 = np.zeros(lanes + 1, np.int64)
        """[lanes + 1] which span ``spent_s`` is of."""
        self.reach: U8 = reach
        """[consumers, lanes] SPANS: 1: may take from it; [0, 0]: from all."""
        self.rotor = 0
        """SPANS: the lane that is looked at first."""
        self.turn = 0
        """PRIORITY: messages taken since lane 0 had its turn."""
        self.entered = 0
        """GROUPS: rows of the feed that the window has passed."""
        self.in_window = 0
        """GROUPS: messages of them that are not gone."""
        self.cursor = 0
        """The message put back last, …"""
        self.cursor_lane = -1
        """… and in which lane; -1: none at this time."""

    def enlarge(self, messages: int, of: I32) -> None:
        """Have room for more messages; ``of`` [messages] is the lane of each."""
        self.of = of
        self.place = longer(np.asarray(self.place), messages, -1)
        self.behind = longer(np.asarray(self.behind), messages, -1)
        if self.windows:
            self.follower = longer(np.asarray(self.follower), messages, 0)
            self.offset = longer(np.asarray(self.offset), messages, 0)


def lane_of(lanes: Lanes, message: int) -> int:
    """The lane of a message."""
    return lanes.of[message] if lanes.of.shape[0] > 0 else 0


def front(lanes: Lanes, messages: QueueMessages, lane: int) -> int:
    """The first ready message of a lane, unlinking those that are gone; -1: none."""
    message: int = lanes.head[lane]
    if message >= 0 and messages.state[message] == codes.READY:
        return message
    while message >= 0 and messages.state[message] != codes.READY:
        if lanes.returned[lane] == message:
            lanes.returned[lane] = -1
        message = lanes.behind[message]
    lanes.head[lane] = message
    if message < 0:
        lanes.tail[lane] = -1
        lanes.returned[lane] = -1
    return message


def pop(lanes: Lanes, lane: int) -> None:
    """Unlink the head of a lane."""
    message = lanes.head[lane]
    if lanes.returned[lane] == message:
        lanes.returned[lane] = -1
    lanes.head[lane] = lanes.behind[message]
    if lanes.head[lane] < 0:
        lanes.tail[lane] = -1


def append(lanes: Lanes, lane: int, message: int) -> None:
    """Link a message behind all others of a lane."""
    lanes.behind[message] = -1
    if lanes.tail[lane] < 0:
        lanes.head[lane] = message
    else:
        lanes.behind[lanes.tail[lane]] = message
    lanes.tail[lane] = message


def _sift(lanes: Lanes, place: int, lane: int) -> None:
    """Put ``lane`` where it belongs, from a place of the heap that is free."""
    at = place
    key = lanes.place[lanes.head[lane]]
    while at > 0:
        parent = (at - 1) >> 1
        other = lanes.heap[parent]
        if lanes.place[lanes.head[other]] <= key:
            break
        lanes.heap[at] = other
        lanes.heap_at[other] = at
        at = parent
    n = lanes.heap_size
    while 2 * at + 1 < n:
        child = 2 * at + 1
        if (
            child + 1 < n
            and lanes.place[lanes.head[lanes.heap[child + 1]]]
            < lanes.place[lanes.head[lanes.heap[child]]]
        ):
            child += 1
        other = lanes.heap[child]
        if lanes.place[lanes.head[other]] >= key:
            break
        lanes.heap[at] = other
        lanes.heap_at[other] = at
        at = child
    lanes.heap[at] = lane
    lanes.heap_at[lane] = at


def leave_heap(lanes: Lanes, lane: int) -> None:
    """Take a lane from those that may be picked, if it is among them."""
    at = lanes.heap_at[lane]
    if at < 0:
        return
    lanes.heap_at[lane] = -1
    last = lanes.heap_size - 1
    lanes.heap_size = last
    if at < last:
        _sift(lanes, at, lanes.heap[last])


def enter_heap(lanes: Lanes, lane: int) -> None:
    """Put a lane that has a message among those that may be picked."""
    at = lanes.heap_size
    lanes.heap_size = at + 1
    _sift(lanes, at, lane)


def offer(lanes: Lanes, messages: QueueMessages, lane: int, pick: int) -> None:
    """Put a lane whose head may have changed where it belongs among those that may be picked.

    The heap is by the heads as they are; take a lane out of it before its head changes.
    """
    leave_heap(lanes, lane)
    free = pick == codes.FAIR or (lanes.in_flight[lane] == 0 and lanes.held_up[lane] == 0)
    if front(lanes, messages, lane) >= 0 and free:
        enter_heap(lanes, lane)


def _behind_whom(lanes: Lanes, message: int, lane: int, head: int) -> int:
    """Whom a message that came back in its original place goes behind; -1: it is first."""
    # Those that come back together are mostly in order: go on where the last one went.
    behind = -1
    if lanes.cursor_lane == lane:
        behind = lanes.cursor
        if lanes.place[behind] > lanes.place[message]:
            behind = -1
    ahead = head if behind < 0 else lanes.behind[behind]
    while ahead >= 0 and lanes.place[ahead] < lanes.place[message]:
        behind = ahead
        ahead = lanes.behind[ahead]
    return behind


def put_back(
    lanes: Lanes, messages: QueueMessages, message: int, lane: int, place: int, pick: int
) -> None:
    """Make a message ready again in a lane, at the place that the policy gives it."""
    if pick == codes.GROUPS or pick == codes.FAIR:
        leave_heap(lanes, lane)
    messages.state[message] = codes.READY
    messages.ready_now += 1
    head = front(lanes, messages, lane)
    if place == codes.BACK or head < 0:
        append(lanes, lane, message)
        if place == codes.RETURNS:
            lanes.returned[lane] = message
    else:
        behind = -1
        if place == codes.RETURNS:
            behind = lanes.returned[lane]
            lanes.returned[lane] = message
        elif place == codes.ORIGINAL:
            behind = _behind_whom(lanes, message, lane, head)
        if behind < 0:
            lanes.behind[message] = head
            lanes.head[lane] = message
        else:
            lanes.behind[message] = lanes.behind[behind]
            lanes.behind[behind] = message
            if lanes.tail[lane] == behind:
                lanes.tail[lane] = message
    lanes.cursor = message
    lanes.cursor_lane = lane
    if pick == codes.GROUPS or pick == codes.FAIR:
        offer(lanes, messages, lane, pick)


def register(lanes: Lanes, message: int) -> None:
    """SPANS: number a message that has come within its lane."""
    lane = lane_of(lanes, message)
    lanes.follower[message] = -1
    lanes.offset[message] = 0
    newest = lanes.newest[lane]
    if newest >= 0:
        lanes.follower[newest] = message
        lanes.offset[message] = lanes.offset[newest] + 1
    lanes.newest[lane] = message
    if lanes.first_open[lane] < 0:
        lanes.first_open[lane] = message


def move_window(lanes: Lanes, messages: QueueMessages, message: int, pick: int) -> None:
    """A message is gone from the window at which the broker looks."""
    if pick == codes.SPANS:
        lane = lane_of(lanes, message)
        first = lanes.first_open[lane]
        while first >= 0 and messages.state[first] >= codes.ACKED:
            first = lanes.follower[first]
        lanes.first_open[lane] = first
    elif lanes.place[message] < lanes.entered:
        lanes.in_window -= 1
