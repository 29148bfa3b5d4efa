"""Range queries of Prometheus, read."""

import pytest

from helpers.exports import lines, written
from sim.foundation.errors import LabError
from sim.imports.read import read


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
