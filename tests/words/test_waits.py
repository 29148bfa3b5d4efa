"""Where the time went and which limits acted, in words."""

from dataclasses import replace

import pytest

from helpers.run_tables import tables_of
from helpers.tables import Group, build, football, with_limits, with_waits
from sim.engine.waits import Limit, TimePart
from sim.words.waits import (
    ActedLimit,
    about_waits,
    acted,
    named,
    often,
    said,
    splits,
    where_time_went,
)

VISIBILITY = Limit(
    "VisibilityTimeout", "queues.all.VisibilityTimeout", "30s", "",
    "made messages visible while they were worked on", 1_234, 60.0, 3_723.0,
)  # fmt: skip
PREFETCH = Limit("prefetch_count", "queues.all.prefetch_count", "1", "all.0", "held", 1, 9.0, 9.0)


def test_parts_are_named_in_order_of_waiting_and_the_small_are_others():
    parts_s = {
        TimePart.WORK: 1.0, TimePart.CAPACITY: 95.0, TimePart.CALL: 3.5, TimePart.SEND: 0.5,
        TimePart.DELAY: 0.0,
    }  # fmt: skip
    assert named(parts_s) == [
        (TimePart.CAPACITY, 0.95), (TimePart.CALL, 0.035), (None, pytest.approx(0.015))
    ]  # fmt: skip
    assert said(parts_s) == "all consumers busy 95 %, calls 4 %, other 2 %"
    assert said(parts_s, most=1) == "all consumers busy 95 %, other 5 %"
    assert said({TimePart.WORK: 2.0}) == "work 100 %"
    assert named({TimePart.WORK: 0.0}) == [] and said({}) == ""


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        (0.0, "work 100 %"), (1e-4, "work over 99 %"), (0.004, "work over 99 %"),
        (0.006, "work 99 %"), (0.012, "work 99 %, other 1 %"), (0.04, "work 96 %, send 4 %"),
    ],
)  # fmt: skip
def test_only_all_is_a_hundred_percent_and_hardly_anything_is_not_told(rest, words):
    assert said({TimePart.WORK: 1 - rest, TimePart.SEND: rest}) == words


def test_words_of_parts_are_the_largest_first():
    parts_s = {TimePart.SEND: 0.2, TimePart.HELD: 0.5, TimePart.WORK: 0.3}
    assert said(parts_s) == "held behind others 50 %, work 30 %, send 20 %"
    assert [part for part, _ in named(parts_s)] == [TimePart.SEND, TimePart.HELD, TimePart.WORK]


def test_a_split_per_group_is_named_by_its_system_where_it_is_the_only_one():
    found = splits(with_waits(football()).waits)
    assert [split.who for split in found][:3] == [
        "sqs_single", "sqs_fanout.counters", "sqs_fanout.leaderboard"
    ]  # fmt: skip
    assert found[0].mean_s[TimePart.CAPACITY] == 3_650.0
    assert found[0].slowest_s[TimePart.HELD] == 55.0
    assert splits(football().waits) == []


def test_the_sentence_is_about_the_group_whose_messages_take_longest():
    assert about_waits(with_waits(football())) == (
        "Messages of sqs_single take 1 h 1 min on average, 99 % of it because all consumers "
        "are busy"
    )


@pytest.mark.parametrize("part", TimePart)
def test_each_part_can_be_the_one_of_the_sentence(part):
    made = with_waits(build({"s": {"g": Group()}}))
    waits = made.waits.assign(mean_s=[float(each == part) for each in TimePart])
    words = about_waits(replace(made, waits=waits))
    assert words.startswith("Messages of s take 1 s on average, 100 % of it ")
    assert len(words) > 55


def test_there_may_be_nothing_to_say():
    made = with_waits(build({"s": {"g": Group()}}))
    assert about_waits(replace(made, waits=made.waits.assign(mean_s=0.0))) == (
        "No message takes any time"
    )
    assert about_waits(football()) == "It was not measured where the time goes"


def test_a_line_for_each_system_that_falls_behind_of_its_worst_group():
    lines = where_time_went(with_waits(football()), 100)
    assert lines == [
        "sqs_single: 1 h 1 min a message: all consumers busy 99 %",
        "sqs_fanout.analytics: 16 min a message: delay asked for 92 %, no owner 4 %, other 4 %",
    ]
    assert where_time_went(football(), 100) == []
    assert where_time_went(with_waits(tables_of("calm")), 100) == []


@pytest.mark.parametrize("width", [78, 100, 140])
def test_as_many_parts_as_have_room_in_a_line(width):
    lines = where_time_went(with_waits(tables_of("hopeless")), width)
    assert len(lines) >= 4
    assert all(len(line) <= width for line in lines), lines
    wide = where_time_went(with_waits(tables_of("hopeless")), 300)
    assert all(
        len(more.split(",")) >= len(few.split(",")) for more, few in zip(wide, lines, strict=True)
    )


def test_a_limit_that_acts_in_many_places_is_one_with_their_sums():
    each = [PREFETCH._replace(target=f"all.{i}", times=i + 1, last_s=10.0 + i) for i in range(5)]
    found = acted(with_limits(football(), {"sqs_single.all": [VISIBILITY, *each]}).limits)
    assert [limit.key for limit in found] == ["prefetch_count", "VisibilityTimeout"]
    assert found[0] == ActedLimit(
        "sqs_single", "all", "prefetch_count", "queues.all.prefetch_count", "1", "held",
        ["all.0", "all.1", "all.2", "all.3", "all.4"], 15, 9.0, 14.0,
    )  # fmt: skip
    assert (found[0].whom, found[0].name) == ("5 targets", "prefetch_count 1")
    assert (found[1].whom, found[1].name) == ("", "VisibilityTimeout 30s")
    assert acted(football().limits) == []


@pytest.mark.parametrize(("times", "words"), [(1, "once"), (2, "2 times"), (1_234, "1,234 times")])
def test_how_often_in_words(times, words):
    assert often(times) == words
