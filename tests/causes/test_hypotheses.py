import pandas as pd
import pytest

from helpers.incidents import group, incident, queue
from sim.causes.data import CauseKind
from sim.causes.hypotheses import acted_on, hypotheses, strikes, unexplored, written
from sim.causes.trials import changed
from sim.measure.tables import no_rows
from sim.traffic.generate import generate


def found(scenario, *harms, limits=None):
    all_ = hypotheses(scenario, "s", "g", harms, no_rows() if limits is None else limits)
    return {one.name: one for one in all_}


def test_a_limit_that_acted_is_told_with_what_it_did():
    row = {
        "system": "s", "group": "g", "key": "VisibilityTimeout", "value": "30s", "times": 4,
        "path": "queues.g.VisibilityTimeout", "target": "", "what": "made messages visible",
        "first_s": 1.0, "last_s": 2.0,
    }  # fmt: skip
    limits = pd.DataFrame([row, {**row, "target": "1", "times": 3}, {**row, "group": "other"}])
    by_name = found(incident(queue(1)), "late", limits=limits)
    one = by_name["VisibilityTimeout"]
    assert (one.kind, one.times) == (CauseKind.LIMIT, 7)
    assert one.what == "VisibilityTimeout 30s (made messages visible)"
    assert by_name["MaxNumberOfMessages"].kind is CauseKind.SETTING


def test_a_limit_that_acts_more_without_a_thing_is_not_taken_away_with_it():
    row = {
        "system": "s", "group": "g", "key": "MaxNumberOfMessages", "value": "5", "times": 4,
        "path": "queues.g.MaxNumberOfMessages", "target": "", "first_s": 1.0, "last_s": 2.0,
        "what": "limited receives while more messages were there",
    }  # fmt: skip
    its = incident(queue(1, MaxNumberOfMessages=5))
    by_name = found(its, "late", limits=pd.DataFrame([row]))
    assert by_name["MaxNumberOfMessages"].kind is CauseKind.LIMIT
    assert by_name["MaxNumberOfMessages (1)"].kind is CauseKind.SETTING


def test_a_limit_that_nobody_knows_how_to_relax_is_told():
    rows = [
        {"key": key, "path": path, "what": "acted", "times": 1, "value": "1", "target": "",
         "system": "s", "group": "g"}
        for key, path in (("VisibilityTimeout", "queues.g.VisibilityTimeout"), ("odd", ""))
    ]  # fmt: skip
    scenario = incident(queue(1))
    acted = acted_on(pd.DataFrame(rows), scenario, "s", "g")
    all_ = hypotheses(scenario, "s", "g", ["late"], pd.DataFrame(rows))
    assert unexplored(all_, acted) == {"odd": "acted; no other value of it is known here"}


def test_a_limit_of_another_queue_is_not_this_ones():
    row = {
        "system": "s", "group": "g", "key": "VisibilityTimeout", "value": "30s", "times": 4,
        "path": "queues.other.VisibilityTimeout", "target": "", "what": "", "first_s": 0.0,
        "last_s": 0.0,
    }  # fmt: skip
    assert acted_on(pd.DataFrame([row]), incident(queue(1)), "s", "g") == []


def test_each_fault_that_strikes_a_group_is_one():
    faults = [
        {"at": 10, "fault": "crash", "target": "s.g.0", "restart_after": 5},
        {"at": 20, "fault": "slow", "target": "s.g.*", "factor": 2},
    ]
    scenario = incident(queue(2), faults=faults)
    by_name = found(scenario, "late")
    assert by_name["faults[0]"].kind is CauseKind.FAULT
    left = changed(scenario, by_name["faults[0]"].changes).faults
    assert [fault.fault for fault in left] == ["slow"]


def test_a_poisonous_share_is_one_and_goes_with_its_key():
    poison = {"workload.service.w.poison": {"share": 0.002, "times": 3}}
    scenario = incident(queue(2)).with_(poison)
    its = found(scenario, "dead_lettered")["workload.service.w.poison"]
    assert its.what == "one message in 500 makes its handler raise 3 times"
    assert changed(scenario, its.changes).workload.service["w"].poison is None
    kills = scenario.with_({"workload.service.w.poison": {"share": 0.002, "effect": "kill"}})
    its = found(kills, "dead_lettered")["workload.service.w.poison"]
    assert its.what == "one message in 500 kills its process"


def test_a_slow_redrive_could_be_faster_and_one_at_the_most_could_not():
    queues = {
        "g": {
            "workers": 1,
            "does": ["w"],
            "RedrivePolicy": {"maxReceiveCount": 1, "deadLetterTargetArn": "dead"},
        },
        "dead": {"workers": 0},
    }
    redrive = {"at": 100, "fault": "redrive", "target": "s.dead", "MaxNumberOfMessagesPerSecond": 5}
    scenario = incident({"product": "sqs", "queues": queues}, faults=[redrive])
    one = found(scenario, "late")["redrive's MaxNumberOfMessagesPerSecond"]
    assert (one.path, one.value) == ("faults.0.MaxNumberOfMessagesPerSecond", "5")
    assert changed(scenario, one.changes).faults[0].per_s == 500
    fast = scenario.with_({"faults.0.MaxNumberOfMessagesPerSecond": 500})
    assert "redrive's MaxNumberOfMessagesPerSecond" not in found(fast, "late")


def test_why_a_limit_is_not_taken_away_is_said_where_nobody_could():
    acted = [
        {"key": key, "path": path, "what": "acted"}
        for key, path in (
            ("dead_row", "systems.s.latency.dead_row"),
            ("MaxNumberOfMessagesPerSecond", "faults.0.MaxNumberOfMessagesPerSecond"),
        )
    ]
    assert unexplored([], acted) == {
        "dead_row": "acted; it is what PostgreSQL takes, and no setting: such rows go when no "
        "snapshot is held",
        "MaxNumberOfMessagesPerSecond": "acted; SQS moves no more than that in a second",
    }


def test_a_fault_of_another_group_is_none():
    scenario = incident(queue(2), faults=[{"at": 1, "fault": "crash", "target": "s.g.0"}])
    assert strikes(scenario, scenario.faults[0], "s", "g")
    assert not strikes(scenario, scenario.faults[0], "s", "other")


def test_workers_are_doubled_and_so_are_partitions_that_would_be_too_few():
    one = found(incident(group(4, partitions=6)), "late")["consumers x2"]
    assert {change.path: change.value for change in one.changes} == {
        "systems.s.groups.g.consumers": 8,
        "systems.s.topic.partitions": 8,
    }
    assert one.cost == "4 more consumers, and 8 partitions"


def test_with_other_partitions_a_fault_that_adds_some_adds_as_many():
    faults = [{"at": 60, "fault": "partitions", "target": "s.topic", "to": 8}]
    scenario = incident(group(4, partitions=6), faults=faults)
    by_name = found(scenario, "late")
    for name, partitions in (("partitions", 12), ("consumers x2", 8)):
        made = changed(scenario, by_name[name].changes)
        assert (made.systems["s"].partitions, made.faults[0].to) == (partitions, partitions + 2)


def test_workers_are_no_cause_of_duplicates_in_order():
    by_name = found(incident(group(4)), "out_of_order")
    assert "consumers x2" not in by_name and "partitions" not in by_name


def test_the_slow_share_and_the_tail_are_causes_of_their_own():
    scenario = incident(queue(1), work={"exponential": 2}, slow={"share": 0.01, "time": 60})
    by_name = found(scenario, "late")
    service = changed(scenario, by_name["workload.service.w.slow"].changes).workload.service["w"]
    assert service.slow is None and service.per_message.exponential == 2.0
    flat = changed(scenario, by_name["workload.service.w.per_message"].changes)
    assert flat.workload.service["w"].per_message.constant == 2.0


@pytest.mark.parametrize(
    "profile",
    [
        [{"for": 100, "rate": 10}, {"for": 200, "rate": 40}],
        [{"for": 300, "from": 0, "to": 60}],
        [{"for": 300, "spike": {"base": 5, "peak": 90, "rise": 10, "decay": 60, "at": 100}}],
    ],
)
def test_a_peak_is_spread_evenly_and_no_message_is_more_or_less(profile):
    data = incident(queue(1)).model_dump(mode="json", by_alias=True)
    data["workload"]["arrivals"]["profile"] = profile
    scenario = type(incident(queue(1))).from_mapping(data)
    even = changed(scenario, found(scenario, "late")["peak of arrivals"].changes)
    before, after = len(generate(scenario)), len(generate(even))
    assert abs(before - after) < 5 * before**0.5


def test_arrivals_that_are_even_have_no_peak():
    assert "peak of arrivals" not in found(incident(queue(1)), "late")


def test_an_autoscaler_has_keys():
    scaler = {"queueLength": 5, "minReplicaCount": 1, "maxReplicaCount": 3}
    fault = {"at": 0, "fault": "autoscale", "target": "s.g", "scaler": scaler, "startup": 5}
    by_name = found(incident(queue(1), faults=[fault]), "late")
    assert by_name["autoscaler's maxReplicaCount"].to == "12"
    assert by_name["autoscaler's tolerance"].path == "faults.0.scaler.tolerance"


def test_values_are_written_as_in_a_scenario():
    assert [written(v) for v in (None, True, 30.0, 86_400_000.0, ["a", "b"], 5)] == [
        "", "true", "30", "86400000", "[a, b]", "5",
    ]  # fmt: skip


def test_a_back_off_is_what_brings_a_member_to_its_poll_interval():
    row = {
        "system": "s", "group": "g", "key": "max.poll.interval.ms", "value": "60000", "times": 1,
        "path": "groups.g.max.poll.interval.ms", "target": "", "what": "was exceeded",
        "first_s": 0.0, "last_s": 0.0,
    }  # fmt: skip
    scenario = incident(group(2, on_failure={"backoff": 55}))
    by_name = found(scenario, "late", limits=pd.DataFrame([row]))
    assert by_name["on_failure.backoff"].kind is CauseKind.LIMIT
    assert by_name["max.poll.interval.ms"].kind is CauseKind.LIMIT
    assert by_name["max.poll.records"].kind is CauseKind.SETTING
