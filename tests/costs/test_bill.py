"""Bills of small runs by hand, and those that AWS publishes."""

import pandas as pd
import pytest

from sim.costs.bill import bill, bill_table, total, usd_per_month
from sim.costs.prices import Prices, prices
from sim.costs.use import GroupUse, Use
from sim.lab import run
from sim.scenario.load import Scenario

PLAIN = {
    "name": "small",
    "duration": "100 s",
    "workload": {
        "arrivals": {"profile": [{"for": "100 s", "rate": "30/s"}]},
        "keys": {"order": {"count": 50}},
        "service": {"job": {"per_message": "10 ms"}},
        "size": "1 kB",
    },
}
SYSTEMS = {
    "sqs": {"product": "sqs", "queues": {"q": {"workers": 8, "does": ["job"]}}},
    "kafka": {
        "product": "kafka",
        "topic": {"partitions": 6},
        "groups": {"g": {"consumers": 2, "does": ["job"]}},
    },
    "redis": {
        "product": "celery",
        "broker": "redis",
        "queues": {"c": {"workers": 2, "does": ["job"]}},
    },
}


def priced(**changed):
    """The shipped prices, with some of them as on another day."""
    data = prices().model_dump(mode="json")
    for name, price in changed.items():
        data["prices"][name]["price"] = price
    return Prices.model_validate(data)


@pytest.fixture(scope="module")
def ran():
    scenario = Scenario.from_mapping({**PLAIN, "systems": SYSTEMS})
    return scenario, run(scenario).tables


def of(table, system):
    its = table[table["system"] == system]
    return dict(zip(its["what"], its["usd_per_month"], strict=True))


def test_the_bills_of_a_run_are_those_that_a_hand_comes_to(ran):
    scenario, tables = ran
    table = bill_table(scenario, tables)
    hours = tables.duration_s / 3600
    n = int(tables.summary["produced"].max())
    calls = tables.requests[tables.requests["system"] == "sqs"]["calls"].sum()
    assert of(table, "sqs") == pytest.approx(
        {
            "sqs_standard_request": calls / hours * 730 * 0.40e-6,
            "worker": 8 * 730 * 0.0123425,
        }
    )
    gb = n * 1_000 / 1e9 / hours
    assert of(table, "kafka") == pytest.approx(
        {
            "kafka_broker": 3 * 730 * 0.204,
            "kafka_storage": gb * 168 * 0.10,  # seven days, one copy
            "cross_zone_traffic": gb * 2 * 2 / 3 * 730 * 0.02,
            "worker": 2 * 730 * 0.0123425,
        }
    )
    assert of(table, "redis") == pytest.approx(
        {
            "redis_node": 2 * 730 * 0.032,
            "cross_zone_traffic": gb * 2 * 2 / 3 * 730 * 0.02,
            "worker": 2 * 730 * 0.0123425,
        }
    )
    assert usd_per_month(scenario, tables) == pytest.approx(
        {name: sum(of(table, name).values()) for name in SYSTEMS}
    )


def test_every_line_says_where_its_price_is_from(ran):
    table = bill_table(*ran)
    assert table["source"].str.len().min() > 0 and table["read"].str.match(r"2026-\d\d-\d\d").all()
    assert (table["quantity"] * table["price"] * 730).to_list() == pytest.approx(
        table["usd_per_month"].to_list()
    )


def test_awss_example_of_lambda_comes_out_but_for_the_free_tier():
    """https://aws.amazon.com/lambda/pricing/, example 1: 512 MB, three million invocations of one
    second a month are 1,500,000 GB-s; less a free tier of 400,000 GB-s and a million requests,
    18.34 and 0.40 USD. Its GB-second is 0.00001667."""
    month = Use(730.0, 3_000_000, 300.0, 1, (GroupUse("q", 0, {}, 0, 0, 3_000_000, 3_000_000.0),))
    queue = {"does": ["job"], "lambda": {"MemorySize": 512}}
    systems = {"l": {"product": "sqs", "queues": {"q": queue}}}
    its = Scenario.from_mapping({**PLAIN, "systems": systems}).systems["l"]
    lines = {line.what: line for line in bill(its, month, priced(lambda_gb_second=0.00001667))}
    requests, compute = lines["lambda_request"], lines["lambda_gb_second"]
    assert compute.quantity * 730 == pytest.approx(1_500_000)
    assert requests.quantity * 730 == pytest.approx(3_000_000)
    assert round(1_100_000 * compute.price, 2) == 18.34
    assert round(2_000_000 * requests.price, 2) == 0.40
    assert total([requests, compute]) * 730 == pytest.approx(
        18.34 + 0.40 + 400_000 * 0.00001667 + 0.20, abs=0.005
    )


def test_a_bill_is_the_same_whoever_stands_beside():
    queue = {"workers": 4, "does": ["job"]}
    alone = {"s": {"product": "sqs", "queues": {"q": queue}}}
    late = {"product": "sqs", "queues": {"q": {**queue, "workers": 1}}}
    own = Scenario.from_mapping({**PLAIN, "systems": alone})
    beside = Scenario.from_mapping({**PLAIN, "systems": {**alone, "late": late}})
    bill = bill_table(own, run(own).tables)
    both = bill_table(beside, run(beside).tables)
    pd.testing.assert_frame_equal(both[both["system"] == "s"].reset_index(drop=True), bill)


def test_the_lambda_of_a_run_is_billed_by_what_it_did():
    queue = {"does": ["job"], "lambda": {"MemorySize": 256}}
    stream = {"does": ["job"], "lambda": {"MemorySize": 256}}
    systems = {
        "l": {"product": "sqs", "queues": {"q": queue}},
        "k": {"product": "kinesis", "stream": {"ShardCount": 2}, "applications": {"a": stream}},
    }
    scenario = Scenario.from_mapping({**PLAIN, "systems": systems})
    tables = run(scenario).tables
    table = bill_table(scenario, tables)
    n, hours = int(tables.summary["produced"].max()), tables.duration_s / 3600
    for name in systems:
        quantity = table[table["system"] == name].set_index("what")["quantity"]
        # Nothing fails: each message is worked on once, for 10 ms.
        assert quantity["lambda_gb_second"] * hours == pytest.approx(n * 0.010 * 0.25, rel=1e-3)
        assert n / 100 <= quantity["lambda_request"] * hours <= n
        assert "worker" not in quantity
    requests = tables.requests.set_index("request")["calls"]
    lines = table[table["system"] == "l"].set_index("what")["quantity"]
    assert lines["lambda_request"] * hours == pytest.approx(requests["invoke"])
    # SQS bills its own calls, and no invocations.
    assert lines["sqs_standard_request"] * hours == pytest.approx(requests.drop("invoke").sum())
