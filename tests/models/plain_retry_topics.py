"""Retry topics, record by record, where each partition has a consumer to itself.

It shares no code with ``sim``. A partition is a line in front of one consumer, which takes one
record at a time; what happens next anywhere is what ends first.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

NEVER = float("inf")


@dataclass
class Record:
    """A message on its way; times in s."""

    message: int
    readable_s: float
    tried: int = 0
    attempts_s: float = 0.0  # spent on attempts that failed
    delays_s: float = 0.0  # asked for


@dataclass
class Line:
    """A partition and its consumer."""

    records: deque[Record] = field(default_factory=deque)
    free_s: float = 0.0
    last_readable_s: float = 0.0


@dataclass
class End:
    """What became of a message."""

    done_s: float = NEVER  # inf: given up
    attempts_s: float = 0.0
    delays_s: float = 0.0
    tried: int = 0


def run(
    readable_s: Sequence[float],
    partition_of: Sequence[int],
    work_s: Sequence[float],
    fails: Mapping[int, int],
    topics_s: Sequence[float],
    attempts: int,
    send_s: float,
    retry_partition: Callable[[int, int], int],
    created_s: Sequence[float],
    timeout_s: float = NEVER,
) -> list[End]:
    """What becomes of each message.

    Args:
        readable_s: of each message, when it can be read in its own topic.
        partition_of: where it lies there.
        work_s: what each attempt takes.
        fails: how often it fails, by message.
        topics_s: what a record waits in each retry topic; the last is used again.
        attempts: how often a record is tried.
        send_s: to publish a record, for which its consumer waits.
        retry_partition: of a message from a partition.
        created_s: when it was.
        timeout_s: a record that fails later than this after that is given up.
    """
    lines: dict[tuple[int, int], Line] = {}
    for message in sorted(range(len(readable_s)), key=lambda i: (readable_s[i], i)):
        line = lines.setdefault((0, partition_of[message]), Line())
        line.records.append(Record(message, readable_s[message]))
    left, ends = dict(fails), [End() for _ in readable_s]

    def ends_s(at: tuple[int, int]) -> float:
        line = lines[at]
        record = line.records[0]
        return max(line.free_s, record.readable_s) + work_s[record.message]

    while waiting := [at for at, line in lines.items() if line.records]:
        at = min(waiting, key=ends_s)
        end_s, line = ends_s(at), lines[at]
        record = line.records.popleft()
        record.tried += 1
        message = record.message
        line.free_s = end_s
        if not left.get(message, 0):
            ends[message] = End(end_s, record.attempts_s, record.delays_s, record.tried)
            continue
        left[message] -= 1
        record.attempts_s += work_s[message]
        line.free_s += send_s
        if record.tried == attempts or end_s - created_s[message] > timeout_s:
            ends[message].tried = record.tried
            continue
        topic = min(record.tried, len(topics_s))
        there = (topic, retry_partition(message, at[1]))
        following = lines.setdefault(there, Line())
        record.delays_s += topics_s[topic - 1]
        record.readable_s = following.last_readable_s = max(
            end_s + max(topics_s[topic - 1], send_s), following.last_readable_s
        )
        following.records.append(record)
    return ends
