"""Edges of a pipeline: which stage is behind which, and what is refused."""

import pytest

from sim.foundation.errors import LabError
from sim.scenario.load import Scenario
from sim.scenario.pipeline import Edge, awaited, edge_from, edge_to, sends_on, stages_before

CHAIN = [Edge(**{"from": "a.g", "to": "b"}), Edge(**{"from": "b.g", "to": "c"})]


def scenario(pipeline, **more):
    systems = {
        name: {"product": "sqs", "queues": {"q": {"workers": 1, "does": [name]}}} for name in "ab"
    }
    workload = {
        "arrivals": {"rate": 1}, "keys": {"k": {"count": 3}}, "service": {"a": "1 ms", "b": "1 ms"},
    }  # fmt: skip
    data = {"name": "x", "duration": "10s", "workload": workload, "systems": systems}
    return Scenario.from_mapping({**data, "pipeline": pipeline, **more})


def test_stages_are_in_the_order_of_the_pipeline():
    assert stages_before(CHAIN, "c") == [("a", "g"), ("b", "g")]
    assert stages_before(CHAIN, "a") == [] and edge_to(CHAIN, "a") is None
    assert edge_to(CHAIN, "b").source == ("a", "g")
    assert sends_on(CHAIN, "a", "g") and not sends_on(CHAIN, "a", "other")


def test_a_stage_need_not_do_the_jobs_of_another():
    assert scenario([{"from": "a.q", "to": "b"}]).pipeline[0].to == "b"
    with pytest.raises(LabError, match="nothing here does the job 'b'"):
        scenario([])


@pytest.mark.parametrize(
    ("edges", "more", "said"),
    [
        ([("a.g", "b")], {}, "'a.g' is not there"),
        ([("a.q", "c")], {}, "'c' is not there"),
        ([("a.q", "a")], {}, "'a' would get what comes of its own messages"),
        ([("a.q", "b"), ("b.q", "a")], {}, "would get what comes of its own messages"),
        ([("a.q", "b"), ("b.q", "b")], {}, "'b' gets messages from two groups"),
        ([("a.q", "b")], {"start": {"backlog": 9, "age": "1m"}}, "does not go with a 'pipeline'"),
    ],
)
def test_what_leads_nowhere_or_in_a_circle_is_refused(edges, more, said):
    with pytest.raises(LabError, match=said):
        scenario([{"from": source, "to": to} for source, to in edges], **more)


def test_who_waits_for_the_next_stage():
    waits = Edge(**{"from": "a.g", "to": "b", "waits_for": "acknowledgement"})
    assert edge_from([*CHAIN[1:], waits], "a", "g") == waits and awaited([waits], "b")
    assert edge_from(CHAIN, "a", "g") is None and not awaited(CHAIN, "b")


def test_only_a_producer_with_a_buffer_has_one_that_can_be_full():
    with pytest.raises(LabError, match="'b' has no producer whose buffer can be full"):
        scenario([{"from": "a.q", "to": "b", "waits_for": "buffer"}])


def test_the_lab_does_not_know_how_share_groups_and_retry_topics_wait():
    edge = {"from": "k.g", "to": "b", "waits_for": "acknowledgement"}
    group = {"consumers": 1, "does": ["a"]}
    for groups, said in (
        ({"share_groups": {"g": group}}, "is a share group"),
        ({"groups": {"g": {**group, "retry_topics": {}}}}, "has retry topics"),
    ):
        systems = {
            "k": {"product": "kafka", "topic": {"partitions": 1}, **groups},
            "b": {"product": "sqs", "queues": {"q": {"workers": 1, "does": ["b"]}}},
        }
        with pytest.raises(LabError, match=said):
            scenario([edge], systems=systems)
