"""What was seen, held against the needs."""

from dataclasses import replace
from math import inf

import pytest

from helpers.advice import GOOD
from sim.scenario.needs import Needs
from sim.words.needs_met import judge, keeps_pace, missed

BAD = {
    "max_delay": ({"max_delay": 1.5}, {}, "99 % within 2 s with 3 workers, where 1.5 s"),
    "drain": ({"drain": 0.5}, {}, "drained 1 s after"),
    "loss": ({"loss": "none"}, {"lost": 1}, "1 of 1,000 messages is lost"),
    "loss: 0.5 %": ({"loss": 0.005}, {"lost": 6}, "6 of 1,000 messages are lost"),
    "loss: 5 messages": ({"loss": "5 messages"}, {"lost": 6}, "6 of 1,000 messages are lost"),
    "dead_letters: none": (
        {"dead_letters": "none"}, {"dead_lettered": 1}, "1 of 1,000 messages is dead-lettered"
    ),
    "dead_letters: 0.5 %": (
        {"dead_letters": 0.005}, {"dead_lettered": 6}, "6 of 1,000 messages are dead-lettered"
    ),
    "dead_letters: 5 messages": (
        {"dead_letters": "5 messages"}, {"dead_lettered": 6}, "6 of 1,000 messages are dead-letter"
    ),
    "double_effects": (
        {"double_effects": "none"}, {"double_effects": 2}, "2 duplicates are applied"
    ),
    "order: per_key": (
        {"order": "per_key"}, {"violations": 12}, "12 of 1,000 messages are processed out of order"
    ),
    "order: total": ({"order": "total"}, {"violations": 1}, "1 of 1,000 messages is processed out"),
    "replay": ({"replay": "required"}, {"unrecoverable": 1_000}, "read again, all are gone"),
    "nothing is left": (
        {},
        {"unfinished": 4, "delay_s": inf, "drain_s": inf},
        "4 of 1,000 messages are still unprocessed when the run ends",
    ),
}  # fmt: skip


@pytest.mark.parametrize("need", BAD)
def test_each_need_can_rule_a_system_out(need):
    stated, changed, words = BAD[need]
    bad = [replace(GOOD, **changed)]
    (unmet,) = [j for j in judge(Needs(**stated), bad, replayed=bad) if not j.met]
    assert unmet.need.startswith(need.partition(":")[0])
    assert words in unmet.said
    assert all(j.met for j in judge(Needs(), bad)) == (need != "nothing is left")


@pytest.mark.parametrize("need", BAD)
def test_what_meets_a_need_is_not_ruled_out(need):
    stated = BAD[need][0]
    if stated.get("max_delay") or stated.get("drain"):
        stated = dict.fromkeys(stated, 2.0)
    assert all(j.met for j in judge(Needs(**stated), [GOOD], replayed=[GOOD]))
    if "loss" in stated and stated["loss"] != "none":
        assert all(j.met for j in judge(Needs(**stated), [replace(GOOD, lost=5)]))


@pytest.mark.parametrize(
    ("tolerance", "value", "bound", "unit"),
    [(0.005, 0.005, 0.005, "share"), ("5 messages", 5, 5, "messages")],
)
def test_what_is_tolerated_is_a_share_or_a_number_and_just_so_much_is_met(
    tolerance, value, bound, unit
):
    (_, its) = judge(Needs(dead_letters=tolerance), [replace(GOOD, dead_lettered=5)])
    assert (its.met, its.value, its.bound, its.unit) == (True, value, bound, unit)
    assert its.said == "5 of 1,000 messages are dead-lettered"


def test_what_is_dead_lettered_or_lost_is_not_said_to_be_processed():
    (left,) = judge(Needs(), [GOOD])
    assert left.said == "everything is processed"
    (left,) = judge(Needs(), [replace(GOOD, dead_lettered=1_112)])
    assert left.said == "1,112 are dead-lettered, everything else is processed"
    (left,) = judge(Needs(), [replace(GOOD, dead_lettered=1, lost=2)])
    assert left.said == "1 is dead-lettered and 2 are lost, everything else is processed"


def test_dead_letters_are_named_beside_the_loss_unless_a_need_is_about_them():
    aside = [replace(GOOD, dead_lettered=7)]
    (_, kept) = judge(Needs(loss="none"), aside)
    assert kept.said == "no message is lost, 7 dead-lettered"
    (_, kept, put) = judge(Needs(loss="none", dead_letters="1 %"), aside)
    assert (kept.said, put.said) == (
        "no message is lost",
        "7 of 1,000 messages are dead-lettered",
    )


def test_the_worst_group_counts():
    worst = replace(GOOD, group="late", delay_s=9.0)
    (_, quick) = judge(Needs(max_delay=5.0), [GOOD, worst])
    assert not quick.met
    assert "9 s in late" in quick.said


def test_order_that_only_a_single_worker_keeps_does_not_count():
    one = [replace(GOOD, workers=1)]
    two = [replace(GOOD, workers=2, violations=61)]
    needs = Needs(order="per_key")
    assert all(j.met for j in judge(needs, one))
    (unmet,) = [j for j in judge(needs, one, halting=two) if not j.met]
    assert "61 of 1,000 messages are processed out of order with 2 workers, one of" in unmet.said


def test_a_job_that_holds_up_another_one_rules_a_system_out():
    needs = Needs(readers="independent", max_delay=5.0)
    quick, slow = (replace(GOOD, group=g) for g in ("quick", "slow"))
    alone = [replace(quick, delay_s=2.1), replace(slow, delay_s=900.0)]
    held = [replace(quick, delay_s=700.0), replace(slow, delay_s=900.0)]
    before = [quick, slow]
    assert all(j.met for j in judge(needs, before, slowed=[("slow", alone)]))
    (unmet,) = [j for j in judge(needs, before, slowed=[("slow", held)]) if not j.met]
    assert "quick is delayed by 12 min instead of 2 s" in unmet.said


def test_what_a_job_is_handed_and_does_not_want_rules_a_system_out():
    needs = Needs(routing={"rare": {"kind": ["fraud"]}})
    rare = replace(GOOD, group="rare", produced=20)
    (unmet,) = [j for j in judge(needs, [GOOD, rare]) if not j.met]
    assert unmet.said == "rare is handed 1,000 messages, of which it wants 20"
    assert all(j.met for j in judge(needs, [GOOD, replace(rare, handed=20)]))
    needs = Needs(routing=needs.routing, unwanted="allowed")
    assert all(j.met for j in judge(needs, [GOOD, rare]))


def test_more_workers_are_sought_only_for_the_pace():
    needs = Needs(max_delay=3.0, drain=2.0, loss="none", order="per_key", replay="required")
    assert keeps_pace(needs, replace(GOOD, lost=3, violations=3, unrecoverable=3))
    assert not keeps_pace(needs, replace(GOOD, delay_s=3.1))
    assert not keeps_pace(needs, replace(GOOD, drain_s=2.1))
    assert not keeps_pace(Needs(), replace(GOOD, unfinished=1))


def test_where_something_is_left_it_is_not_said_again_of_the_delay():
    left = replace(GOOD, unfinished=4, delay_s=inf, violations=2)
    unmet = [j for j in judge(Needs(max_delay=1.0, order="per_key"), [left]) if not j.met]
    assert missed(unmet) == (
        "4 of 1,000 messages are still unprocessed when the run ends; 2 of 1,000 messages are "
        "processed out of order with 3 workers (order: per_key)"
    )
    late = [j for j in judge(Needs(max_delay=1.0), [GOOD]) if not j.met]
    assert missed(late) == (
        "99 % within 2 s with 3 workers, where 1 s are allowed (max_delay: 1 s)"
    )
