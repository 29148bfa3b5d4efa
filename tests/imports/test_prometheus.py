"""Range queries of Prometheus, read."""

import pytest

from helpers.exports import EXPORTS, lines, written
from sim.foundation.errors import LabError
from sim.imports.read import read
from sim.studies.draining import outlooks
from sim.studies.draining_words import told


def test_prometheus_adds_up_partitions_and_leaves_out_minus_one_and_nan():
    assert lines("prometheus.json") == {
        "analytics": [(0, 0), (600, 150), (1200, 92000), (1800.5, 41000)],
        "counters": [(0, 7), (600, 8)],
    }
    shifted = lines("prometheus.json", start="2024-05-01 19:59:00")
    assert shifted["counters"] == [(60, 7), (660, 8)]


def test_prometheus_ages_are_those_of_the_partition_furthest_behind(tmp_path):
    one = {"__name__": "kafka_consumergroup_group_lag_seconds", "group": "g", "partition": "0"}
    data = {
        "status": "success",
        "data": {
            "resultType": "matrix",
            "result": [
                {"metric": one, "values": [[0, "4"], [60, "5"]]},
                {"metric": {**one, "partition": "1"}, "values": [[0, "9"], [60, "1"]]},
            ],
        },
    }
    found = read(written(tmp_path, "age.json", data)).lines("time_lag_s")
    assert found["g"][1].tolist() == [9, 5]


def test_prometheus_tells_the_lag_of_each_partition():
    parts = read(EXPORTS / "prometheus.json").parts
    found = parts.groupby(["name", "part"])["lag"].apply(list).to_dict()
    assert found == {
        ("analytics", "events-0"): [0.0, 120.0, 90_000.0, 41_000.0],
        ("analytics", "events-1"): [30.0, 2_000.0],
        ("counters", "events-0"): [7.0, 8.0],
    }
    assert parts[["end", "committed"]].isna().all(axis=None)
    assert parts["at"].is_monotonic_increasing


def test_the_partition_in_which_most_waits_is_named_of_a_prometheus_too(tmp_path):
    """Three partitions, of which one has all but 20 of 3,020; there are no offsets."""
    labels = {"__name__": "kafka_consumergroup_lag", "consumergroup": "g", "topic": "t"}
    series = [
        {
            "metric": {**labels, "partition": str(p)},
            "values": [[60 * i, str(600 * i if p == 1 else 10)] for i in range(6)],
        }
        for p in range(3)
    ]
    data = {"status": "success", "data": {"resultType": "matrix", "result": series}}
    (its,) = outlooks(read(written(tmp_path, "lag.json", data)))
    assert (its.still, its.uneven) == ((), ("t-1", 3_000 / 3_020))
    assert "99.34 % of it waits in one partition, t-1" in list(told(its, None, None))[1]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (1, "data: expected an object, not 1"),
        ({"resultType": "matrix", "result": {}}, "data.result: expected an array, not a mapping"),
        ({"resultType": "matrix", "result": [1]}, "data.result[0]: expected an object, not 1"),
        (
            {"resultType": "matrix", "result": [{"metric": {"group": 1}, "values": [[1, "1"]]}]},
            "data.result[0].metric.group: expected a text, not 1",
        ),
        (
            {"resultType": "matrix", "result": [{"metric": {}, "values": [[1e300, "1"]]}]},
            "data.result[0].values[0]: 1e+300 is not a time; write 2024-05-01T20:00:00Z",
        ),
    ],
)
def test_what_is_no_answer_of_prometheus_is_said_where_it_stands(data, says, tmp_path):
    path = written(tmp_path, "x.json", {"status": "success", "data": data})
    with pytest.raises(LabError) as error:
        read(path)
    assert str(error.value) == f"{path}: {says}"
