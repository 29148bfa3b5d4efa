"""Whole runs in which retention bites, groups come late, and what a bug spoilt is read again."""

import numpy as np
import pytest

from sim.engine.outcome import Effects
from sim.injection.replay import Replay, righted
from sim.lab import run
from sim.scenario.load import load

SCENARIO = """
name: replayed
duration: 30 min
workload:
  arrivals: {profile: [{for: 30 min, rate: 10/s}]}
  keys: {player: {count: 500}}
  service:
    a: {per_message: 5 ms}
    b: {per_message: 5 ms}
systems:
  kafka:
    product: kafka
    topic: {partitions: 4, retention.ms: 5m, segment.ms: 1m}
    brokers: {log.retention.check.interval.ms: 1m}
    partition_key: [player]
    groups:
      fast: {consumers: 2, does: [a]}
      other: {consumers: 2, does: [b]}
  sqs:
    product: sqs
    queues:
      fast: {workers: 4, does: [a]}
      other: {workers: 4, does: [b]}
drain_limit: 1 h
faults: []
"""


@pytest.fixture
def tables(tmp_path):
    """Run the scenario with overrides and faults."""
    path = tmp_path / "replayed.yaml"
    path.write_text(SCENARIO)

    def tables(faults=(), **overrides):
        overrides = {
            f"systems.{key if key.startswith('sqs.') else f'kafka.{key}'}": value
            for key, value in overrides.items()
        }
        done = run(load(path).with_({**overrides, "faults": list(faults)})).tables
        assert (
            done.fates.groupby(["system", "group"])["messages"].sum() == done.summary["produced"][0]
        ).all()
        return done

    return tables


def row(tables, system, group):
    summary = tables.summary
    return summary[(summary["system"] == system) & (summary["group"] == group)].iloc[0]


def lost(tables, system="kafka", group="other"):
    """Messages lost, by place."""
    fates = tables.fates
    mine = fates[
        (fates["system"] == system) & (fates["group"] == group) & (fates["fate"] == "lost")
    ]
    return {place: n for place, n in zip(mine["place"], mine["messages"], strict=True) if n}


def said(tables, system):
    return tables.faults[tables.faults["system"] == system]["text"].tolist()


SLOW = {"at": "2m", "fault": "slow", "target": "kafka.other.*", "factor": 200, "for": "20m"}


def test_KB_08_retention_ignores_consumers_and_others_are_unmoved(tables):
    done, calm = tables([SLOW]), tables()
    assert row(done, "kafka", "other")["lost"] > 0
    assert row(done, "kafka", "fast").equals(row(calm, "kafka", "fast"))
    starts = done.partitions.groupby(["group", "partition"])["log_start"]
    assert (starts.max() > 1_000).all() and (starts.diff().dropna() >= 0).all()
    at_end = done.partitions[done.partitions["t_s"] == done.partitions["t_s"].max()]
    lives_s = (at_end["log_end"] - at_end["log_start"]) / 2.5  # 2.5 records a second in each
    assert (lives_s > 0.9 * 5 * 60).all() and (lives_s < 1.1 * 7 * 60).all()


def test_KB_09_earliest_loses_what_was_deleted_and_latest_the_whole_backlog(tables):
    late = tables([SLOW])
    early = tables([SLOW], **{"groups.other.auto.offset.reset": "earliest"})
    assert set(lost(early)) == {"retention"}
    assert set(lost(late)) == {"retention", "offset reset"}
    for done in (late, early):
        other = row(done, "kafka", "other")
        assert other["processed"] + other["lost"] == other["produced"]
        assert sum(lost(done).values()) == other["lost"]
        assert row(done, "sqs", "other")["lost"] == 0
    assert row(late, "kafka", "other")["lost"] > row(early, "kafka", "other")["lost"]
    assert any(
        "other: " in text and "gone before they were read" in text for text in said(early, "kafka")
    )


def test_KB_09_none_ends_the_consumers_one_after_the_other(tables):
    done = tables(
        [SLOW], **{"groups.other.auto.offset.reset": "none", "groups.other.max.poll.records": 5}
    )
    other = row(done, "kafka", "other")
    assert other["lost"] > 0 and set(lost(done)) == {"retention"}
    assert other["unfinished"] == 0  # by the end of the run, all that nobody read is deleted
    ends = [text for text in said(done, "kafka") if "ends: no offset" in text]
    assert sorted(ends) == [f"other: consumer {m} ends: no offset to go on from" for m in (0, 1)]
    assert row(done, "kafka", "fast")["lost"] == 0


def test_KB_10_a_new_group_begins_at_the_end_or_at_the_beginning(tables):
    late = {"groups.other.joins_at": "15m", "groups.other.starts": "new", "topic.retention.ms": -1}
    done = tables(**late)
    missed = lost(done)
    assert set(missed) == {"offset reset"}
    assert missed["offset reset"] == pytest.approx(15 * 60 * 10, rel=0.05)
    series = done.series[(done.series["system"] == "kafka") & (done.series["group"] == "other")]
    assert (series[series["t_s"] < 900.0]["lag"] == 0).all()  # undefined without a commit
    done = tables(**late, **{"groups.other.auto.offset.reset": "earliest"})
    other = row(done, "kafka", "other")
    assert other["processed"] == other["produced"] and not lost(done)
    assert row(done, "kafka", "fast")["max_time_lag_s"] < 1.0  # live traffic flows
    # What was deleted before it came is lost to it.
    short = tables(
        **late | {"topic.retention.ms": "5m", "groups.other.auto.offset.reset": "earliest"}
    )
    assert set(lost(short)) == {"retention"}


def test_SS_11_retention_deletes_what_a_queue_s_workers_have_not_read(tables):
    slow = SLOW | {"target": "sqs.other.*"}
    done = tables([slow], **{"sqs.queues.other.MessageRetentionPeriod": "5m"})
    other = row(done, "sqs", "other")
    assert set(lost(done, "sqs")) == {"retention"}
    assert other["processed"] + other["lost"] == other["produced"]
    # Nothing older than that is waited for, but what is in hand.
    assert 295.0 < other["max_time_lag_s"] < 310.0
    assert not lost(done, "sqs", "fast") and not lost(done, "kafka")
    assert not lost(tables([slow]), "sqs")  # 4 days


BUG = {"at": "10m", "fault": "bug", "target": "*.other", "for": "5m"}


def processed_within(tables, system, from_s, until_s):
    series = tables.series[
        (tables.series["system"] == system) & (tables.series["group"] == "other")
    ]
    by = series.set_index("t_s")["processed"]
    return by[until_s] - by[from_s]


def test_a_log_replays_what_a_bug_spoilt_and_a_queue_cannot(tables):
    keep = {"topic.retention.ms": -1}
    spoilt = tables([BUG], **keep)
    for system in ("kafka", "sqs"):
        wrong = row(spoilt, system, "other")["wrong_effects"]
        assert wrong == processed_within(spoilt, system, 600.0, 900.0) > 2_000
        assert row(spoilt, system, "fast")["wrong_effects"] == 0
    done = tables([BUG, {"at": "20m", "fault": "seek", "target": "*.other", "to": "9m"}], **keep)
    log, queue = row(done, "kafka", "other"), row(done, "sqs", "other")
    assert (log["wrong_effects"], log["righted_effects"]) == (
        0,
        row(spoilt, "kafka", "other")["wrong_effects"],
    )
    assert log["unrecoverable"] == 0
    assert log["double_effects"] == log["extra_deliveries"]
    assert log["double_effects"] == pytest.approx(11 * 60 * 10, rel=0.05)
    assert queue["wrong_effects"] == row(spoilt, "sqs", "other")["wrong_effects"]
    assert queue["unrecoverable"] == pytest.approx(11 * 60 * 10, rel=0.05)
    assert queue["double_effects"] == 0
    assert row(done, "kafka", "fast").equals(row(spoilt, "kafka", "fast"))
    assert any(text.startswith("seek other to 9 min: ") for text in said(done, "kafka"))
    series = done.series[(done.series["system"] == "kafka") & (done.series["group"] == "other")]
    assert series["lag"].max() > 5_000
    # Burrow does not mind: there are commits without lag among the last ten.
    assert set(done.burrow["status"]) == {"OK"}


def test_burrow_sees_a_seek_of_a_group_that_lags_as_a_rewind(tables):
    done = tables(
        [SLOW, {"at": "12m", "fault": "seek", "target": "kafka.other", "to": "0s"}],
        **{"topic.retention.ms": -1, "groups.other.max.poll.records": 5},
    )
    other = done.burrow[done.burrow["group"] == "other"].set_index("t_s")["status"]
    assert set(other[300.0:720.0]) <= {"WARN", "STALL"}
    assert "REWIND" in set(other[720.0:780.0])
    assert set(done.burrow[done.burrow["group"] == "fast"]["status"]) == {"OK"}


def test_a_replay_finds_only_what_retention_has_left(tables):
    # At 20 min the log begins five to seven minutes ago: the bug of 10 to 15 is out of reach.
    done = tables([BUG, {"at": "20m", "fault": "seek", "target": "kafka.other", "to": "9m"}])
    log = row(done, "kafka", "other")
    assert log["wrong_effects"] > 2_000 and log["righted_effects"] < 700
    assert log["unrecoverable"] > 2_000
    assert any(" gone" in text for text in said(done, "kafka"))


def test_a_seek_to_the_end_skips_the_backlog(tables):
    done = tables(
        [SLOW, {"at": "12m", "fault": "seek", "target": "kafka.other", "to": "end"}],
        **{"topic.retention.ms": -1},
    )
    assert set(lost(done)) == {"offset reset"}
    assert row(done, "kafka", "other")["unrecoverable"] == 0


def test_a_seek_after_everything_is_done_still_happens(tables):
    done = tables(
        [{"at": "40m", "fault": "seek", "target": "*.other", "to": "beginning"}],
        **{"topic.retention.ms": -1},
    )
    log = row(done, "kafka", "other")
    assert log["double_effects"] == log["produced"]
    assert row(done, "sqs", "other")["unrecoverable"] == log["produced"]


def test_the_last_effect_is_the_one_that_stays():
    # Message 0 right, then wrong; 1 wrong, then right; 2 wrong twice; 3 right; 4 at the very end.
    effects = Effects(
        np.array([1.0, 2.0, 3.0, 4.0, 5.0, 5.5, 6.0, 8.0, 9.0]),
        np.array([0, 1, 2, 0, 3, 4, 2, 1, 3]),
    )
    found = righted(effects, Replay(buggy_s=[(2.0, 5.0), (5.5, 8.0)]))
    assert (found.wrong, found.right) == (3, 1)
    assert righted(None, Replay()).wrong == 0
