"""Errors that a person can act on: each names what is wrong, where, and the way out."""

import pytest

from sim.foundation.errors import (
    LabError,
    Problem,
    ScenarioError,
    nearest,
    unknown,
    unknown_key,
)


@pytest.mark.parametrize(
    ("word", "candidates", "expected"),
    [
        ("consumer", ["consumers", "does", "topic"], "consumers"),
        ("max_poll_records", ["max.poll.records", "max.poll.interval.ms"], "max.poll.records"),
        ("visibilitytimeout", ["VisibilityTimeout", "DelaySeconds"], "VisibilityTimeout"),
        ("pulsar", ["kafka", "sqs"], None),
        ("x", [], None),
    ],
)
def test_nearest(word, candidates, expected):
    assert nearest(word, candidates) == expected


def test_a_problem_is_told_by_file_line_and_key_as_far_as_they_are_known():
    whole = Problem("a.yaml", 3, "systems.kafka", "is missing")
    assert str(whole) == "a.yaml:3: systems.kafka: is missing"
    assert str(whole._replace(line=None)) == "a.yaml: systems.kafka: is missing"
    assert str(whole._replace(path="")) == "a.yaml:3: is missing"


def test_an_error_of_a_scenario_has_a_line_for_each_problem():
    first, second = Problem("a", 1, "x", "one"), Problem("b", None, "y", "two")
    error = ScenarioError([first, second])
    assert error.problems == (first, second) and isinstance(error, LabError)
    assert str(error) == "a:1: x: one\nb: y: two"


def test_an_unknown_word_is_answered_with_the_nearest_or_with_all():
    assert unknown("job", "cuonters", ["counters", "billing"]) == (
        "unknown job 'cuonters'; did you mean 'counters'?"
    )
    assert (
        unknown("job", "x", ["counters", "billing"]) == "unknown job 'x'; known: counters, billing"
    )
    assert unknown("job", "x", []) == "unknown job 'x'; known: none"
    more = unknown_key("acks.all", ["linger.ms"], more=["acks"])
    assert more == "unknown key; did you mean 'acks'?"
    assert unknown_key("zzz", ["linger.ms"], more=["acks"]) == "unknown key; known: linger.ms"


def test_of_thousands_of_problems_a_hundred_are_told():
    said = str(ScenarioError([Problem("a.yaml", i, "x", "wrong") for i in range(1, 1_002)]))
    assert said.splitlines()[99:] == ["a.yaml:100: x: wrong", "and 901 more"]


def test_a_word_of_a_million_letters_is_cut():
    assert unknown("job", "x" * 10**6, ["a"]) == f"unknown job '{'x' * 200}…'; known: a"
