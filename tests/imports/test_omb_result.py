"""What the OpenMessaging Benchmark wrote of a run."""

import json

import pytest

from helpers.exports import EXPORTS, lines, written
from sim.foundation import quantiles
from sim.foundation.errors import LabError
from sim.imports import omb_result
from sim.imports.read import read

GOOD = EXPORTS / "omb_result.json"


def changed(folder, **keys):
    data = json.loads(GOOD.read_text())
    for key, value in keys.items():
        if value is None:
            del data[key]
        else:
            data[key] = value
    return written(folder, "r.json", data)


def test_rates_backlog_and_quantiles_are_those_of_the_file():
    found = omb_result.read(GOOD)
    assert (found.workload, found.driver) == ("1 topic, 4 partitions", "Kafka")
    assert found.rates == {
        "publishRate": [1000.4, 999.2, 1001.0],
        "consumeRate": [1002.0, 998.9, 1000.3],
    }
    assert found.backlog == [-12.0, 40.0, 3.0]
    assert found.latency["publish"] == [
        (pytest.approx(share), pytest.approx(ms / 1e3))
        for share, ms in (
            (1e-5, 0.9), (0.5, 2.0), (0.9, 3.0), (0.99, 4.0), (0.999, 16.0), (1.0, 64.0)
        )
    ]  # fmt: skip


def test_what_it_holds_is_said_in_words():
    assert list(omb_result.lines(omb_result.read(GOOD))) == [
        "published: 1,000 msg/s on average, 3 samples",
        "consumed: 1,000 msg/s on average, 3 samples",
        "backlog: 40 messages at most",
        "publish latency, ms: p50 2, p95 3.56, p99 4, p99.9 16, longest 64; 6 quantiles",
        "end-to-end latency, ms: p50 3, p95 4.56, p99 5, p99.9 17, longest 65; 6 quantiles",
    ]


def test_its_backlog_lies_over_a_run_from_its_begin_and_is_never_below_zero():
    assert lines("omb_result.json") == {"kafka": [(10.0, 0.0), (20.0, 40.0), (30.0, 3.0)]}
    found = read(GOOD)
    assert (found.kind, found.source) == ("log", "omb_result.json (OpenMessaging Benchmark)")
    assert found.notes == (
        "it has no clock: a sample every 10 s, from 00:00 on",
        "1 sample is below 0, since counts are taken late: 0 here",
    )
    assert found.latency["kafka"][1] == (0.5, pytest.approx(0.003))


def test_the_driver_says_what_kind_of_system_it_is(tmp_path):
    assert read(changed(tmp_path, driver="RabbitMQ")).kind == "queue"
    assert read(changed(tmp_path, driver="Pulsar")).kind == "log"
    assert not read(changed(tmp_path, aggregatedEndToEndLatencyQuantiles=None)).latency


def test_a_distribution_goes_to_a_csv_and_back(tmp_path):
    found = omb_result.read(GOOD)
    text, notes = omb_result.table(GOOD, found, "publish")
    assert notes == () and text.startswith("percentile,ms\n0.001,0.9\n50.0,2.0\n")
    curve = quantiles.read(written(tmp_path, "p.csv", text))
    assert curve == quantiles.curve(found.latency["publish"])
    text, notes = omb_result.table(GOOD, found, "end-to-end")
    assert notes == ("1 quantile is 0 ms, and not in it: clocks that differ",)
    assert quantiles.median_s(quantiles.read(written(tmp_path, "e.csv", text))) == pytest.approx(
        0.003
    )


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"driver": None}, "expected a result of the OpenMessaging Benchmark"),
        ({"driver": 7}, "driver: expected a text, not 7"),
        ({"publishRate": 7}, "publishRate: expected an array, not 7"),
        ({"publishRate": [1, -2, 3]}, r"publishRate\[1\]: expected 0 or more, not -2"),
        ({"backlog": [1, "x", 3]}, r"backlog\[1\]: expected a number, not 'x'"),
        ({"backlog": [1, 2]}, "backlog: expected 3 numbers, as in publishRate, not 2"),
        (
            {"aggregatedPublishLatencyQuantiles": {"half": 2.0}},
            "aggregatedPublishLatencyQuantiles.half: expected a percentile, 0 to 100, not 'half'",
        ),
        (
            {"aggregatedPublishLatencyQuantiles": {"101": 2.0}},
            "aggregatedPublishLatencyQuantiles.101: expected a percentile, 0 to 100, not '101'",
        ),
        (
            {"aggregatedPublishLatencyQuantiles": {"50": "NaN"}},
            "aggregatedPublishLatencyQuantiles.50: expected a number of ms, not 'NaN'",
        ),
        (
            {"aggregatedPublishLatencyQuantiles": {"50": 3.0, "99": 2.0}},
            "aggregatedPublishLatencyQuantiles: number 2: quantiles must ascend, and durations",
        ),
        (
            {"aggregatedPublishLatencyQuantiles": {"50": 3.0, "50.0": 3.0}},
            "aggregatedPublishLatencyQuantiles: number 2: quantiles must ascend, and durations",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_key(tmp_path, keys, says):
    with pytest.raises(LabError, match=says):
        omb_result.read(changed(tmp_path, **keys))


def test_quantiles_that_are_too_few_or_missing_make_no_csv(tmp_path):
    for given in (None, {"50": 2.0}, {"50": 0.0, "99": 0.0}):
        path = changed(tmp_path, aggregatedPublishLatencyQuantiles=given)
        found = omb_result.read(path)
        with pytest.raises(LabError, match="Quantiles: give at least two quantiles"):
            omb_result.table(path, found, "publish")


def test_other_json_is_no_result():
    for other in ({}, [], 3, {"publishRate": [1]}, {"driver": "Kafka"}):
        assert omb_result.measured(GOOD, other) is None
