"""What systems pay against what they get, in words."""

import re

import pytest

from helpers.tables import (
    Group,
    build,
    football,
)
from sim.measure.tables import Tables
from sim.words import tradeoff


def two(first: Group, second: Group) -> str:
    tables = build({"one": {"g": first}, "two": {"g": second}})
    return tradeoff.about(tradeoff.points([("a", tables)]), "latency_p99_s")


def test_the_title_says_who_is_best_or_what_it_costs() -> None:
    fast, slow = {"base_latency_s": 0.03}, {"base_latency_s": 3.0}
    both = two(Group(**fast), Group(lost=5, **slow))
    assert both.startswith("one does best in both: no message lost, 99 % within ")
    assert two(Group(lost=5, **slow), Group(**fast)).startswith("two does best in both")
    dear = two(Group(**slow), Group(lost=5, **fast))
    assert re.fullmatch(
        r"one: no message lost, 99 % within \d+ s; two: 5 lost, 99 % within \d+ ms", dear
    )
    mixed = two(Group(violations=3, **fast), Group(lost=5, **fast))
    assert mixed.endswith("none is spared every harm")
    clean = two(Group(**fast), Group(lost=5, violations=3, **fast))
    assert clean.endswith("no harm of any kind in one")


def test_throughput_counts_until_the_last_message() -> None:
    tables: Tables = football()
    found = tradeoff.points([("a", tables)]).set_index("name")
    row = tables.summary.set_index("system").loc["sqs_single"]
    whole_s = tables.duration_s + row["drain_s"]
    assert found.loc["sqs_single", "throughput"] == pytest.approx(row["processed"] / whole_s)
