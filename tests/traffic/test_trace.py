"""Traces of counts: what is read, and what is refused at which line."""

import gzip
import os

import numpy as np
import pytest

from helpers.traffic import scenario
from sim.foundation.errors import LabError, ScenarioError
from sim.scenario.load import Trace
from sim.traffic.trace import read

_HOUR = "t,n\n2020-01-01 00:00,5\n2020-01-01 01:00,6\n"


def trace(folder, text, name="trace.csv", **keys):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Trace(path=str(path), **keys)


def refused(folder, text, name="trace.csv", **keys):
    with pytest.raises(LabError) as caught:
        read(trace(folder, text, name, **keys))
    return str(caught.value).removeprefix(f"{folder}/")


def test_counts_stand_in_their_intervals_and_missing_rows_are_nothing(tmp_path):
    totals = read(
        trace(
            tmp_path, "\ufefft,n\n\n2020-01-01,5\n2020-01-01 00:01:00+00:00,6\n2020-01-01T00:03Z,8"
        )
    )
    assert (totals.slot.tolist(), totals.messages.tolist()) == ([0, 1, 3], [5, 6, 8])
    assert (totals.slots, totals.interval_s) == (4, 60)
    assert read(trace(tmp_path, "t,n,m\n2020-01-01,5,1.5\n", column="m", interval=1)) == (
        [0], [1.5], 1, 1,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "1: not a trace: expected CSV with two columns or more"),
        ("t\n2020-01-02\n", "1: not a trace: expected CSV with two columns or more"),
        ("t,n\n", "1: no rows below the header"),
        # The first row is data, or meant to be: it would not be counted.
        ("2020-01-01,5\n2020-01-02,5\n", "1: expected a header, such as 'timestamp,count'"),
        ("2020,5\n2020-01-02,5\n", "1: expected a header"),
        ("2020-13-01,5\n2020-01-02,5\n", "1: expected a header"),
        ("t,n\n\nyesterday,5\n", "3: expected a time such as 1998-06-30T18:00:00, not 'yesterday'"),
        ("t,n\n,5\n", "2: expected a time such as 1998-06-30T18:00:00, not ''"),
        ("t,n\n2020-01-02,5\n2020-01-01,5\n", "3: the timestamps do not ascend: 2020-01-01 after "
         "2020-01-02 in line 2"),
        ("t,n\n2020-01-01,-5\n2020-01-02,1\n", "2: expected a count, 0 or more, not '-5'"),
        ("t,n\n2020-01-01,1\n2020-01-02,\n", "3: expected a count, 0 or more, not ''"),
        ("t,n\n2020-01-01,nan\n", "2: expected a count, 0 or more, not 'nan'"),
        ("t,n\n2020-01-01,inf\n", "2: expected a count, 0 or more, not 'inf'"),
        ("t,n\n2020-01-01,1\n2020-01-02,1,1\n", "3: 3 fields where the header has 2"),
        ("t,n\n2020-01-01,5\n", "2: no interval to be seen in one time; give `interval`"),
    ],
)  # fmt: skip
def test_what_is_no_trace_is_refused_at_its_line(tmp_path, text, says):
    assert f"trace.csv:{says}" in refused(tmp_path, text)


def test_a_column_and_a_span_that_are_not_there(tmp_path):
    assert refused(tmp_path, _HOUR, column=2) == (
        "trace.csv:1: no column 2; the last one is 1, and 0 is the timestamp"
    )
    assert refused(tmp_path, _HOUR, column="m") == "trace.csv:1: no column 'm'; it has t, n"
    assert refused(tmp_path, "t,count\n2020-01-01,1\n", column="Count") == (
        "trace.csv:1: no column 'Count'; did you mean 'count'?"
    )
    assert refused(tmp_path, _HOUR, start="2021-01-01") == (
        "trace.csv:3: nothing between 2021-01-01 and its end; it goes from "
        "2020-01-01 00:00:00+00:00 in line 2 to 2020-01-01 01:00:00+00:00 in this one"
    )


@pytest.mark.parametrize("word", ["soon", "", "NaT", "9999999-01-01"])
def test_a_bound_that_is_no_time_is_refused_in_the_scenario(tmp_path, word):
    (tmp_path / "trace.csv").write_text(_HOUR)
    path = str(tmp_path / "trace.csv")
    with pytest.raises(ScenarioError, match=r"arrivals\.trace\.start: expected a time such as"):
        scenario().with_({"workload.arrivals.trace": {"path": path, "start": word}})


def test_a_packed_file_that_is_cut_short_broken_or_none_says_so(tmp_path):
    packed = gzip.compress(("t,n\n" + "2020-01-01,5\n" * 1000).encode())
    cut = "trace.csv.gz: cut short: the packed file (gzip) ends before its end"
    for end in (5, 20, len(packed) - 1):
        assert refused(tmp_path, packed[:end], "trace.csv.gz") == cut
    assert "trace.csv.gz:1: not a trace" in refused(tmp_path, b"", "trace.csv.gz")
    assert refused(tmp_path, _HOUR, "trace.csv.gz").startswith(
        "trace.csv.gz: cannot be unpacked (gzip): Not a gzipped file"
    )
    broken = packed[:15] + bytes([packed[15] ^ 255]) + packed[16:]
    assert refused(tmp_path, broken, "trace.csv.gz").startswith("trace.csv.gz: cannot be unpacked")


def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(LabError, match=r"fifo: cannot be read: a FIFO, not a file"):
        read(Trace(path=str(tmp_path / "fifo")))
    with pytest.raises(LabError, match=r"zero: cannot be read: a device, not a file"):
        read(Trace(path="/dev/zero"))
    with pytest.raises(LabError, match="not a text file in UTF-8"):
        read(trace(tmp_path, b"t,n\n\xff\n"))
    with pytest.raises(LabError, match="cannot be read as CSV"):
        read(trace(tmp_path, b"t,n\n" + b"x" * 200_000 + b",1\n"))


def test_counts_of_a_day_are_those_of_the_file(tmp_path):
    text = "t,n\n" + "".join(f"2020-01-01T{h:02}:00:00,{h * h}\n" for h in range(24))
    totals = read(trace(tmp_path, text))
    assert (totals.slots, totals.interval_s) == (24, 3600)
    assert np.array_equal(totals.messages, np.arange(24) ** 2)
