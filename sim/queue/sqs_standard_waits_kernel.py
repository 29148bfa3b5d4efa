"""The last delivery of each message of a standard queue, cut into what the message waited for."""

import cython

from sim.engine import part_codes as parts
from sim.foundation import num
from sim.foundation.arrays import F32, F64, U8
from sim.queue import sqs_standard_codes as codes

NOISE_S = 1e-6
"""Less than that is what floats lose: it counts to the part before it."""


def _split(
    parts_s: F64,
    ready_s: F64,
    done_s: F64,
    handed_s: F64,
    begun_s: F64,
    call_s: F32,
    place: U8,
    service_s: F32,
    per_batch_s: float,
    noise_s: float,
) -> None:
    for i in range(ready_s.shape[0]):
        if done_s[i] == num.INF:
            continue
        handed = handed_s[i]
        begun = begun_s[i]
        half = num.double(call_s[i])
        first = place[i] & codes.PLACE == 0
        asked = max(ready_s[i], handed)
        if not place[i] & codes.WOKEN:
            asked = max(ready_s[i], handed - half)
        parts_s[parts.CAPACITY, i] += asked - ready_s[i]
        came = handed + half
        if begun - came < noise_s:
            came = begun
        elif first:
            parts_s[parts.SLOWED, i] += begun - came
        else:
            parts_s[parts.HELD, i] += begun - came
        parts_s[parts.CALL, i] += came - asked
        took = done_s[i] - begun
        work = num.double(service_s[i])
        if first:
            work += per_batch_s
        if took - work < noise_s:
            work = took
        else:
            parts_s[parts.SLOWED, i] += took - work
        parts_s[parts.WORK, i] += work


def split(
    parts_s: F64,
    ready_s: F64,
    done_s: F64,
    handed_s: F64,
    begun_s: F64,
    call_s: F32,
    place: U8,
    service_s: F32,
    per_batch_s: float,
) -> None:
    """Add what became of the time from ``ready_s`` to ``done_s``.

    Until the receive was sent that got it, all of it counts as `TimePart.CAPACITY`.

    Args:
        parts_s: [parts, messages] to add to, s.
        ready_s: [messages] since when it could be handed over, s.
        done_s: [messages] when it was first processed, s; inf: never, and it is left out.
        handed_s: [messages] when the receive was answered that led to it, s.
        begun_s: [messages] when its work began, s.
        call_s: [messages] half of the round trip of that receive, s.
        place: [messages] its place in what that receive got.
        service_s: [messages] its work, s.
        per_batch_s: work done once a receive, before the first message, s.
    """
    noise_s = num.double(NOISE_S)
    with cython.nogil:
        _split(
            parts_s, ready_s, done_s, handed_s, begun_s, call_s, place, service_s, per_batch_s,
            noise_s,
        )  # fmt: skip
