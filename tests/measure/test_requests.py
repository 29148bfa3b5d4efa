"""Calls that a service bills."""

from helpers.random_outcome import WHO
from sim.measure.requests import requests_table


def test_a_row_per_kind_of_call():
    table = requests_table(WHO, {"send": 3, "receive": 0})
    assert list(table.columns) == ["system", "group", "request", "calls"]
    assert table.to_numpy().tolist() == [["s", "g", "send", 3], ["s", "g", "receive", 0]]
