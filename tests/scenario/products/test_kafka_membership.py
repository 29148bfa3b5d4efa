"""Assignors as a list or a text, by name or by class, and the one in force."""

import pytest
from pydantic import TypeAdapter, ValidationError

from sim.scenario.products.kafka_membership import Commit, Strategies, in_force

STRATEGIES = TypeAdapter(Strategies)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("range", ["range"]),
        ("range, cooperative-sticky", ["range", "cooperative-sticky"]),
        (["org.apache.kafka.clients.consumer.CooperativeStickyAssignor"], ["cooperative-sticky"]),
        ("org.apache.kafka.clients.consumer.RoundRobinAssignor", ["roundrobin"]),
    ],
)
def test_assignors_are_names_or_classes_in_a_list_or_with_commas(given, read):
    assert STRATEGIES.validate_python(given) == read


@pytest.mark.parametrize("given", ["rangy", [], 3])
def test_anything_else_is_no_assignor(given):
    with pytest.raises(ValidationError):
        STRATEGIES.validate_python(given)


def test_KC_06_a_group_is_cooperative_if_all_of_its_assignors_are():
    assert in_force("java", None) == ("range", False)
    assert in_force("java", ["cooperative-sticky"]) == ("cooperative-sticky", True)
    assert in_force("java", ["cooperative-sticky", "range"]) == ("cooperative-sticky", False)


def test_a_program_commits_after_each_batch_and_waits_by_default():
    assert Commit().model_dump() == {"when": "after", "how": "sync", "per": "batch"}
