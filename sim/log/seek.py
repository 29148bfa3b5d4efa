"""Where in a log a time is, and a group that goes on reading from there."""

import numpy as np

from sim.engine.system import Sought
from sim.foundation.arrays import I64
from sim.log import group_state as k
from sim.log.group import Group
from sim.log.topic import Topic


def seek(group: Group, to_s: float) -> Sought:
    """Have a group go on from the first record whose timestamp is not before a time.

    As ``kafka-consumer-groups --reset-offsets`` does with ``--to-datetime``, ``--to-earliest`` and
    ``--to-latest``, but without stopping the group: each member moves at its next poll.

    Args:
        group: who seeks.
        to_s: -inf is the beginning, inf the end.

    Returns:
        how many records from there on have been in the log, and how many of them are deleted.
    """
    topic, now_s = group.topic, group.now_s
    wished, end = offsets_at(topic, to_s, now_s)
    if np.isinf(to_s):
        place = k.BEGINNING if to_s < 0 else k.END
        group.seek(np.full(wished.size, place, np.int64), now_s)
    else:
        group.seek(np.maximum(wished, topic.log.first), now_s)
    gone = np.maximum(topic.log.first - wished, 0)
    return Sought(int((end - wished).sum()), int(gone.sum()))


def offsets_at(topic: Topic, to_s: float, now_s: float) -> tuple[I64, I64]:
    """[partitions] first offset, deleted or not, of a timestamp of at least ``to_s``; and log end.

    The offset is the log end if there is none.
    """
    log = topic.log
    end = topic.readable(now_s)
    at = np.zeros(end.size, np.int64)
    for p, n in enumerate(end):
        stamps = topic.created_s[log.message[log.start[p] : log.start[p] + n]]
        later = stamps >= to_s
        at[p] = later.argmax() if later.any() else n
    return at, end
