"""What a sweep is said to have found."""

import numpy as np
import pytest

from helpers.sweeps import CONSUMERS, WORK, made
from sim.studies.sweep_words import called, findings, table, title

P99 = "latency_p99_s"


def said(found, number=P99):
    return list(findings(found, number))


def test_a_number_falls_or_rises_and_in_how_many_runs():
    found = made([[4.0, 6.0], [0.1, 0.3]], f"{CONSUMERS}=1,2", replications=2)
    assert said(found) == [
        "p99 of kafka.g falls from 5 s at consumers 1 to 200 ms at 2, in 2 of 2 runs"
    ]
    assert title(found, P99) == f"{said(found)[0]}."
    found = made([[1.0, 1.0], [0.9, 3.0]], f"{CONSUMERS}=1,2", replications=2)
    assert said(found) == [
        "p99 of kafka.g rises from 1 s at consumers 1 to 1.9 s at 2, in 1 of 2 runs"
    ]


def test_what_lies_between_the_ends_is_said_where_it_is_least_or_most():
    assert said(made([3.0, 0.5, 2.0], f"{CONSUMERS}=1,2,3")) == [
        "p99 of kafka.g falls from 3 s at consumers 1 to 2 s at 3; it is least at 2: 500 ms"
    ]
    assert said(made([2.0, 9.0, 2.0], f"{CONSUMERS}=1,2,3")) == [
        "p99 of kafka.g is 2 s at consumers 1 and 2 s at 3; it is most at 2: 9 s"
    ]


def test_names_have_no_direction():
    found = made([3.0, 0.5], f"{WORK}={{exponential: 1 ms}},{{gamma: {{mean: 1ms, cv: 2}}}}")
    assert said(found) == [
        "p99 of kafka.g is least with per_message {gamma: {mean: 1ms, cv: 2}}, 500 ms, and most "
        "with {exponential: 1 ms}, 3 s"
    ]


def test_a_number_that_no_setting_changes():
    found = made([3.0, 3.0], f"{CONSUMERS}=1,2")
    assert said(found) == ["No setting changes p99 of kafka.g"]
    assert list(table(found, P99)) == ["p99: no setting changes it, in any group"]


def test_of_several_keys_the_one_that_matters_most_and_the_extremes():
    numbers = [c + w for c in (0.0, 0.5) for w in (1.0, 9.0, 3.0)]
    found = made(numbers, f"{CONSUMERS}=1,2", f"{WORK}=1ms,2ms,3ms")
    assert said(found) == [
        "p99 of kafka.g depends most on per_message (86 % of its variance): a median of 1.2 s at "
        "1 ms, 9.2 s at 2 ms",
        "p99 of kafka.g is least, 1 s with consumers 1, per_message 1 ms; and most, 9.5 s with "
        "consumers 2, per_message 2 ms",
    ]


def test_where_no_key_alone_matters_none_is_named():
    found = made([1.0, 2.0, 2.0, 1.0] * 2, f"{CONSUMERS}=1,2,3,4", f"{WORK}=1ms,2ms")
    assert said(found)[0] == "No key alone has much to do with p99 of kafka.g"


def test_tables_fit_a_terminal():
    one = made([[1.0, 2.0], [np.inf, 1.0]], f"{CONSUMERS}=1,2", replications=2)
    assert list(table(one, P99)) == [
        "p99 of kafka.g, mean of 2 runs",
        "  consumers 1                               1.5 s  0 s to 7.9 s",
        "  consumers 2                               never",
        "",
    ]
    numbers = np.arange(14.0) + 0.5
    two = made(numbers, f"{CONSUMERS}=1..7:7", f"{WORK}=1ms,2ms")
    assert list(table(two, P99))[:4] == [
        "p99 of kafka.g",
        "  consumers         per_message",
        "                          1 ms        2 ms",
        "  1                     500 ms       1.5 s",
    ]
    three = made(np.arange(12.0), f"{CONSUMERS}=1,2", f"{WORK}=1ms,2ms,3ms",
                 "systems.kafka.topic.partitions=2,4")  # fmt: skip
    assert list(table(three, P99))[:3] == [
        "p99 of kafka.g",
        "  consumers: 73 % of the variance",
        "    median 2.5 s at 1, 8.5 s at 2",
    ]
    for found in (one, two, three):
        assert max(map(len, table(found, P99))) <= 80


def test_a_wide_grid_shows_some_columns_with_both_ends():
    found = made(np.arange(49.0), f"{CONSUMERS}=1..7:7", f"{WORK}=1ms..7ms:7")
    lines = list(table(found, P99))
    assert lines[1] == "  consumers         per_message (5 of 7 values)"
    assert lines[2].split()[::2] == ["1", "3", "4", "5", "7"]


@pytest.mark.parametrize(("number", "words"), [(P99, "p99"), ("processed", "processed")])
def test_numbers_have_names(number, words):
    assert called(number) == words
