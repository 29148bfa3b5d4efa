"""A panel of Grafana, read from its CSV."""

import pytest

from helpers.exports import written
from sim.foundation.errors import LabError
from sim.imports.read import read

RAW = """"Time","kafka_consumergroup_lag{consumergroup=""counters"", partition=""0""}",\
"kafka_consumergroup_lag{consumergroup=""counters"", partition=""1""}","analytics"
1714593600000,10,20,5
1714593660000,15,25,
1714593720000,20,30,7
"""


def lines_of(measured, measure="lag"):
    return {
        name: list(zip(t_s.tolist(), values.tolist(), strict=True))
        for name, (t_s, values) in measured.lines(measure).items()
    }


def test_series_of_a_group_are_its_partitions_and_a_gap_is_no_sample(tmp_path):
    measured = read(written(tmp_path, "panel.csv", RAW))
    assert lines_of(measured) == {
        "counters": [(0.0, 30.0), (60.0, 40.0), (120.0, 50.0)],
        "analytics": [(0.0, 5.0), (120.0, 7.0)],
    }
    assert (measured.kind, measured.source) == ("log", "panel.csv (Grafana)")
    assert measured.notes == ()


def test_download_for_excel_and_formatted_times(tmp_path):
    text = 'sep=,\n"Time","orders queue"\n2024-05-01 20:00:00,1\n2024-05-01 20:01:00,2\n'
    measured = read(written(tmp_path, "panel.csv", text))
    assert lines_of(measured) == {"orders queue": [(0.0, 1.0), (60.0, 2.0)]}
    assert measured.kind == "queue"
    assert measured.notes[0].startswith("times without an offset are taken for UTC")


def test_what_is_in_seconds_is_an_age(tmp_path):
    text = '"Time","kafka_consumergroup_lag_seconds{consumergroup=""c""}"\n1714593600,4\n'
    assert lines_of(read(written(tmp_path, "panel.csv", text)), "time_lag_s") == {"c": [(0.0, 4.0)]}


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("1714593600000,1.2 K", "panel.csv:2: lag: expected a number, not '1.2 K'"),
        ("yesterday,1", "panel.csv:2: Time: 'yesterday' is not a time"),
        ("1714593600000,-1", "panel.csv:2: lag: expected 0 or more"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(row, says, tmp_path):
    with pytest.raises(LabError, match=says):
        read(written(tmp_path, "panel.csv", f"Time,lag\n{row}\n"))
