"""From what a queue has kept of its messages to the parts of their time."""

import cython

from sim.engine import part_codes as parts
from sim.foundation import num
from sim.foundation.arrays import F64
from sim.queue import broker_codes as codes
from sim.queue.broker_state_kernel import BrokerState
from sim.queue.broker_times_kernel import QueueTimes


def _add(
    b: BrokerState,
    t: QueueTimes,
    first: int,
    idle: int,
    asked_s: float,
    first_s: F64,
    out_s: F64,
) -> None:
    for i in range(out_s.shape[1]):
        m = first + i
        if b.messages.effects[m] == 0:
            continue
        came_s = 0.0
        ago_s = 0.0
        delay_s = b.policy.delay_s
        its_asked_s = asked_s
        if b.times.entered_of.shape[0] > 0:
            came_s = num.double(b.times.entered_of[m])
            ago_s = came_s - first_s[i]
            delay_s = its_asked_s = 0.0  # it is among what it has met, once for each time it came
        else:
            came_s = b.feed.enqueued_s[b.lanes.place[m]] + delay_s
            if came_s < delay_s:  # it was sent before the start: what is left of its delay
                came_s = max(0.0, came_s)
                its_asked_s = min(its_asked_s, came_s)
                delay_s = came_s
        row = t.row_of[m] - 1
        slowed_s = t.lost[row, 1] if row >= 0 else 0.0
        if t.begun_of.shape[0] > 0:
            begun_s = num.double(t.begun_of[m])
        else:
            begun_s = b.messages.done_s[m] - num.double(b.messages.service_s[m]) - slowed_s
        out_s[parts.DELAY, i] += its_asked_s
        out_s[parts.SEND, i] += delay_s - its_asked_s
        if t.came_of.shape[0] > 0 and t.came_of[m] > 0.0:  # not since before the start
            out_s[parts.SEND, i] += b.policy.publish_s
            out_s[parts.CEILING, i] += t.came_of[m] - b.policy.publish_s - came_s
            came_s = t.came_of[m]
        calls_s = begun_s - came_s + ago_s
        eta_s = came_s
        if t.eta_of.shape[0] > 0:
            eta_s = max(came_s, min(begun_s, num.double(t.eta_of[m])))
            out_s[parts.DELAY, i] += eta_s - came_s
            calls_s -= eta_s - came_s
        out_s[parts.NO_OWNER, i] += t.of[m, codes.KEPT_NO_OWNER]
        out_s[idle, i] += t.of[m, codes.KEPT_IDLE]
        out_s[parts.CAPACITY, i] += t.of[m, codes.KEPT_BUSY]
        out_s[parts.HELD, i] += t.of[m, codes.KEPT_HELD]
        for k in range(codes.KEPT):
            calls_s -= t.of[m, k]
        if t.loop_of.shape[0] > 0:
            out_s[parts.CEILING, i] += t.loop_of[m]
            calls_s -= t.loop_of[m]
        work_s = b.messages.done_s[m] - begun_s
        if row >= 0:
            out_s[parts.SEND, i] += t.before[row, codes.MET_SEND]
            out_s[parts.BACKOFF, i] += t.before[row, codes.MET_BACKOFF]
            out_s[parts.ATTEMPT, i] += t.before[row, codes.MET_ATTEMPT]
            out_s[parts.LOCK, i] += t.before[row, codes.MET_LOCK]
            out_s[parts.CEILING, i] += t.before[row, codes.MET_THROTTLED]
            out_s[parts.DELAY, i] += t.before[row, codes.MET_DELAY]
            out_s[parts.HEAD_OF_LINE, i] += t.before[row, codes.MET_LINE]
            out_s[parts.CEILING, i] += t.before[row, codes.MET_CEILING]
            for k in range(codes.MET_SEND, codes.MET):
                calls_s -= t.before[row, k]
            out_s[parts.SLOWED, i] += t.lost[row, 0] + max(0.0, slowed_s)
            calls_s -= t.lost[row, 0]
            work_s -= max(0.0, slowed_s)
        out_s[parts.CALL, i] += calls_s
        out_s[parts.WORK, i] += work_s


def add(b: BrokerState, first: int, idle: int, asked_s: float, first_s: F64, out_s: F64) -> None:
    """Add what messages with an effect waited for in a queue, and their work.

    They are as many as ``out_s`` has columns, from number ``first`` on. ``idle``: number of the
    part that a ready message meets while a consumer rests. ``asked_s``: of `BrokerPolicy.delay_s`,
    what was asked for. ``first_s`` [messages]: of a queue that takes dead letters, when each came
    into the first of its queues, s. ``out_s`` float64 [parts, messages], s.
    """
    times = b.times
    with cython.nogil:
        _add(b, times, first, idle, asked_s, first_s, out_s)
