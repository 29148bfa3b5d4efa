"""When at least one member of a group was idle: it could have been handed a record at once.

Members are carried through a stretch of time one after the other, each leaving the times at which
it was idle; at the end of the stretch these become the times at which any of them was.
"""

import cython
import numpy as np

from sim.foundation import num
from sim.foundation.arrays import F64, I64, longer


class IdleTimes:
    """Of the members of a group."""

    def __init__(self, members: int) -> None:
        """``members``: how many; 0: nothing is kept."""
        self.tracks = members > 0
        """Whether anything is kept."""
        room = 4 * members + 1024 if self.tracks else 0
        self.n = 0
        """How many times the members have left in this stretch."""
        self.from_s: F64 = np.zeros(room)
        """[room] when a member began to be idle: those of the first member, then of the next."""
        self.until_s: F64 = np.zeros(room)
        """[room] when it was handed something, or the stretch ended."""
        self.most = room - members - 1 if self.tracks else 1 << 60
        """Where ``n`` comes to this, `make_room` is needed."""
        self.starts: I64 = np.zeros(members + 1, np.int64)
        """[members + 1] where those of each member begin."""
        self.at: I64 = np.zeros(members, np.int64)
        """[members] scratch."""
        self.covered_s = 0.0
        """To when it is known when anybody was idle."""
        self.known = 0
        """How many such times there are."""
        self.known_from_s: F64 = np.zeros(room)
        """[known] ascending, disjoint: from when at least one was idle, s."""
        self.known_until_s: F64 = np.zeros(room)
        """[known] until when, s."""
        self.known_sum_s: F64 = np.zeros(room)
        """[known] how long one had been idle before that, forgotten times too, s."""

    def make_room(self) -> None:
        """See that members can leave more times, and that all of them can become known."""
        if self.n < self.most:
            return
        members, room = self.at.shape[0], self.from_s.shape[0]
        if self.n >= room - members - 1:
            room *= 2
            self.from_s = longer(np.asarray(self.from_s), room, 0.0)
            self.until_s = longer(np.asarray(self.until_s), room, 0.0)
        needed = self.known + room
        if needed > self.known_from_s.shape[0]:
            self.known_from_s = longer(np.asarray(self.known_from_s), 2 * needed, 0.0)
            self.known_until_s = longer(np.asarray(self.known_until_s), 2 * needed, 0.0)
            self.known_sum_s = longer(np.asarray(self.known_sum_s), 2 * needed, 0.0)
        self.most = room - members - 1

    def forget(self, before_s: float) -> None:
        """Forget what ended before a time, but for the last."""
        if not self.tracks or self.known < 2:
            return
        ends_s = np.asarray(self.known_until_s)[: self.known - 1]
        kept = slice(int(np.searchsorted(ends_s, before_s)), self.known)
        self.known -= kept.start
        room = self.known + self.from_s.shape[0]
        self.known_from_s = longer(np.asarray(self.known_from_s)[kept], room, 0.0)
        self.known_until_s = longer(np.asarray(self.known_until_s)[kept], room, 0.0)
        self.known_sum_s = longer(np.asarray(self.known_sum_s)[kept], room, 0.0)
        self.most = self.from_s.shape[0] - self.at.shape[0] - 1

    def before(self, at_s: F64) -> F64:
        """[times] how long one was idle before each time, s; quick for times that ascend, nearly.

        It is right for times since what was forgotten ended, and to where members were carried.
        """
        out_s = np.zeros(at_s.size)
        if self.tracks:
            look_up(self, at_s, out_s)
        return out_s


def note(idle: IdleTimes, from_s: float, until_s: float) -> None:
    """The member that is being carried was idle."""
    idle.from_s[idle.n] = from_s
    idle.until_s[idle.n] = until_s
    idle.n += 1


def _lasted(idle: IdleTimes, i: int) -> float:
    """How long one was idle in the known times before ``i``, and in those that are forgotten."""
    if i == 0:
        return 0.0
    last_s = idle.known_until_s[i - 1] - idle.known_from_s[i - 1]
    return num.double(idle.known_sum_s[i - 1] + last_s)


def cover(idle: IdleTimes, until_s: float) -> None:
    """Know when anybody was idle to ``until_s``, to where all members have been carried.

    From where it is known, go to the latest end of those that are idle there; if none is, to the
    first that is after it. Each time is looked at once, and each step passes many.
    """
    n = idle.at.shape[0]
    for m in range(n):
        idle.at[m] = idle.starts[m]
    covered = idle.covered_s
    while True:
        latest = covered
        following = num.INF
        for m in range(n):
            i = idle.at[m]
            while i < idle.starts[m + 1] and idle.until_s[i] <= covered:
                i += 1
            idle.at[m] = i
            if i < idle.starts[m + 1]:
                if idle.from_s[i] <= covered:
                    latest = max(latest, idle.until_s[i])
                else:
                    following = min(following, idle.from_s[i])
        if latest > covered:
            if idle.known > 0 and idle.known_until_s[idle.known - 1] == covered:
                idle.known_until_s[idle.known - 1] = latest
            else:
                idle.known_sum_s[idle.known] = _lasted(idle, idle.known)
                idle.known_from_s[idle.known] = covered
                idle.known_until_s[idle.known] = latest
                idle.known += 1
            covered = latest
        elif following < num.INF:
            covered = following
        else:
            break
    idle.covered_s = until_s
    idle.n = 0
    room = min(idle.from_s.shape[0], idle.known_from_s.shape[0] - idle.known)
    idle.most = room - n - 1


def look_up(idle: IdleTimes, at_s: F64, out_s: F64) -> None:
    """`IdleTimes.before` into ``out_s`` float64 [times]."""
    n = idle.known
    i = 0  # known times that began at the time or before
    with cython.nogil:
        for t in range(at_s.shape[0]):
            at = at_s[t]
            step = 1
            if i < n and idle.known_from_s[i] <= at:
                low = i
                while low + step < n and idle.known_from_s[low + step] <= at:
                    low += step
                    step *= 2
                high = min(n, low + step)
            else:
                high = i
                while high - step >= 0 and idle.known_from_s[high - step] > at:
                    high -= step
                    step *= 2
                low = max(-1, high - step)
            # What began at low began by then, what began at high did not.
            while high - low > 1:
                i = (low + high) // 2
                if idle.known_from_s[i] <= at:
                    low = i
                else:
                    high = i
            i = high
            if i > 0:
                last_s = min(idle.known_until_s[i - 1], at) - idle.known_from_s[i - 1]
                out_s[t] = idle.known_sum_s[i - 1] + last_s
            elif n > 0:
                out_s[t] = idle.known_sum_s[0]
