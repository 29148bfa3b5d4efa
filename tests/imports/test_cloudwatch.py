"""CloudWatch's metrics of SQS, read from the console's CSV and the JSON of its API."""

import json

import pytest

from helpers.exports import EXPORTS, lines, written
from sim.foundation.errors import LabError
from sim.imports.read import read


def test_cloudwatch_csv_adds_visible_and_in_flight_where_both_are_there():
    assert lines("cloudwatch.csv") == {
        "analytics": [(0, 16), (300, 844), (600, 21954), (900, 60314), (1500, 30024)]
    }
    ages = [(0, 1), (300, 3), (600, 75), (900, 240), (1500, 410)]
    assert lines("cloudwatch.csv", "time_lag_s") == {"analytics": ages}
    assert any(
        "left out: NumberOfMessagesSent" in n for n in read(EXPORTS / "cloudwatch.csv").notes
    )


def test_cloudwatch_json_is_put_in_order_of_time():
    assert lines("cloudwatch.json") == {"orders": [(0, 101), (300, 202), (600, 303)]}
    assert read(EXPORTS / "cloudwatch.json").kind == "queue"


def test_cloudwatch_says_what_depth_is_without_one_of_the_two(tmp_path):
    data = json.loads((EXPORTS / "cloudwatch.json").read_text())
    data["MetricDataResults"].pop()
    (note,) = read(written(tmp_path, "one.json", data)).notes
    assert note.startswith("ApproximateNumberOfMessagesNotVisible is not in it")


@pytest.mark.parametrize(
    ("results", "says"),
    [
        ([1], "MetricDataResults[0]: expected an object, not 1"),
        (
            [{"Label": "ApproximateAgeOfOldestMessage", "Timestamps": 1}],
            "MetricDataResults[0].Timestamps: expected an array, not 1",
        ),
        (
            [{"Label": "ApproximateAgeOfOldestMessage", "Timestamps": [{}], "Values": [1]}],
            "MetricDataResults[0].Timestamps[0]: a mapping is not a time; "
            "write 2024-05-01T20:00:00Z",
        ),
    ],
)
def test_what_is_no_answer_of_cloudwatch_is_said_where_it_stands(results, says, tmp_path):
    path = written(tmp_path, "x.json", {"MetricDataResults": results})
    with pytest.raises(LabError) as error:
        read(path)
    assert str(error.value) == f"{path}: {says}"


def test_a_field_too_long_for_csv_is_said_with_its_line(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(f"Label,ApproximateAgeOfOldestMessage\n2024-05-01 20:00,{'1' * 200_000}\n")
    with pytest.raises(LabError, match=r"x\.csv:2: cannot be read as CSV: field larger"):
        read(path)


def statistics(**point):
    points = [{"Timestamp": f"2024-05-01T20:{m:02}:00+00:00", "Unit": "Count"} for m in (5, 0)]
    return {
        "Label": "ApproximateNumberOfMessagesVisible",
        "Datapoints": [p | point for p in points],
    }


def test_statistics_are_put_in_order_and_the_largest_is_taken(tmp_path):
    data = statistics(Average=2.0, Maximum=3.0)
    data["Datapoints"][1]["Maximum"] = 9.0
    measured = read(written(tmp_path, "one.json", data))
    assert measured.samples["value"].tolist() == [9.0, 3.0]
    assert measured.samples["name"].unique().tolist() == ["queue"]
    assert measured.notes[0] == "get-metric-statistics does not say of which queue"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (statistics(SampleCount=1), r"Datapoints\[0\]: none of the statistics Maximum"),
        (statistics() | {"Label": "NumberOfMessagesSent"}, "no metric of a queue"),
        (statistics(Sum="x"), r"Datapoints\[0\].Sum: expected a number, not 'x'"),
    ],
)
def test_what_is_wrong_with_statistics_is_said(data, says, tmp_path):
    with pytest.raises(LabError, match=says):
        read(written(tmp_path, "one.json", data))
