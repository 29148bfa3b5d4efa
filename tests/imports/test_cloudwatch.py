"""CloudWatch's metrics of SQS, read from the console's CSV and the JSON of its API."""

import json

from helpers.exports import EXPORTS, lines, written
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
