"""The parts of messages that were tried in several topics; whole ones are in tests/systems."""

import numpy as np

from sim.engine.waits import TimePart
from sim.log.kafka_retry_topics import Failed
from sim.log.retried_parts import CameBy, RetriedWaits


class Waited:
    """A stage in which what is sent waits for a consumer until it is polled."""

    def __init__(self, sent=None):
        self.sent = self if sent is None else sent

    def sent_parts_s(self, first, last, entered_s):
        parts_s = np.zeros((len(TimePart), last - first))
        parts_s[TimePart.SEND] = entered_s - np.arange(first, last)  # message i is created at i s
        return parts_s

    def failed_parts_s(self, place, readable_s, fetch_s, polled_s):
        parts_s = np.zeros(len(TimePart))
        parts_s[TimePart.CAPACITY] = polled_s - readable_s
        return parts_s

    def parts_s(self, first, last):
        return np.full((len(TimePart), last - first), 7.0 if self.sent is self else 8.0)


class Retried:
    def __init__(self, *failed):
        self.failed = failed

    def of_stage(self, stage):
        assert stage == 1
        return iter(self.failed)


def failed(stage, message, at_s, **more):
    its = {
        "stage": stage, "place": (0, 0), "message": message, "readable_s": at_s, "asked_s": 0.0,
        "got_s": 0.0, "polled_s": at_s + 2.0, "failed_s": at_s + 3.0, "due_s": at_s + 13.0,
        "sent_s": at_s + 3.5, "again_s": at_s + 13.0, "attempts": 1,
    }  # fmt: skip
    return Failed(**its | more)


def parts(column):
    return {part.name: s for part, s in zip(TimePart, column.tolist(), strict=True) if s}


def test_the_time_until_a_record_can_be_read_again_is_split():
    first = failed(0, 4, 5.0)
    late = failed(0, 6, 7.0, sent_s=22.0, again_s=25.0)  # published after it is due, behind others
    waits = [Waited()]
    its = CameBy(Retried(first, late), 1, waits)
    parts_s = its.sent_parts_s(3, 8, np.array([0.0, 18.0, 0.0, 25.0, 0.0]))
    assert parts(parts_s[:, 1]) == {"SEND": 1, "BACKOFF": 10, "ATTEMPT": 1, "CAPACITY": 2}
    assert parts(parts_s[:, 3]) == {
        "SEND": 1 + 2, "BACKOFF": 10, "ATTEMPT": 1, "CAPACITY": 2, "HEAD_OF_LINE": 3,
    }  # fmt: skip
    assert not parts_s[:, [0, 2, 4]].any()


def test_of_several_attempts_each_adds_its_own():
    first = failed(0, 4, 5.0)
    second = failed(1, 4, 18.0, attempts=2)
    waits = [Waited()]
    its = CameBy(Retried(first, second), 1, waits)
    waits.append(Waited(its))
    parts_s = its.sent_parts_s(4, 5, np.array([31.0]))
    assert parts(parts_s[:, 0]) == {"SEND": 1, "BACKOFF": 20, "ATTEMPT": 2, "CAPACITY": 4}
    assert parts_s.sum() == 31.0 - 4.0


def test_the_topic_of_the_first_effect_tells():
    main, retry = Waited(), Waited(Waited())
    done_s = [np.array([1.0, np.inf, 5.0]), np.array([np.inf, 9.0, 3.0])]
    parts_s = RetriedWaits([main, retry], done_s).parts_s(0, 3)
    assert parts_s[0].tolist() == [7.0, 8.0, 8.0]
