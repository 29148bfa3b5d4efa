"""Range queries of Prometheus, read."""

from helpers.exports import lines, written
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
