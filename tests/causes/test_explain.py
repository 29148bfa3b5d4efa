import pytest

from helpers.incidents import group, incident, queue
from sim.causes.explain import _Baselines, explain
from sim.causes.trials import Laboratory
from sim.foundation.errors import LabError
from sim.scenario.load import Scenario
from sim.traffic.generate import poisonous_rows

ONCE = {"attempts": 1, "then": "skip"}


def test_where_nothing_is_wrong_nothing_is_explained():
    found = explain(incident(queue(2)))
    assert found.harmed == [] and found.first is None and found.runs == 0


def test_a_timeout_shorter_than_the_work():
    """Work of 3 s under a visibility timeout of 1 s: every message is handed out again."""
    found = explain(incident(queue(40, VisibilityTimeout=1), work=3.0, rate=4))
    assert found.harmed[0].harms[0].kind == "duplicates"
    assert (found.first.key, found.first.share) == ("VisibilityTimeout", 1.0)


def test_too_few_workers():
    """10 a second of 0.2 s keep two workers busy; there is one."""
    found = explain(incident(queue(1, MaxNumberOfMessages=10), work=0.2))
    assert (found.first.key, found.first.value) == ("workers", "1")
    assert "2 workers" in found.first.trial.hypotheses[0].remedy or found.first.share > 0.9


def test_one_message_a_call():
    """A receive and a delete of 100 ms each for every message of 1 ms: a worker does 5 a second."""
    slow_calls = {"send": 0, "receive": 0.1, "delete": 0.1}
    found = explain(incident(queue(1, latency=slow_calls), work=0.001))
    assert (found.first.key, found.first.value) == ("MaxNumberOfMessages", "1")
    assert found.first.share == 1.0


def test_a_fault_and_not_the_one_beside_it():
    faults = [
        {"at": 30, "fault": "pause", "target": "s.g.1", "for": 0.5},
        {"at": 60, "fault": "slow", "target": "s.g.*", "factor": 100, "for": 120},
    ]
    found = explain(incident(queue(2, VisibilityTimeout=600), faults=faults, work=0.05))
    assert found.first.key == "faults[1]"
    assert all(cause.key != "faults[0]" for cause in found.harmed[0].causes["late"])


def test_longer_work_than_between_two_polls():
    """A slow message of 20 s, and 10 s between two polls: its member leaves."""
    keys = {"max.poll.records": 1, "max.poll.interval.ms": 10_000, "enable.auto.commit": False}
    found = explain(incident(group(3, **keys), slow={"share": 0.001, "time": 20}, rate=5))
    assert found.harmed[0].harms[0].kind == "unfinished"
    assert found.first.key == "max.poll.interval.ms"


def test_one_group_of_one_system():
    with pytest.raises(LabError, match="unknown system 'x'"):
        explain(incident(queue(1)), system="x")
    with pytest.raises(LabError, match="unknown group 'x'"):
        explain(incident(queue(1)), group="x")
    found = explain(incident(queue(1)), system="s", group="g")
    assert [(one.system, one.group) for one in found.groups] == [("s", "g")]


def test_a_group_that_is_slower_than_its_sibling_has_a_cause():
    """Two systems keep up; one lets a batch wait for a second, and the other does not."""
    scenario = incident(group(2))
    data = scenario.model_dump(mode="json", by_alias=True, exclude_unset=True)
    data["systems"]["waits"] = {**group(2), "producer": {"linger.ms": 1_000}}
    beside = type(scenario).from_mapping(data)
    found = explain(beside, system="waits")
    (harmed,) = found.harmed
    assert (harmed.system, harmed.harms[0].kind) == ("waits", "slower")
    assert "where that of s is" in harmed.harms[0].said
    assert (found.first.key, found.first.share) == ("linger.ms", 1.0)
    assert [one.system for one in explain(beside).harmed] == ["waits"]
    allowed = beside.with_({"needs": {"max_delay": 2.0}})
    assert explain(allowed).harmed == [], "they say what may be"


BOOKS = {
    "arrivals": {"profile": [{"for": 120, "rate": 20}]},
    "keys": {
        "account": {
            "lifecycle": {
                "states": ["open", "paid"],
                "gap": {"constant": 1.0},
                "amount": {"median": 40, "p99": 900},
            }
        }
    },
    "service": {"w": {"per_message": 0.01}},
}


def test_books_that_are_wrong_are_a_harm_with_its_causes():
    """A consumer is killed, and what it booked since its last commit is booked again."""
    crash = {"at": 60, "fault": "crash", "target": "s.g.*", "restart_after": 2}
    system = group(2, ledger="naive")
    system["partition_key"] = ["account"]
    needs = {"double_effects": "allowed"}
    scenario = incident(system, minutes=2, workload=BOOKS, faults=[crash], needs=needs)
    found = explain(scenario)
    (harmed,) = found.harmed
    assert [harm.kind for harm in harmed.harms] == ["misstated"]
    names = [cause.trial.name for cause in harmed.causes["misstated"]]
    assert {"ledger", "faults[0]", "auto.commit.interval.ms"} <= set(names)
    whole = {cause.trial.name: cause.share for cause in harmed.causes["misstated"]}
    assert whole["ledger"] == whole["faults[0]"] == 1.0
    assert explain(scenario.with_({"systems.s.groups.g.ledger": "idempotent"})).harmed == []


def test_the_stage_for_which_another_waits_is_named_and_not_where_its_messages_would_go():
    """Four a second of 100 ms behind one consumer of 500 ms, whose queue takes no more than five.

    More room in that queue would only keep there what waits in front of the first stage.
    """
    arguments = {"x-max-length": 5, "x-overflow": "reject-publish"}
    queue = {"consumers": 1, "prefetch_count": 1}
    scenario = Scenario.from_mapping(
        {
            "name": "stages",
            "duration": "20s",
            "workload": {
                "arrivals": {"rate": 4},
                "keys": {"k": {"count": 9}},
                "service": {"first": "100 ms", "second": "500 ms"},
            },
            "systems": {
                "a": {"product": "rabbitmq", "queues": {"q": {"does": ["first"], **queue}}},
                "b": {
                    "product": "rabbitmq",
                    "queues": {"q": {"does": ["second"], "arguments": arguments, **queue}},
                },
            },
            "pipeline": [{"from": "a.q", "to": "b", "waits_for": "acknowledgement"}],
        }
    )
    (found,) = explain(scenario, system="a").groups
    assert found.first.trial.name.startswith("b: consumers")
    assert "in b.q" in found.first.trial.hypotheses[0].remedy
    assert found.untried["b: x-max-length"] == "what waits here waits in b then"
    assert all(
        one.name.startswith("b: ") for cause in found.causes["late"] for one in [cause.trial]
    )
    assert all(cause.trial.name.startswith("b: ") for cause in found.causes["late"])


def test_a_stage_behind_another_has_its_own_messages_of_which_some_always_fail():
    """Three in five get through the first stage; of these, one group wants one kind."""
    choosy = {"consumers": 1, "only": {"k": ["buy"]}, "on_failure": ONCE}
    scenario = Scenario.from_mapping(
        {
            "name": "stages", "duration": 60,
            "workload": {
                "arrivals": {"profile": [{"for": 60, "rate": 20}]},
                "keys": {"k": {"weights": {"buy": 1, "view": 4}}},
                "service": {job: {"per_message": 0.01, "poison": 0.4} for job in "wxy"},
            },
            "systems": {
                "a": {"product": "bullmq", "queues": {"q": {"workers": 9, "does": ["w"]}}},
                "b": {
                    "product": "kafka", "partition_key": ["k"], "topic": {"partitions": 2},
                    "groups": {
                        "all": {"consumers": 1, "does": ["x"], "on_failure": ONCE},
                        "some": {"does": ["y"], **choosy},
                    },
                },
            },
            "pipeline": [{"from": "a.q", "to": "b"}],
        }
    )  # fmt: skip
    seen = _Baselines(Laboratory(scenario))
    lost = {
        of: its.now.not_processed for name in ("a", "b") for of, its in seen.groups(name).items()
    }
    n = len(seen.laboratory.messages)
    assert lost["q"] == seen.hopeless("a", "q") == poisonous_rows(scenario, n, "w").size
    through = n - int(lost["q"])
    assert lost["all"] == seen.hopeless("b", "all") == poisonous_rows(scenario, through, "x").size
    assert 0 < seen.hopeless("b", "some") == lost["some"] < lost["all"]
