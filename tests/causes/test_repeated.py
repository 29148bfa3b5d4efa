"""Explanations of many runs: how often a cause is first, and what its remedy leaves."""

from dataclasses import replace

from helpers.incidents import incident, queue
from sim.causes.data import (
    Cause,
    CauseKind,
    Counterfactual,
    Explained,
    Explanation,
    Harm,
    Hypothesis,
)
from sim.causes.repeated import paragraphs, repeat, together


def cause(name, left):
    hypothesis = Hypothesis(
        name, CauseKind.LIMIT, name, f"systems.s.{name}", "1", "2", (), f"{name} is short",
        f"with {name} 2", "",
    )  # fmt: skip
    trial = Counterfactual([hypothesis], {"lost": left, "unfinished": 0.0}, {"lost": 1.0})
    return Cause(trial, "lost", f"{name} is short: with {name} 2, {int(left)} are lost")


def explanation(value, *causes):
    harm = Harm("lost", value, 0.0, f"{value} are lost")
    harms = [harm] if value else []
    group = Explained("s", "g", harms, {"lost": list(causes)} if value else {})
    return Explanation("x", [group], 100, 1.0, 1.0, 3)


SIX = [explanation(10.0 + i, cause("a", 2.0 + i), cause("b", 5.0)) for i in range(6)]


def test_a_cause_is_counted_by_how_often_it_is_first():
    (harm,) = together([*SIX[:4], explanation(9.0, cause("b", 4.0), cause("a", 4.0))])
    assert (harm.runs, harm.of) == (5, 5)
    assert [(c.trial, c.first, c.found) for c in harm.causes] == [("a", 4, 5), ("b", 1, 5)]


def test_runs_without_the_harm_are_counted():
    (harm,) = together([*SIX, explanation(0.0)])
    assert (harm.runs, harm.of) == (6, 7)
    assert together([explanation(0.0)] * 3) == []


def test_amounts_have_the_interval_of_their_median():
    (harm,) = together(SIX)
    assert harm.value == (12.5, 10.0, 15.0)
    assert harm.causes[0].left == (4.5, 2.0, 7.0)


def test_it_is_told_in_lines_of_80_columns():
    lines = "\n".join(paragraphs(together(SIX), 80)).split("\n")
    assert max(map(len, lines)) <= 80
    text = " ".join(" ".join(lines).split())
    assert text.startswith(
        "s.g: in 6 of 6 runs, lost: median 12, which lies between 10 and 15 "
        "1. a is short: with a 2. It is named first in 6 of 6 runs (with 95 % confidence in 54 % "
        "of all or more); then 4 are lost (median 4, which lies between 2 and 7)"
    )
    assert "2. b is short: with b 2. It is named first in 0 of 6 runs; then 5 are lost" in text


def test_where_nothing_is_wrong_it_says_so():
    assert list(paragraphs([], 80)) == [
        "Nothing is wrong in any of the runs, so there is nothing to explain."
    ]


def test_each_run_has_the_next_seed():
    slow = {"send": 0, "receive": 0.1, "delete": 0.1}
    scenario = incident(queue(1, latency=slow), work=0.001)
    explanations = repeat(scenario, 2)
    alone = repeat(scenario.with_({"seed": scenario.seed + 1}), 1)
    assert together(explanations[1:]) == together(alone)
    (harm,) = together(explanations)
    assert (harm.kind, harm.causes[0].trial, harm.causes[0].first) == (
        "late", "MaxNumberOfMessages", 2
    )  # fmt: skip
    assert replace(harm, of=3).runs == 2


def test_money_and_slowness_are_told_in_their_own_units():
    def of(kind, value):
        harm = Harm(kind, value, 0.0, "")
        return Explanation("x", [Explained("s", "g", [harm], {kind: []})], 100, 1.0, 1.0, 3)

    (line, *_) = paragraphs(together([of("misstated", 8_444_132.0)] * 6), 80)
    assert line == "s.g: in 6 of 6 runs, the books are wrong by 84,441.32"
    (line, *_) = paragraphs(together([of("slower", 1.5)] * 6), 80)
    assert line == "s.g: in 6 of 6 runs, too slow by 1.5 s"
