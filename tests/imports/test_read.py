"""Whatever the format of an export: what is wrong is said with its place."""

import pytest

from helpers.exports import EXPORTS, written
from sim.foundation.errors import LabError
from sim.imports.read import read


def refused(path):
    with pytest.raises(LabError) as error:
        read(path)
    return str(error.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("hello", "expected the output of `kafka-consumer-groups"),
        ('{"a": 1,\n "b": }', ":2: unreadable JSON"),
        ("TOPIC PARTITION CURRENT-OFFSET LGA\nt 0 1 2\n", ":1: no column LAG; is 'LGA' meant?"),
        ("TOPIC PARTITION CURRENT-OFFSET LAG\nt 0 1 many\n", ":2: LAG: expected a number, not 'ma"),
        ("TOPIC PARTITION CURRENT-OFFSET LAG\nt 0 1 -3\n", ":2: LAG: expected 0 or more, not '-3'"),
        ("TOPIC PARTITION CURRENT-OFFSET LAG\nt x 1 3\n", ":2: PARTITION: expected a partition's"),
        ("TOPIC PARTITION CURRENT-OFFSET LAG\nt 0 1 3\nt 0 1 4\n", ":3: partition 0 of t again"),
        (
            "Label,ApproximateNumberOfMessagesVisible\n2024/05/01 20:00:00,x\n",
            ":2: ApproximateNumberOfMessagesVisible: expected a number, not 'x'",
        ),
        (
            "Label,ApproximateNumberOfMessagesVisibel\n2024/05/01 20:00:00,1\n",
            "did you mean ApproximateNumberOfMessagesVisible?",
        ),
        ({"status": "error", "error": "query timed out"}, "reported an error: query timed out"),
        (
            {"status": "success", "data": {"resultType": "vector", "result": []}},
            "data: expected a range query (/api/v1/query_range), not one whose resultType is 'vec",
        ),
        (
            {
                "status": "success",
                "data": {
                    "resultType": "matrix",
                    "result": [{"metric": {"group": "g"}, "values": [[1, "x"]]}],
                },
            },
            "data.result[0].values[0]: expected a number, not 'x'",
        ),
        (
            {
                "status": "success",
                "data": {
                    "resultType": "matrix",
                    "result": [
                        {"metric": {"__name__": name, "group": "g"}, "values": [[1, "1"]]}
                        for name in ("kafka_group_lag", "kafka_group_sum_lag")
                    ],
                },
            },
            "more than one metric of the same thing (kafka_group_lag, kafka_group_sum_lag)",
        ),
        ({"MetricDataResults": [{"Label": "CPU"}]}, "known: ApproximateNumberOfMessagesNotVisible"),
        (
            {
                "MetricDataResults": [
                    {
                        "Label": "ApproximateNumberOfMessagesVisible",
                        "Timestamps": ["2024-05-01T20:00:00Z"],
                        "Values": [],
                    }
                ]
            },
            "MetricDataResults[0]: 1 Timestamps and 0 Values",
        ),
        ({"status": "success", "data": {"resultType": "matrix", "result": []}}, "no sample of lag"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text, says, tmp_path):
    path = written(tmp_path, "export", text)
    message = refused(path)
    assert message.startswith(str(path)) and says in message


def test_a_missing_file_and_a_time_that_is_none(tmp_path):
    assert "cannot be read: No such file" in refused(tmp_path / "none.json")
    with pytest.raises(LabError, match="'noon' is not a time"):
        read(EXPORTS / "prometheus.json").lines("lag", "noon")
