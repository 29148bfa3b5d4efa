"""What `kafka-consumer-groups` prints, read.

The exports are written by hand, and the sums expected here are done by hand too.
"""

import pandas as pd

from helpers.exports import EXPORTS, lines, written
from sim.imports.read import read

START = pd.Timestamp("2024-05-01T20:00:00Z")


def test_consumer_groups_add_up_over_partitions_and_leave_out_what_was_never_committed():
    assert lines("consumer_groups.txt") == {
        "analytics": [(0, 60), (1200, 3030), (2400, 200)],
        "counters": [(0, 5), (1200, 10), (2400, 0)],
    }
    measured = read(EXPORTS / "consumer_groups.txt")
    assert measured.kind == "log" and measured.start == START
    assert any("without a committed offset" in note for note in measured.notes)


def test_consumer_groups_with_a_time_on_each_line(tmp_path):
    plain = (EXPORTS / "consumer_groups.txt").read_text().splitlines()
    times, out = None, []
    for line in plain:
        if line[:4] == "2024":
            times = line
        else:
            out.append(f"{times} {line}")
    path = written(tmp_path, "ts.txt", "\n".join(out))
    pd.testing.assert_frame_equal(read(path).samples, read(EXPORTS / "consumer_groups.txt").samples)


def test_consumer_groups_of_old_versions_have_no_group_and_may_have_no_time(tmp_path):
    text = (
        "TOPIC     PARTITION  CURRENT-OFFSET  LOG-END-OFFSET  LAG     CONSUMER-ID  HOST  CLIENT\n"
        "my-topic  0          16577           33154           16577   c-1          /127  c\n"
        "my-topic  1          16577           33154           16578   c-1          /127  c\n"
        "-         -          -               -               -       c-8          /127  c8\n"
    )
    measured = read(written(tmp_path, "old.txt", text))
    assert measured.samples[["name", "value"]].to_numpy().tolist() == [["my-topic", 33155.0]]
    assert any("no time" in note for note in measured.notes)
