"""Where the lines of systems' costs cross."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from helpers.sweeps import CONSUMERS, WORK, made
from sim.studies.crossings import Crossing, crossings, said
from sim.studies.sweep_words import findings

COST = "usd_per_month"


def of(vary=f"{CONSUMERS}=1,10,100", **costs):
    """A sweep in which each system costs so much at each value."""
    frames = []
    for system, numbers in costs.items():
        rows = made(numbers, vary).runs.assign(system=system)
        frames.append(rows.rename(columns={"latency_p99_s": COST}))
    return replace(made(next(iter(costs.values())), vary), runs=pd.concat(frames))


def test_a_fixed_part_and_one_for_each_message_cross_where_they_are_equal():
    # 520 + 70 n and 80 n: 52.
    at = np.array([1.0, 10.0, 100.0])
    lines = {"queue": 80 * at, "log": 520 + 70 * at}
    (only,) = crossings(at, lines)
    assert only == Crossing("queue", "log", pytest.approx(52.0))
    assert crossings(at, {"a": at, "b": at + 1}) == []


def test_the_cheapest_and_every_crossing_are_said_before_the_rest():
    found = of(queue=[80, 800, 8000], log=[590, 1220, 7520], dear=[900, 1000, 1900])
    assert list(said(found, COST)) == [
        "The cheapest over consumers 1 to 100 is queue, from about 13 on dear",
        "Lines cross: log and dear at about 6.3, queue and dear at about 13 and queue and log at "
        "about 52",
    ]
    first, second, *rest = findings(found, COST)
    assert [first, second] == list(said(found, COST))
    assert rest[0].startswith("USD a month of ")


def test_lines_that_do_not_cross_are_said_not_to():
    assert list(said(of(a=[1, 2, 3], b=[2, 3, 4]), COST)) == [
        "The cheapest over consumers 1 to 100 is a",
        "No two lines cross",
    ]


def test_nothing_is_said_of_other_numbers_one_system_or_a_key_without_order():
    assert list(said(of(a=[1, 2, 3], b=[3, 2, 1]), "lost")) == []
    assert list(said(of(a=[1, 2, 3]), COST)) == []
    words = f"{WORK}={{exponential: 1 ms}},{{gamma: {{mean: 1ms, cv: 2}}}}"
    assert list(said(of(words, a=[1, 2], b=[2, 1]), COST)) == []


def test_lines_that_meet_at_a_value_that_was_tried_cross_there_or_part_there():
    at = np.array([1.0, 2.0, 4.0])
    touching = {"a": np.array([5.0, 10.0, 20.0]), "b": np.array([10.0, 10.0, 10.0])}
    assert crossings(at, touching) == [Crossing("a", "b", 2.0)]
    equal = {"a": np.array([1.0, 5.0, 9.0]), "b": np.array([5.0, 5.0, 5.0])}
    assert crossings(at, equal) == [Crossing("a", "b", 2.0)]
    assert crossings(at, {"a": np.array([3.0, 1.0, 3.0]), "b": np.array([1.0, 1.0, 1.0])}) == []
    assert list(said(of(a=[65, 119, 200], b=[65, 65, 65]), COST)) == [
        "The cheapest over consumers 1 to 100 is b",
        "No two lines cross",
    ]
