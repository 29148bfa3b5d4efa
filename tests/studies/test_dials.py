"""What may be varied when a system is sized."""

import pytest

from helpers.sizing import CONSUMERS, PARTITIONS, WORKERS, ideal_log, ideal_queue
from sim.foundation.errors import LabError
from sim.scenario.load import Scenario, load
from sim.studies.dials import MOST, alone, caps, read_dials, settings


def test_keys_are_found_with_what_they_are():
    scenario = load("tournament_spike")
    members, partitions, poll = (
        read_dials([text], scenario)[0]
        for text in (
            "systems.kafka.groups.counters.consumers",
            "systems.kafka.topic.partitions=4..6",
            "systems.kafka.groups.counters.max.poll.records=100,10",
        )
    )
    assert (members.group, members.members, members.partitions) == ("counters", True, False)
    assert members.values == tuple(range(1, MOST + 1))
    assert (partitions.group, partitions.members, partitions.partitions) == (None, False, True)
    assert partitions.values == (4, 5, 6)
    assert (poll.group, poll.members, poll.values) == ("counters", False, (10, 100))
    assert [dial.name for dial in (members, partitions, poll)] == [
        "counters consumers", "partitions", "counters max.poll.records",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ([], "nothing is varied"),
        (["systems.kafka.group.g.consumers"], "did you mean 'groups'?"),
        (["duration"], "it is keys of a system that are varied"),
        ([f"{CONSUMERS}=4..2"], "the first end of a range is the lower one"),
        ([f"{CONSUMERS}=few"], "expected a whole number"),
        ([f"{CONSUMERS}="], "expected PATH, PATH=1..64 or PATH=1,2,4,8"),
        ([f"{CONSUMERS}=1..1_000_000"], "more than 10,000 values"),
        (["systems.kafka.groups.g.max.poll.records=0"], "--vary systems.kafka.groups.g.max.poll."),
        ([CONSUMERS, CONSUMERS], "given twice"),
        ([PARTITIONS, "systems.kafka.groups.g.max.poll.records"], "one more key may be varied"),
    ],
)
def test_what_cannot_be_varied_is_refused(texts, said):
    with pytest.raises(LabError) as error:
        read_dials(texts, ideal_log("1 s"))
    assert said in str(error.value)


def test_without_values_those_are_tried_that_the_key_may_have():
    queue = ideal_queue("1 s")  # a receive hands out 1 to 10
    (dial,) = read_dials(["systems.sqs.queues.q.MaxNumberOfMessages"], queue)
    assert dial.values == tuple(range(1, 11))
    (partitions,) = read_dials(["systems.six_of_them.topic.partitions"], _growing())
    assert partitions.values == tuple(range(1, MOST + 1))


def test_a_value_beyond_those_that_it_may_have_is_refused_before_anything_runs():
    queue = ideal_queue("1 s")
    with pytest.raises(LabError) as error:
        read_dials(["systems.sqs.queues.q.MaxNumberOfMessages=1..64"], queue)
    assert str(error.value) == (
        "--vary systems.sqs.queues.q.MaxNumberOfMessages=1..64: must be at most 10, not 64"
    )


def test_a_fault_that_adds_partitions_adds_as_many_to_any_number():
    growing = _growing()
    dials = read_dials(["systems.six_of_them.topic.partitions=4..12"], growing)
    assert settings(growing, dials, [12])["faults.0.to"] == 14
    made = growing.with_(settings(growing, dials, [12]))
    assert (made.systems["six_of_them"].partitions, made.faults[0].to) == (12, 14)
    assert settings(growing, dials, [4])["faults.0.to"] == 6


def _growing():
    one = load("head_of_line").model_dump(mode="json", by_alias=True)
    one["systems"] = {"six_of_them": one["systems"]["kafka_group"]}
    one["systems"]["six_of_them"]["topic"]["partitions"] = 6
    one["systems"]["six_of_them"]["groups"]["lookup"]["consumers"] = 6
    one["faults"] = [
        {"at": "3m", "fault": "partitions", "target": "six_of_them.topic", "to": 8},
    ]
    one["needs"] = None
    return Scenario.from_mapping(one)


def test_one_system_is_sized_at_a_time():
    with pytest.raises(LabError, match="one system is sized at a time, not celery and sqs"):
        read_dials(
            ["systems.celery.queues.jobs.workers", "systems.sqs.queues.jobs.workers"],
            load("celery_jobs"),
        )


def test_members_of_a_consumer_group_are_capped_by_its_partitions():
    queue, log = ideal_queue("1 s"), load("head_of_line")
    paths = ["systems.kafka_group.groups.lookup.consumers",
             "systems.kafka_share_group.share_groups.lookup.consumers"]  # fmt: skip
    assert [caps(log, read_dials([path], log)[0]) for path in paths] == [True, False]
    assert not caps(queue, read_dials([WORKERS], queue)[0])
    partitions = read_dials(["systems.kafka_group.topic.partitions"], log)[0]
    assert not caps(log, partitions)


def test_a_system_stands_alone_without_the_faults_of_others():
    whole = load("tournament_slow_group")
    kafka = alone(whole, "kafka")
    assert list(kafka.systems) == ["kafka"]
    assert [fault.target for fault in kafka.faults] == ["*.analytics.*", "*.counters.0"]
    assert alone(whole, "sqs_single").faults == [whole.faults[1], whole.faults[3]]
    lonely = ideal_queue("1 s")
    assert alone(lonely, "sqs") is lonely
