"""Which limits acted, in lines: those first that did harm."""

from dataclasses import replace

from helpers.tables import football, with_limits, with_waits
from sim.engine.waits import Limit
from sim.words.limits import limits_that_acted

VISIBILITY = Limit(
    "VisibilityTimeout", "queues.all.VisibilityTimeout", "30s", "",
    "made messages visible while they were worked on", 1_234, 60.0, 3_723.0,
)  # fmt: skip
PREFETCH = Limit("prefetch_count", "queues.all.prefetch_count", "1", "all.0", "held", 1, 9.0, 9.0)
RECEIVES = VISIBILITY._replace(key="MaxNumberOfMessages", path="", value="1", what="limited")


def keys(tables):
    return [line.partition(" ")[0] for line in limits_that_acted(tables, 1.0)]


def test_what_did_harm_comes_first_then_what_the_late_wait_for():
    odd = PREFETCH._replace(key="odd", first_s=0.0)
    its = {"sqs_single.all": [odd, RECEIVES, VISIBILITY]}
    tables = with_limits(with_waits(football()), its)
    # Its messages wait for busy consumers, which a receive of one keeps busy.
    assert keys(tables) == ["MaxNumberOfMessages", "odd", "VisibilityTimeout"]
    doubled = tables.summary.assign(double_effects=(tables.summary["group"] == "all") * 3)
    harmed = replace(tables, summary=doubled)
    assert keys(harmed) == ["VisibilityTimeout", "MaxNumberOfMessages", "odd"]
    other = replace(tables, summary=tables.summary.assign(double_effects=3, group="x"))
    assert keys(other)[0] != "VisibilityTimeout", "of another group"


def test_limits_of_systems_behind_come_first_and_the_rest_is_counted():
    level = VISIBILITY._replace(key="Level", first_s=0.0)
    tables = with_limits(
        football(),
        {"kafka.counters": [level], "sqs_single.all": [VISIBILITY, PREFETCH],
         "kafka.publisher": [level._replace(value="1")]},
    )  # fmt: skip
    lines = limits_that_acted(tables, 1.0)
    what = "made messages visible while they were worked on, 1,234 times"
    assert lines == [
        "prefetch_count 1 in sqs_single (all.0): held, once, 0:09",
        f"VisibilityTimeout 30s in sqs_single: {what}, 1:00 to 1:02:03",
        f"Level 30s in kafka.counters: {what}, 0:00 to 1:02:03",
        "1 more",
    ]
    more = limits_that_acted(tables, 1.0, most=9)
    assert more == [*lines[:3], f"Level 1 in kafka.publisher: {what}, 0:00 to 1:02:03"]
    assert limits_that_acted(football(), 1.0) == []


def test_a_limit_that_acts_alike_in_several_systems_is_one_line():
    late = PREFETCH._replace(first_s=60.0, last_s=70.0, times=4)
    both = {"sqs_single.all": [PREFETCH], "sqs_fanout.counters": [late]}
    assert limits_that_acted(with_limits(football(), both), 1.0) == [
        "prefetch_count 1 in sqs_single and sqs_fanout.counters: held, 5 times, 0:09 to 1:10"
    ]
    many = {f"sqs_fanout.{group}": [late] for group in ("counters", "leaderboard", "analytics")}
    assert limits_that_acted(with_limits(football(), both | many), 1.0) == [
        "prefetch_count 1 in 4 groups: held, 13 times, 0:09 to 1:10"
    ]
