"""Random valid scenarios of every product, fault and key hold what must be true of their tables.

`python tests/helpers/any_scenario.py 300` tries more of them.
"""

import numpy as np
import pandas as pd
import pytest

from helpers import table_rules
from helpers.any_scenario import PRODUCTS, any_scenario, check
from sim.lab import run
from sim.scenario.faults.catalogue import FAULTS
from sim.scenario.load import Scenario

SEEDS = range(30)
AT = ("queues", "applications")


@pytest.mark.parametrize("seed", SEEDS)
def test_the_tables_of_a_random_scenario_hold_every_rule(seed):
    check(seed)


def test_random_scenarios_have_every_product_and_every_fault():
    drawn = [any_scenario(seed) for seed in range(800)]
    products = {s["product"] for data in drawn for s in data["systems"].values()}
    assert products == set(PRODUCTS)
    assert {fault["fault"] for data in drawn for fault in data["faults"]} == set(FAULTS)


def test_random_scenarios_have_functions_and_dead_letters_into_real_queues():
    systems = [s for seed in range(100) for s in any_scenario(seed)["systems"].values()]
    readers = [
        (s["product"], r) for s in systems for at in AT for r in s.get(at, {}).values()
    ]  # fmt: skip
    assert {product for product, r in readers if "lambda" in r} == {"sqs", "kinesis"}
    into = {r.get("arguments", {}).get("x-dead-letter-routing-key") for _, r in readers}
    assert {"later", "g0"} <= into


@pytest.fixture(scope="module")
def tables():
    return run(Scenario.from_mapping(any_scenario(1))).tables


def test_tables_as_they_are_hold_the_rules(tables):
    table_rules.check(tables, set(tables.summary["system"]))


COUNTS = [
    "produced", "processed", "lost", "dead_lettered", "unfinished", "deliveries",
    "extra_deliveries", "double_effects", "violations", "keys_violated", "max_lag",
]  # fmt: skip


@pytest.mark.parametrize("column", [*COUNTS, "max_lag_at_s", "max_time_lag_s", "drain_s"])
def test_a_number_of_the_summary_that_is_wrong_is_found(tables, column):
    wrong = tables.summary.copy()
    wrong[column] += -1_000_000 if column == "deliveries" else 1_000_000
    assert_found(tables, summary=wrong)


@pytest.mark.parametrize(
    "column", ["arrived", "processed", "violations", "time_lag_s", "lag", "t_s"]
)
def test_a_column_over_time_that_goes_back_is_found(tables, column):
    wrong = tables.series.copy()
    wrong.loc[wrong.index[len(wrong) // 2 + 1], column] = -1
    assert_found(tables, series=wrong)


@pytest.mark.parametrize(
    ("column", "value"), [("done_s", np.inf), ("effects", 0), ("fate", "lost")]
)
def test_a_message_of_which_one_column_says_something_else_is_found(tables, column, value):
    wrong = tables.messages.copy()
    row = wrong.index[wrong["fate"] == "processed"][0]
    wrong.loc[row, column] = value
    assert_found(tables, messages=wrong)


def test_a_quantile_that_is_off_by_a_hundredth_is_found(tables):
    assert_found(
        tables, latency=tables.latency.assign(latency_s=tables.latency["latency_s"] * 1.01)
    )


def test_offsets_beyond_the_end_of_the_log_are_found(tables):
    parts = tables.partitions
    assert len(parts), "the scenario has a log"
    assert_found(tables, partitions=parts.assign(committed=parts["log_end"] + 1))


def test_a_run_that_gives_other_bytes_the_second_time_is_found(monkeypatch):
    seeds = iter((1, 2))
    scenario = Scenario.from_mapping(any_scenario(2))
    monkeypatch.setattr(table_rules, "run", lambda s: run(s.with_(seed=next(seeds))))
    with pytest.raises(AssertionError, match="the same seed gives other bytes"):
        table_rules.hold(scenario)


def assert_found(tables, **changed: pd.DataFrame):
    from dataclasses import replace

    with pytest.raises(AssertionError):
        table_rules.check(replace(tables, **changed), set(tables.summary["system"]))
