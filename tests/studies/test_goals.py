"""Goals: how they are written, what they are of, and when they are met."""

from math import inf

import pytest

from sim.foundation.errors import LabError
from sim.scenario.needs import Needs
from sim.studies.goals import Goal, goals_of_needs, read_goal

GROUPS = ["counters", "jobs"]
ROW = {
    "produced": 1_000, "lost": 3, "dead_lettered": 1, "unfinished": 0, "double_effects": 4,
    "extra_deliveries": 5, "violations": 6, "wrong_effects": 7, "late": 8, "max_lag": 9,
    "drain_s": 10.0, "max_time_lag_s": 11.0, "latency_max_s": 12.0,
}  # fmt: skip
LATENCY = {0.5: 0.1, 0.99: 1.0, 0.999: 2.0}


@pytest.mark.parametrize(
    ("text", "goal", "said", "value"),
    [
        ("p99 < 2s", Goal("p99", 2.0, True), "p99 < 2 s", 1.0),
        ("p99.9<=500 ms", Goal("p99.9", 0.5), "p99.9 <= 500 ms", 2.0),
        ("p50 < 0.25", Goal("p50", 0.25, True), "p50 < 250 ms", 0.1),
        ("mean < 1m", Goal("mean", 60.0, True), "mean < 1 min", 0.7),
        ("max < 1h", Goal("max", 3600.0, True), "max < 1 h", 12.0),
        ("lost == 0", Goal("lost", 0), "lost == 0", 3.0),
        ("lost <= 0.1 %", Goal("lost", 0.001, of_produced=True), "lost <= 0.1 %", 0.003),
        ("duplicates == 0", Goal("duplicates", 0), "duplicates == 0", 4.0),
        (
            "duplicates_delivered<10", Goal("duplicates_delivered", 10, True),
            "duplicates_delivered < 10", 5.0,
        ),
        ("out_of_order == 0", Goal("out_of_order", 0), "out_of_order == 0", 6.0),
        ("lag <= 10_000", Goal("lag", 10_000), "lag <= 10,000", 9.0),
        ("age_of_oldest < 5s", Goal("age_of_oldest", 5.0, True), "age_of_oldest < 5 s", 11.0),
        ("drained < 10m", Goal("drained", 600.0, True), "drained < 10 min", 10.0),
        ("drained", Goal("unfinished", 0.0), "drained", 0.0),
        (
            "counters.p99.9 < 2s", Goal("p99.9", 2.0, True, group="counters"),
            "counters.p99.9 < 2 s", 2.0,
        ),
        ("jobs.drained", Goal("unfinished", 0.0, group="jobs"), "jobs.drained", 0.0),
        ("max_lag < 5", Goal("lag", 5, True), "lag < 5", 9.0),
        ("latency_p99_s < 2s", Goal("p99", 2.0, True), "p99 < 2 s", 1.0),
    ],
)  # fmt: skip
def test_a_goal_is_read_said_and_looked_up(text, goal, said, value):
    found = read_goal(text, GROUPS)
    assert (found, str(found)) == (goal, said)
    assert found.value(ROW, LATENCY, 0.7) == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("p99", "expected a measure, '<', '<=' or '==', and a limit"),
        ("latency_maks_s < 2s", "unknown measure 'latency_maks_s'; did you mean 'latency_max_s'?"),
        ("lsot == 0", "unknown measure 'lsot'; did you mean 'lost'?"),
        ("blue < 1", "unknown measure 'blue'; known: lost,"),
        ("counter.p99 < 2s", "no group or queue 'counter' here; did you mean 'counters'?"),
        ("counters.lsot == 0", "unknown measure 'lsot'; did you mean 'lost'?"),
        ("p99 > 2s", "a goal is an upper limit"),
        ("lost = 0", "did you mean '=='?"),
        ("lost == 3", "give '<=', or '== 0'"),
        ("p99 == 2s", "p99 is a time, which is never exactly so long"),
        ("p99 < fast", "expected a duration"),
        ("p99 < 2%", "expected a duration"),
        ("lost < some", "expected a whole number"),
        ("p97.5 < 2s", "the next is p98"),
        ("p99.99999 < 2s", "the next is max"),
    ],
)
def test_what_is_no_goal_is_refused_with_what_was_meant(text, said):
    with pytest.raises(LabError) as error:
        read_goal(text, GROUPS)
    assert said in str(error.value)


def test_what_is_unfinished_has_no_end_to_its_latency():
    row = {**ROW, "unfinished": 1}
    for measure in ("p50", "mean", "max"):
        assert Goal(measure, 1.0).value(row, LATENCY, 0.7) == inf
    assert Goal("age_of_oldest", 1.0).value(row, LATENCY, 0.7) == 11.0


def test_a_limit_is_kept_or_not():
    assert Goal("lag", 5).met(5.0)
    assert not Goal("lag", 5, True).met(5.0)
    assert not Goal("p99", 5.0).met(float("nan"))


def test_needs_are_goals_and_those_that_a_run_does_not_show_are_named():
    needs = Needs.model_validate(
        {
            "loss": "0.1 %", "double_effects": "none", "order": "per_key", "max_delay": "10 s",
            "quantile": 0.985, "drain": "1 m", "replay": "required", "consumer_crash": "survives",
            "readers": "independent", "dead_letters": "5 messages",
        }
    )  # fmt: skip
    goals, left = goals_of_needs(needs)
    assert [str(goal) for goal in goals] == [
        "drained", "lost <= 0.1 %", "dead_lettered <= 5", "duplicates == 0", "out_of_order == 0",
        "p99 <= 10 s", "drained <= 1 min",
    ]  # fmt: skip
    assert left == ["replay: required", "consumer_crash: survives", "readers: independent"]
    assert goals_of_needs(Needs()) == ([Goal("unfinished", 0.0)], [])
    whole = Needs.model_validate({"loss": "none", "max_delay": "1 s", "quantile": 1})
    assert [str(goal) for goal in goals_of_needs(whole)[0]] == [
        "drained",
        "lost == 0",
        "max <= 1 s",
    ]
