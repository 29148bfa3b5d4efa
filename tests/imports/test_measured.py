"""Lag that was measured, as one tidy table."""

from math import inf, isnan, nan
from pathlib import Path
from time import process_time

import pandas as pd
import pytest

from sim.foundation.errors import LabError
from sim.imports.measured import (
    MOST_BYTES,
    Measured,
    Sample,
    amount,
    complaint,
    instant,
    json_of,
    text_of,
)

FILE = Path("export.txt")
EIGHT = pd.Timestamp("2024-05-01T20:00:00Z")


def sample(value, name="g", minutes=0, measure="lag"):
    return Sample(name, measure, EIGHT + pd.Timedelta(minutes=minutes), value)


def test_messages_of_the_parts_add_up_and_the_oldest_is_that_of_the_part_furthest_behind():
    ages = [sample(3.0, measure="time_lag_s"), sample(8.0, measure="time_lag_s")]
    found = Measured.of(FILE, "tool", "log", [sample(5), sample(7), sample(1, minutes=1), *ages])
    assert found.source == "export.txt (tool)"
    (t_s, lag) = found.lines("lag")["g"]
    assert t_s.tolist() == [0, 60] and lag.tolist() == [12, 1]
    assert found.lines("time_lag_s")["g"][1].tolist() == [8]


def test_times_at_which_a_part_is_missing_are_gaps_where_parts_are_complete():
    rows = [sample(5), sample(7), sample(1, minutes=1), sample(nan, minutes=2)]
    found = Measured.of(FILE, "tool", "log", rows, complete=True)
    assert found.lines("lag")["g"][1].tolist() == [12]
    assert found.notes == (
        "1 sample is no number (NaN or infinite), and not in it",
        "1 time at which a part is missing: not in it",
    )
    both = [*rows, sample(nan, minutes=3), sample(2, minutes=4)]
    assert Measured.of(FILE, "tool", "log", both, ["x"], complete=True).notes == (
        "x",
        "2 samples are no number (NaN or infinite), and not in it",
        "2 times at which a part is missing: not in it",
    )
    assert Measured.of(FILE, "tool", "log", rows[:2]).notes == ()


def test_samples_are_put_in_order_of_time_and_seen_from_any_start():
    found = Measured.of(
        FILE, "tool", "queue", [sample(2, minutes=5), sample(1)], ["late", "late", "odd"]
    )
    assert found.start == EIGHT and found.notes == ("late", "odd")
    assert found.measures("lag") and not found.measures("time_lag_s")
    assert found.lines("lag", "2024-05-01 22:01:00+02:00")["g"][0].tolist() == [-60, 240]
    with pytest.raises(LabError, match="no sample of lag in this tool"):
        Measured.of(FILE, "tool", "queue", [sample(nan)])


def test_a_moment_without_a_zone_is_in_utc():
    assert instant("2024-05-01 20:00") == EIGHT == instant("2024-05-01T22:00:00+02:00")
    for wrong in ("noon", "2024-13-01"):
        with pytest.raises(LabError, match="is not a time; write 2024-05-01T20:00:00Z"):
            instant(wrong)


def test_an_amount_is_0_or_more_or_a_gap():
    assert amount(FILE, 3, "LAG", "12") == 12 and isnan(amount(FILE, 3, "LAG", inf))
    with pytest.raises(LabError, match=r"^export.txt:3: LAG: expected a number, not '-'$"):
        amount(FILE, 3, "LAG", "-")
    with pytest.raises(LabError, match=r"^export.txt: LAG: expected 0 or more, not -1$"):
        amount(FILE, None, "LAG", -1)


def test_a_file_is_text_with_or_without_the_mark_that_spreadsheets_write(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"\xef\xbb\xbfhello")
    assert text_of(path, "this") == "hello"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(LabError, match="not a text file in UTF-8; expected this"):
        text_of(path, "this")
    with pytest.raises(LabError, match="cannot be read: No such file"):
        text_of(tmp_path / "none", "this")
    assert json_of(path, '{"a": 1}') == {"a": 1}
    with pytest.raises(LabError, match=r"x:2: unreadable JSON: "):
        json_of(path, "{\n,}")
    assert str(complaint(FILE, "is odd")) == "export.txt: is odd"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ('{\n"a":' * 3_000 + "1" + "}" * 3_000, 33, "more than 32 levels"),
        ('["[[[",\n' + "[" * 100_000, 2, "more than 32 levels"),
        ('{"a":\n' + "9" * 10_000 + "}", 2, "a number of thousands of digits"),
    ],
)
def test_json_deeper_than_any_export_is_refused_with_its_line(text, line, says, tmp_path):
    path = tmp_path / "x.json"
    began = process_time()
    with pytest.raises(LabError) as error:
        json_of(path, text)
    assert process_time() - began < 1.0
    assert str(error.value).startswith(f"{path}:{line}: ")
    assert says in str(error.value)


def test_brackets_in_texts_are_no_levels(tmp_path):
    text = '["' + '[\\"' * 100 + '"]'
    assert json_of(tmp_path / "x.json", text) == ['["' * 100]


def test_an_export_of_many_mebibytes_is_not_read(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("x" * (MOST_BYTES + 1))
    with pytest.raises(LabError, match="more than 16 MiB"):
        text_of(path, "an export")
