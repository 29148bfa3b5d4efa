"""The whole way with clients that need no broker: counts, bounds, and what is written."""

import json

import pandas as pd
import pytest

from helpers.real_plans import NoBroker, short
from sim.foundation.errors import LabError
from sim.validate import validate as module
from sim.validate.page import write
from sim.validate.real import BrokerKind, Calibration
from sim.validate.replay import replay
from sim.validate.validate import simulated, validate


class Pretended:
    """A system whose clients share the messages by number."""

    def __init__(self):
        self.versions = {"nothing": "1"}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def unmapped(self, plan):
        yield "there is no broker"

    def calibrate(self, plan, folder):
        return Calibration({"systems.kafka.latency.fetch": 0.002}, ["fetch takes 2 ms"])

    def run(self, plan, folder):
        return replay(plan, NoBroker(), folder)


@pytest.fixture
def found(monkeypatch, tmp_path):
    kind = BrokerKind("kafka", lambda system: system.product == "kafka", lambda _: Pretended())
    monkeypatch.setattr(module, "broker", lambda name: kind)
    monkeypatch.setattr(module, "LOCK", tmp_path / "lock")
    told = []
    result = validate(short(), "kafka", repeats=2, folder=tmp_path / "runs", say=told.append)
    return result, told


def test_counts_agree_and_all_is_written(found, tmp_path):
    result, told = found
    rows = result.table.set_index("figure")
    n = len(simulated(short(), "kafka", module.cut(short(), ["kafka"]).messages)["g"].done_s)
    assert rows.loc["processed", ["real_least", "lab_most", "default"]].tolist() == [n] * 3
    assert rows.loc["twice", "real_most"] == 0
    assert rows.loc["processed", "inside"]
    # Nobody waits: what a message takes is its work, and the time to wake up.
    assert rows.loc["p50_s", "real_least"] >= 0.005
    assert "kafka: there is no broker" in told
    paths = write(result, tmp_path / "out")
    assert all(path.stat().st_size for path in paths)
    kept = json.loads(paths[0].read_text())
    assert kept["rows"][0]["figure"] == "processed"
    assert kept["versions"] == {"nothing": "1"}
    curves = pd.read_parquet(paths[2])
    assert set(curves["line"]) == {"default", "real 1", "real 2", "calibrated 1", "calibrated 2"}
    page = paths[4].read_text()
    assert f"| kafka: g | processed | {n} | {n} | {n} | inside |" in page


def test_a_scenario_without_such_a_system_is_an_error(monkeypatch):
    kind = BrokerKind("sqs", lambda system: False, lambda _: Pretended())
    monkeypatch.setattr(module, "broker", lambda name: kind)
    with pytest.raises(LabError, match="no system of short can be held against sqs"):
        validate(short(), "sqs")
