"""Lambda on a stream, message by message: what AWS says of a batch that fails, in the order in
which it happens to one part of a shard. It shares no code with the lab.
"""

from dataclasses import dataclass, field

INF = float("inf")


@dataclass
class Record:
    """A record of one part of a shard."""

    arrived_s: float
    """Since when it is in the stream."""
    got_s: float
    """Since when the poller has it."""
    work_s: float
    fails: float = 0
    """How often the function still fails on it."""
    kills: bool = False
    """Whether its environment dies then."""
    effects: list[float] = field(default_factory=list)
    given_up: bool = False
    tries: list[tuple[float, float]] = field(default_factory=list)
    """Invocations that came to nothing for it: from, until."""
    handed_s: float = INF
    """Of the invocation that led to its first effect."""
    begun_s: float = INF


@dataclass
class Settings:
    """Of the mapping and its function."""

    batch: int = 100
    window_s: float = 0.0
    retries: int = -1
    bisects: bool = False
    reports: bool = False
    age_s: float = INF
    timeout_s: float = INF
    invoke_s: float = 0.0
    first_s: float = 1.0
    most_s: float = 60.0


class Part:
    """Works off the records of a part until ``until_s``."""

    def __init__(self, records, s: Settings, crashes, until_s: float) -> None:
        self.records, self.s, self.crashes, self.until_s = records, s, sorted(crashes), until_s
        self.invocations = 0
        self.idle: list[tuple[float, float]] = []
        self.backoffs: list[tuple[float, float]] = []
        at_s = 0.0
        self.next = 0
        while self.next < len(records):
            ready_s, n = self.gather(at_s)
            self.idle.append((at_s, min(ready_s, until_s)))
            if ready_s > until_s:
                return
            at_s = ready_s
            old = self.drop_old(at_s, len(records))
            if old:  # what was gathered besides goes on
                n = max(0, n - old) if s.window_s and s.batch > 1 else 0
            if not n:
                continue
            at_s = self.batch(at_s, self.next, self.next + n, 0)
            if at_s > until_s:
                return
        self.idle.append((at_s, until_s))

    def gather(self, since_s):
        """When a batch is there for one who began to gather at a time, and how many records."""
        s, left = self.s, self.records[self.next :]
        if not s.window_s or s.batch == 1:
            ready_s = max(since_s, left[0].got_s)
        else:
            while left[0].got_s > since_s + s.window_s:  # an empty window: the next one
                since_s += s.window_s
            full_s = left[s.batch - 1].got_s if len(left) >= s.batch else INF
            ready_s = max(since_s, min(full_s, since_s + s.window_s))
        return ready_s, min(s.batch, sum(r.got_s <= ready_s for r in left))

    def drop_old(self, at_s, stop):
        """Give up what is too old, of what the poller has, from the next record on."""
        before = self.next
        while self.next < stop:
            record = self.records[self.next]
            if record.arrived_s + self.s.age_s > at_s or record.got_s > at_s:
                break
            record.given_up = True
            self.next += 1
        return self.next - before

    def batch(self, at_s, low, high, failures):
        """Have the records from one to before another done or given up; returns when they are."""
        s = self.s
        while True:
            # Others behind the batch, which are too old as well, go along.
            if self.next < high and self.records[self.next].arrived_s + s.age_s <= at_s:
                self.drop_old(at_s, len(self.records))
            low = max(low, self.next)
            if low >= high:
                return at_s
            ended_s, at, why = self.invoke(at_s, low, high)
            if ended_s > self.until_s:
                return INF
            if why == "done":
                self.next = high
                return ended_s
            for record in self.records[at:high]:
                record.tries.append((at_s, ended_s))
            done = at - low if why == "failed" and s.reports else 0
            low += done
            self.next = low
            if s.bisects and done:
                at_s = ended_s
                continue
            if s.bisects and high - low > 1:
                middle = low + (high - low) // 2
                at_s = self.batch(ended_s, low, middle, 0)
                if at_s > self.until_s:
                    return INF
                return self.batch(at_s, middle, high, 0)
            failures += 1
            if 0 <= s.retries < failures:
                for record in self.records[low:high]:
                    record.given_up = True
                self.next = high
                return ended_s
            at_s = ended_s + min(s.most_s, s.first_s * 2 ** (failures - 1))
            at_s = max(ended_s, min(at_s, self.records[low].arrived_s + s.age_s))
            self.backoffs.append((ended_s, min(at_s, self.until_s)))
            if at_s > self.until_s:
                return INF

    def invoke(self, at_s, low, high):
        """Run the function; returns when it ended, the first record not done, and why."""
        self.invocations += 1
        deadline_s = at_s + self.s.invoke_s + self.s.timeout_s
        crash_s = next((c for c in self.crashes if c > at_s), INF)
        now_s = at_s + self.s.invoke_s
        for i in range(low, high):
            record = self.records[i]
            begun_s, now_s = now_s, now_s + record.work_s
            if now_s > min(deadline_s, crash_s, self.until_s):
                ends_s = min(deadline_s, crash_s)
                return ends_s, i, "timed out" if deadline_s < crash_s else "died"
            if record.fails > 0:
                record.fails -= 1
                return now_s, i, "died" if record.kills else "failed"
            if not record.effects:
                record.handed_s, record.begun_s = at_s, begun_s
            record.effects.append(now_s)
        return now_s, high, "done"


def overlap(stretches, from_s, until_s):
    """How much of some disjoint stretches lies between two times."""
    return sum(max(0.0, min(b, until_s) - max(a, from_s)) for a, b in stretches)


def union(stretches):
    """The same stretches, disjoint and ascending."""
    out: list[tuple[float, float]] = []
    for a, b in sorted(s for s in stretches if s[1] > s[0]):
        if out and a <= out[-1][1]:
            out[-1] = out[-1][0], max(b, out[-1][1])
        else:
            out.append((a, b))
    return out


def without(from_s, until_s, stretches):
    """What is left between two times without some stretches."""
    at_s, out = from_s, []
    for a, b in union(stretches):
        if b > at_s and a < until_s:
            if a > at_s:
                out.append((at_s, a))
            at_s = max(at_s, b)
    if at_s < until_s:
        out.append((at_s, until_s))
    return out


def parts_of(record, part, idle, s, window_waits):
    """Where the time of a record went from when the poller had it, s, by the names of the parts.

    ``idle``: disjoint stretches in which a poller of the function waited for records;
    ``window_waits``: whether the poller of this one gathers for a window.
    """
    done_s = record.effects[0]
    attempts = [(a, min(b, record.handed_s)) for a, b in record.tries if a < record.handed_s]
    inside = (record.got_s, record.handed_s)
    attempt_s = sum(b - a for a, b in attempts)
    backoff_s = overlap(part.backoffs, *inside)
    rest = without(*inside, [*attempts, *part.backoffs])
    idle_s = sum(overlap(idle, a, b) for a, b in rest)
    # While its own poller gathers, it is a call that the record waits for.
    own_s = sum(overlap(part.idle, a, b) for a, b in rest) if window_waits else 0.0
    return {
        "ATTEMPT": attempt_s,
        "BACKOFF": backoff_s,
        "HEAD_OF_LINE": idle_s - own_s,
        "CAPACITY": sum(b - a for a, b in rest) - idle_s,
        "CALL": s.invoke_s + own_s,
        "HELD": record.begun_s - record.handed_s - s.invoke_s,
        "WORK": done_s - record.begun_s,
    }
