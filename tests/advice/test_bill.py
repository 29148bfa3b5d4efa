"""What an hour costs."""

import pytest

from helpers.advice import billed
from sim.advice.bill import total
from sim.advice.data import Stored


def test_requests_cost_what_was_counted_by_the_hour():
    requests = {"send": 400_000, "receive": 300_000, "empty receive": 900_000, "delete": 400_000}
    lines = billed({"call": "requests"}, requests=requests, hours=2.0)
    assert lines["call"].usd_per_hour == pytest.approx(2_000_000 / 2 * 0.5 / 1e6)
    assert lines["worker"].usd_per_hour == pytest.approx(3 * 0.01)
    assert lines["worker"].assumption
    assert total(list(lines.values())) == pytest.approx(0.5 + 0.03)


def test_large_messages_are_several_requests():
    requests = {"send": 3_600_000, "delete": 100}
    (line, _) = billed({"call": "requests"}, 2 * 65_536, requests=requests).values()
    assert line.quantity == 2 * 3_600_000 + 100
    (line, _) = billed({"put": "messages"}, 25_001.0).values()
    assert line.usd_per_hour == pytest.approx(2 * 3_600_000 * 0.02 / 1e6)


def test_nodes_and_partitions_cost_by_the_hour():
    lines = billed({"node": 3}, hours=2.0)
    assert lines["node"].usd_per_hour == pytest.approx(0.6)
    assert billed({"node": "partitions"}, partitions=7)["node"].usd_per_hour == pytest.approx(1.4)


def test_storage_costs_what_is_there_at_any_time():
    # 3.6 GB an hour, kept for two days in three copies: 518.4 GB at 0.1 USD a month of 730 h.
    line = billed({"disk": Stored(copies=3, keep="2 d")})["disk"]
    assert line.usd_per_hour == pytest.approx(518.4 * 0.1 / 730)
