"""What is said of a size that was found."""

import json

import numpy as np
import pytest

from helpers.sizing import CONSUMERS, PARTITIONS, WORKERS, ideal_log, ideal_queue
from sim.studies.dials import read_dials
from sim.studies.goals import Goal
from sim.studies.sizing import Sized
from sim.studies.sizing_words import as_data, findings, heading, setting, shown_goal, table
from sim.studies.trials import Outcomes

GOALS = [Goal("lost", 0), Goal("p99", 2.0, True)]


def tried(runs, p99_s, refused="", usd=()):
    numbers = np.array([[[0.0, p99_s + 0.01 * i]] for i in range(runs)]).reshape(runs, 1, 2)
    return Outcomes(["q"], GOALS, numbers, refused, np.array(usd))


def found(answer=(3,), verdicts=None, scenario=None, vary=WORKERS, **settings):
    scenario = scenario or ideal_queue("1 s")
    its = settings or {"1": tried(2, np.inf), "2": tried(4, 5.0), "3": tried(40, 1.0),
                       "4": tried(6, 0.5), "5": tried(6, 0.49)}  # fmt: skip
    return Sized(
        scenario, read_dials([vary], scenario), GOALS, ["q"], 0.9, 0.95, 100, answer,
        {(2,): False, (3,): True} if verdicts is None else verdicts,
        {(int(n),): one for n, one in its.items()}, 58, None, ["replay: required"],
    )  # fmt: skip


def test_the_answer_comes_with_how_sure_it_is():
    said = list(findings(found()))
    assert said[0] == (
        "For lost == 0 and p99 < 2 s it takes 3 workers of q: 40 of 40 runs meet them"
    )
    assert said[1] == "Less is too little: with 2 workers of q 0 of 4 runs meet them"
    assert "95 % confidence that at least 90 % of all runs" in said[2]
    assert said[3] == (
        "p99 is 1.2 s with 3 workers, 525 ms with 4; beyond 4 more of them buys little"
    )
    assert said[-2:] == [
        "Held against the goals: q of sqs",
        "Not judged, since no run of the scenario as it is shows it (`sim advise` does): "
        "replay: required",
    ]


def test_what_is_open_is_said_in_the_first_line():
    said = list(findings(found(verdicts={(2,): None, (3,): True})))
    assert said[0] == (
        "For lost == 0 and p99 < 2 s, 3 workers of q will do; whether 2 workers of q would as well "
        "is open: with the answer 40 of 40 runs meet them"
    )
    its = found((3,), {(1,): None, (2,): None, (3,): True, (4,): None})
    assert its.open == [(1,), (2,)]  # more than the answer is of no interest
    assert "whether 1 or 2 workers of q would as well is open" in heading(its)
    none = found(None, {(2,): None, (3,): None})
    assert heading(none).endswith("p99 < 2 s; whether 2 or 3 workers of q would is open")
    assert any("but for what is still open" in words for words in said)
    assert any(words.startswith("Open after 4 runs: with 2 workers of q") for words in said)


def test_the_bill_is_told_and_what_has_fewer_members_but_costs_more():
    log = ideal_log("1 s")
    few, many = tried(4, 1.0, usd=[130.0, 132.0]), tried(40, 1.0, usd=[99.0, 101.0, 7.0])
    its = Sized(log, read_dials([CONSUMERS, PARTITIONS], log), GOALS, ["g"], 0.9, 0.95, 100,
                (3, 4), {(3, 4): True}, {(2, 9): few, (3, 4): many}, 44, None)  # fmt: skip
    said = list(findings(its))
    assert said[0].endswith(
        "it takes 3 consumers of g and 4 partitions: 40 of 40 runs meet them, for 100 USD a month"
    )
    assert (
        "2 consumers of g and 9 partitions look enough, too, but cost more: 131 USD a month" in said
    )
    assert next(table(its)).split()[:6] == [
        "g",
        "consumers",
        "partitions",
        "met",
        "USD/month",
        "p99",
    ]
    assert [row["usd_per_month"] for row in as_data(its)["settings"]] == [131.0, 100.0]


def test_no_answer_comes_with_what_is_missed_and_by_how_much():
    log = ideal_log("1 s", partitions=3)
    its = found(None, {(3,): False}, log, CONSUMERS, **{"3": tried(4, 5.0)})
    said = list(findings(its))
    assert said[0] == "Nothing that was tried is sure to give lost == 0 and p99 < 2 s"
    assert said[1] == "At best, with 3 consumers of g, 0 of 4 runs meet them"
    assert said[2] == "p99 < 2 s is missed in 4 of 4 runs, with a median of 5 s"
    assert said[3].endswith(f"--vary {PARTITIONS}")


def test_a_line_of_the_table_is_a_setting():
    lines = list(table(found()))
    assert max(map(len, lines)) <= 80
    assert lines[0].split() == ["q", "workers", "met", "p99"]
    assert lines[1].split() == ["1", "0", "of", "2", "never"]
    assert lines[3].startswith("> ")
    assert "40 of 40     1.2 s (1.1 s to 1.3 s)" in lines[3]


def test_the_goal_that_tells_most_is_shown():
    assert shown_goal(found()) == 1
    assert heading(found()) == "For lost == 0 and p99 < 2 s it takes 3 workers of q"
    log = ideal_log("1 s")
    its = Sized(log, read_dials([CONSUMERS, PARTITIONS], log), GOALS, ["g"], 0.9, 0.95, 100,
                None, {}, {}, 0, None)  # fmt: skip
    assert setting(its, (1, 12)) == "1 consumer of g and 12 partitions"


def test_plain_data_have_no_number_without_an_end():
    data = json.loads(json.dumps(as_data(found()), allow_nan=False))
    assert data["answer"] == {WORKERS: 3}
    assert [row["verdict"] for row in data["settings"]] == [
        "looked at", "misses", "meets", "looked at", "looked at",
    ]  # fmt: skip
    assert data["settings"][0]["goals"][1] == {
        "goal": "p99 < 2 s", "median": None, "low": None, "high": None,
    }  # fmt: skip
    assert data["settings"][2]["goals"][1]["median"] == pytest.approx(1.195)
