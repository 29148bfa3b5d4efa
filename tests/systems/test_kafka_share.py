"""Share groups of Kafka, rule by rule with hand numbers."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.fault_lab import scenario, setup
from helpers.operated import Operated
from sim.engine.environment import Environment
from sim.engine.waits import TimePart, Unsplit
from sim.log.topic import Topic
from sim.queue import broker_codes as codes
from sim.queue.broker_state import Columns, poisonous_messages
from sim.scenario.products.kafka import KafkaSystem
from sim.scenario.products.kafka_share import ShareGroup
from sim.systems.kafka_share import (
    FirstRecords,
    Members,
    Readable,
    RecordsSent,
    SharedKafka,
    assign,
    limits_of_partitions,
    share_policy,
)

MS = 0.001
STATE = {
    codes.READY: "available",
    codes.IN_FLIGHT: "acquired",
    codes.ACKED: "acknowledged",
    codes.DROPPED: "archived",
}


def share_group(
    visible_s, work_s, consumers=1, partitions=1, partition_of=None, bad=(), places=None, **config
):
    """A topic whose records can be read from given times, and the members of a share group."""
    n = len(visible_s)
    config = ShareGroup.model_validate({"consumers": consumers, "does": ["x"], **config})
    partition_of = np.arange(n) % partitions if partition_of is None else np.asarray(partition_of)
    visible_s = np.asarray(visible_s, float)
    rows = np.arange(n, dtype=np.int32)
    topic = Topic.of_records(visible_s, partitions, rows, partition_of.astype(np.int32), visible_s)
    readable = Readable(topic)
    readable.advance(np.inf)  # so that work and partition of each are known
    work_s = np.broadcast_to(np.asarray(work_s, np.float32), n)[readable.message]
    members = Members(
        config.session_timeout_ms / 1e3,
        readable.feed,
        work_s,
        consumers,
        share_policy(config, 0.0),
        receive_latency_s=np.array([2 * MS]),
        ack_latency_s=np.array([2 * MS]),
        grid_s=np.zeros(0),
        capacity=places,
        columns=Columns(
            lane=readable.lane,
            lanes=partitions,
            reach=np.zeros((places or consumers, partitions), np.uint8),
        ),
        poison=poisonous_messages(*zip(*bad, strict=True)) if bad else None,
        keep_repeats=1_000,
    )
    return Environment([readable, members]), members


def states(members):
    return [STATE[state] for state in members.queue.state]


def test_KS_01_a_record_is_available_then_acquired_then_acknowledged():
    env, members = share_group([1.0], 2.0)
    for at_s, state in ((0.5, "available"), (2.0, "acquired"), (4.0, "acknowledged")):
        env.run(at_s)
        assert states(members) == [state]
    assert members.queue.done_s[0] == pytest.approx(3.0, abs=5 * MS)


def test_KS_02_released_records_are_delivered_again_up_to_the_limit_and_then_archived():
    always = [(0, False, 10**6, np.inf)]
    env, members = share_group([0.0, 0.0], 0.1, bad=always)
    env.run(30.0)
    assert states(members) == ["archived", "acknowledged"]
    assert members.queue.receives[0] == 5
    config = {"group.share.delivery.count.limit": 2}
    env, members = share_group([0.0], 0.1, bad=always, **config)
    env.run(30.0)
    assert states(members) == ["archived"] and members.queue.receives[0] == 2


def test_KS_02_a_rejected_record_is_archived_at_once():
    env, members = share_group([0.0], 0.1, bad=[(0, False, 1, np.inf)], on_failure="reject")
    env.run(30.0)
    assert states(members) == ["archived"] and members.queue.receives[0] == 1


DEAD_LETTERS = {"errors.deadletterqueue.topic.name": "dlq.x"}


@pytest.mark.parametrize(
    ("config", "lasts_s"),
    [({}, 5 * 0.104), ({"group.share.delivery.count.limit": 2}, 2 * 0.104),
     ({"on_failure": "reject"}, 0.104)],
)  # fmt: skip
def test_KS_06_a_record_is_a_dead_letter_when_it_is_rejected_or_was_delivered_too_often(
    config, lasts_s
):
    always = [(1, False, 10**6, np.inf)]
    env, members = share_group([1.0, 2.0], 0.1, bad=always, **DEAD_LETTERS, **config)
    env.run(30.0)
    assert members.queue.state.tolist() == [codes.ACKED, codes.DEAD]
    letters = members.state.letters
    assert letters.n == 1 and letters.message[0] == 1
    # Each delivery takes 100 ms of work, and at most two calls of 2 ms.
    assert letters.at_s[0] == pytest.approx(2.0 + lasts_s, abs=0.02)
    assert members.settled() == 2


def test_KS_02_a_lock_shorter_than_the_work_repeats_and_then_archives():
    config = {"group.share.record.lock.duration.ms": 15_000, "max.poll.records": 1}
    env, members = share_group([0.0], 20.0, consumers=6, **config)
    env.run(200.0)
    # Every 15 s to the next one, five times; all five have an effect, and none is acknowledged.
    assert states(members) == ["archived"]
    assert members.queue.receives[0] == members.queue.effects[0] == 5
    assert np.sort(members.queue.again_s[:4]) == pytest.approx([35, 50, 65, 80], abs=0.1)


def test_KS_03_one_stuck_record_stops_new_ones_at_the_window():
    config = {"group.share.partition.max.record.locks": 100, "max.poll.records": 10}
    work_s = np.full(1_000, 0.001)
    work_s[0] = 25.0
    env, members = share_group(np.zeros(1_000), work_s, consumers=2, **config)
    env.run(24.0)
    # The stuck consumer holds the ten of its poll; the other one has done the rest of the window.
    assert Counter(states(members)) == {"acknowledged": 90, "acquired": 10, "available": 900}
    config = ShareGroup.model_validate({"consumers": 2, "does": ["x"], **config})
    (limit,) = limits_of_partitions("g", config, members)
    path = "share_groups.g.group.share.partition.max.record.locks"
    assert (limit.path, limit.value) == (path, "100")
    assert limit.times > 10 and 0.09 < limit.first_s < 0.2 and 23.0 < limit.last_s < 24.0
    env.run(40.0)
    assert Counter(states(members)) == {"acknowledged": 1_000}


def test_KS_03_redelivery_of_what_is_available_goes_on_within_the_window():
    config = {"group.share.partition.max.record.locks": 100, "max.poll.records": 1}
    work_s = np.full(300, 0.001)
    work_s[0] = 20.0
    bad = [(5, False, 3, np.inf)]
    env, members = share_group(np.zeros(300), work_s, consumers=2, bad=bad, **config)
    env.run(19.0)
    assert members.queue.receives[5] == 4 and states(members)[5] == "acknowledged"
    assert Counter(states(members)) == {"acknowledged": 99, "acquired": 1, "available": 200}


def test_KS_05_partitions_are_a_limit_to_members_that_take_from_one_each():
    # Both records are of partition 0, and the member of partition 1 has nothing to do.
    config = {"max.poll.records": 1}
    _, members = one = share_group([0.0, 0.0], 5.0, 2, 2, partition_of=[0, 0], **config)
    one[0].run(20.0)
    config = ShareGroup.model_validate({"consumers": 2, "does": ["x"], **config})
    (limit,) = limits_of_partitions("g", config, members)
    assert (limit.key, limit.path, limit.value) == ("partitions", "topic.partitions", "2")
    assert (limit.times, limit.last_s) == (1, pytest.approx(5.0, abs=0.01))
    assert sorted(members.queue.done_s) == pytest.approx([5.0, 10.0], abs=0.02)


def test_KS_05_what_a_member_reaches_anew_it_is_handed_then_and_not_before():
    # The record of partition 0 waits until its member, dead since 1 s, is not counted any more.
    config = {"group.share.session.timeout.ms": 10_000, "fetch.max.wait.ms": 60_000}
    env, members = share_group([2.0, 3.0], 0.5, 2, 2, partition_of=[0, 1], **config)
    env.run(1.0)
    members.crash(0)
    env.run(5.0)
    assert members.queue.done_s[1] == pytest.approx(3.5, abs=0.01)
    env.run(30.0)
    assert members.queue.done_s[0] == pytest.approx(11.5, abs=0.01)


def test_KS_04_an_acknowledgement_after_the_lock_is_too_late_and_the_record_is_processed_twice():
    config = {"group.share.record.lock.duration.ms": 15_000}
    env, members = share_group([0.0], 10.0, consumers=2, **config)
    env.run(5.0)
    (holder,) = np.flatnonzero((np.asarray(members.state.consumers.slot) >= 0).any(axis=1))
    members.pause(int(holder), 20.0)  # its work is done at 30 s, its lock ends at 15 s
    env.run(60.0)
    assert states(members) == ["acknowledged"]
    assert members.queue.effects[0] == 2 and members.queue.receives[0] == 2
    assert members.queue.done_s[0] == pytest.approx(25.0, abs=0.1)


def test_KS_05_more_consumers_than_partitions_share_the_work():
    work_s = np.full(240, 0.1)
    drained = {}
    for consumers in (1, 2, 12):
        config = {"max.poll.records": 1}
        env, members = share_group(
            np.zeros(240), work_s, consumers=consumers, partitions=2, **config
        )
        env.run(60.0)
        drained[consumers] = members.queue.done_s.max()
    assert drained[1] == pytest.approx(240 * 0.102, rel=0.05)
    assert drained[2] == pytest.approx(120 * 0.102, rel=0.05)
    assert drained[12] == pytest.approx(20 * 0.102, rel=0.1)


def test_KS_05_every_partition_is_served_by_as_many_as_there_are():
    for members, partitions in ((1, 4), (3, 4), (4, 4), (5, 4), (12, 4), (7, 3)):
        reach = np.ones((members + 1, partitions), np.uint8)
        assign(reach, range(members))
        of_partition = reach.sum(axis=0)
        assert of_partition.min() >= 1 and np.ptp(of_partition) <= 1
        assert reach[members].sum() == 0
        assert (reach[:members].sum(axis=1) >= 1).all()


def test_a_killed_member_s_records_are_available_when_its_connection_closes():
    env, members = share_group([0.0], 10.0, consumers=2)
    env.run(5.0)
    (holder,) = np.flatnonzero((np.asarray(members.state.consumers.slot) >= 0).any(axis=1))
    members.crash(int(holder))
    env.run(20.0)
    assert states(members) == ["acknowledged"]
    assert members.queue.done_s[0] == pytest.approx(15.0, abs=0.5)


def test_a_dead_member_s_partitions_wait_for_the_session_if_nobody_else_takes_from_them():
    visible_s = np.arange(0.0, 120.0, 0.5)
    env, members = share_group(visible_s, 0.01, consumers=2, partitions=2)
    env.run(30.2)
    members.crash(1)
    env.run(120.0)
    late = members.queue.done_s - visible_s
    assert late.max() == pytest.approx(45.0, abs=1.0)
    members.restart(1)
    env.run(130.0)
    assert set(states(members)) == {"acknowledged"}


def test_a_member_leaves_when_it_has_closed_and_one_killed_meanwhile_after_its_session():
    def taken_over(work_s, at_s):
        env, members = share_group(np.arange(0.0, 120.0, 0.5), work_s, consumers=2, partitions=2)
        env.run(30.2)
        Operated(env, members).terminate(1, 1.8)
        env.run(at_s)
        return list(members.state.lanes.reach[0]) == [1, 1]

    assert taken_over(0.01, 30.35)  # it had nothing in hand, and is seen to be gone 0.1 s later
    assert not taken_over(8.0, 32.0 + 44.9)  # killed at 32 s; the session lasts 45 s
    assert taken_over(8.0, 32.0 + 45.1)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1))
def test_whatever_happens_every_record_is_acknowledged_or_archived(seed):
    rng = np.random.default_rng(seed)
    n, partitions, consumers = 60, int(rng.integers(1, 4)), int(rng.integers(1, 5))
    config = {
        "max.poll.records": int(rng.integers(1, 8)),
        "group.share.record.lock.duration.ms": float(rng.uniform(2_000, 8_000)),
        "group.share.delivery.count.limit": int(rng.integers(2, 6)),
        "group.share.session.timeout.ms": 5_000,
    }
    env, members = share_group(
        np.sort(rng.uniform(0, 20, n)), rng.exponential(0.3, n), consumers, partitions,
        rng.integers(0, partitions, n), **config,
    )  # fmt: skip
    for at_s in np.sort(rng.uniform(0.1, 25, 6)):
        env.run(float(at_s))
        member = int(rng.integers(consumers))
        verb = str(
            rng.choice(["crash", "restart", "pause", "slow", "terminate", "cut_off", "reconnect"])
        )
        value = {"pause": (4.0,), "slow": (2.0,), "terminate": (3.0,)}.get(verb, ())
        getattr(Operated(env, members), verb)(member, *value)
        assert np.array_equal(members.queue.receives >= members.queue.returns, np.ones(n, bool))
    env.run(30.0)
    for member in range(consumers):
        members.reconnect(member)
        members.restart(member)
    env.run(200.0)
    counted = Counter(states(members))
    assert counted["acknowledged"] + counted["archived"] == n == members.settled()
    assert (members.queue.effects[members.queue.state == codes.ACKED] >= 1).all()
    assert (members.queue.receives <= config["group.share.delivery.count.limit"]).all()


def test_readable_rows_come_in_order_of_time_over_all_partitions():
    rng = np.random.default_rng(5)
    n = 200
    created_s = np.sort(rng.uniform(0, 10, n))
    topic = Topic(
        created_s, rng.integers(0, 3, n).astype(np.int32), 3, np.array([300], np.int32),
        linger_s=0.2, batch_bytes=2_000, latency_s=rng.uniform(0.01, 0.5, 7),
    )  # fmt: skip
    readable = Readable(topic)
    for until_s in (1.0, 1.5, 6.0, 20.0):
        topic.advance(until_s)
        readable.advance(until_s)
        fed = np.asarray(readable.feed.enqueued_s[: readable.feed.n[0]])
        assert (np.diff(fed) >= 0).all() and (fed <= until_s).all()
        assert fed.size == np.count_nonzero(topic.log.visible_s <= until_s)
        assert (topic.created_s[readable.message[: fed.size]] < fed).all()
    assert list(readable.feed.message) == list(range(n))
    assert sorted(readable.message) == list(range(n))
    assert (topic.partition_of[readable.message] == readable.lane).all()


def test_defaults_are_those_of_kafka_4_2():
    group = ShareGroup.model_validate({"consumers": 1, "does": ["x"]})
    assert group.model_dump(by_alias=True) == {
        "consumers": 1,
        "does": ["x"],
        "discard": 1e-5,
        "max.poll.records": 500,
        "fetch.max.wait.ms": 500,
        "group.share.record.lock.duration.ms": 30_000,
        "group.share.delivery.count.limit": 5,
        "group.share.partition.max.record.locks": 2_000,
        "group.share.session.timeout.ms": 45_000,
        "share.isolation.level": "read_uncommitted",
        "on_failure": "release",
        "errors.deadletterqueue.copy.record.enable": False,
    }


def test_somebody_has_to_read():
    with pytest.raises(ValueError, match="there is nobody to read"):
        KafkaSystem.model_validate({"product": "kafka", "topic": {"partitions": 1}})


def twice():
    """A topic of two messages: 1, 0 and 1 again, readable at 2, 3 and 5 s."""
    created_s = np.array([0.0, 1.0])
    topic = Topic.of_records(
        created_s, 1, np.array([1, 0, 1], np.int32), np.zeros(3, np.int32), np.array([2.0, 3, 5])
    )
    readable = Readable(topic)
    readable.advance(np.inf)
    return created_s, readable


def test_each_record_of_a_message_got_into_the_topic_in_its_own_time():
    created_s, readable = twice()
    sent = RecordsSent(Unsplit(created_s), readable)
    parts_s = sent.sent_parts_s(0, 3, np.array([2.0, 3.0, 5.0]))
    assert parts_s[TimePart.SEND].tolist() == [1.0, 3.0, 4.0]


def test_a_message_waited_for_what_the_record_did_that_was_done_first():
    _, readable = twice()
    of = scenario(systems={"a": SHARED}, duration=20.0)
    built = SharedKafka(setup("a", of), of.systems["a"])
    built.readable = readable
    first = built._first_records(np.array([9.0, np.inf, 7.0]))
    assert first[1] == 2 and (np.delete(first, 1) == -1).all()
    waits = FirstRecords(RecordsAsParts(), first[:2])
    assert waits.parts_s(1, 2)[TimePart.WORK].tolist() == [2.0]


SHARED = {
    "product": "kafka",
    "topic": {"partitions": 1},
    "partition_key": ["key"],
    "groups": {},
    "share_groups": {"g": {"consumers": 1, "does": ["work"]}},
}


class RecordsAsParts:
    """Waits whose work is the number of the record."""

    def parts_s(self, first, last):
        parts_s = np.zeros((len(TimePart), last - first))
        parts_s[TimePart.WORK] = np.arange(first, last)
        return parts_s
