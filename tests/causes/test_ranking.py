from dataclasses import replace

from sim.causes.data import SEVERITY, CauseKind, Change, Counterfactual, Harm, Hypothesis
from sim.causes.ranking import cause, idle, ranked, share, worth_a_pair

LATE = Harm("late", 100.0, 10.0, "")


def tried(name, late, kind=CauseKind.SETTING, **others):
    one = Hypothesis(name, kind, name, name, "1", "2", [Change(name, 2)], f"{name} is 1",
                     f"with {name} 2", "nothing")  # fmt: skip
    shares = {**dict.fromkeys(SEVERITY, 0.0), "late": late, **others}
    return Counterfactual([one], {**dict.fromkeys(SEVERITY, 0.0), "late": 100 * (1 - late)}, shares)


def names(*of, harms=(LATE,)):
    return [one.name for one in ranked(of, harms, LATE)]


def test_a_share_is_of_what_was_there():
    assert (share(10.0, 0.0), share(10.0, 5.0), share(10.0, 20.0)) == (1.0, 0.5, -1.0)
    assert share(0.0, 5.0) == 0.0


def test_what_takes_away_most_is_first_and_what_changes_nothing_is_no_cause():
    assert names(tried("a", 0.3), tried("b", 0.9), tried("c", 0.02)) == ["b", "a"]


def test_what_takes_away_hardly_any_of_all_there_is_is_no_cause():
    """Of 12 s, 10 may be: a tenth of what is more is 0.2 s."""
    hardly = Harm("late", 2.0, 10.0, "")
    found = ranked([tried("a", 0.29), tried("b", 0.31), tried("c", 0.2)], [hardly], hardly)
    assert [one.name for one in found] == ["b"]
    missed = Harm("late", 0.1, 10.0, "")
    assert [one.name for one in ranked([tried("a", 0.9)], [missed], missed)] == ["a"]


def test_a_limit_that_acted_comes_before_a_setting_and_workers():
    found = names(
        tried("workers", 1.0, CauseKind.WORKERS),
        tried("setting", 1.0),
        tried("limit", 1.0, CauseKind.LIMIT),
    )
    assert found == ["limit", "setting", "workers"]


def test_a_fault_comes_before_workers_that_help_a_little_more():
    fault, workers = tried("f", 0.85, CauseKind.FAULT), tried("w", 1.0, CauseKind.WORKERS)
    assert names(workers, fault) == ["f", "w"]


def test_of_what_is_alike_the_one_that_helps_against_more_is_first():
    again = Harm("duplicates", 5.0, 0.0, "")
    both = names(tried("a", 1.0), tried("b", 1.0, duplicates=1.0), harms=(LATE, again))
    assert both == ["b", "a"]


def test_pairs_are_tried_only_where_one_is_not_enough():
    assert worth_a_pair([tried("a", 0.95), tried("b", 0.3)], "late", 6) == []
    (pair,) = worth_a_pair([tried("a", 0.5), tried("b", 0.3), tried("c", 0.0)], "late", 6)
    assert [one.name for one in pair] == ["a", "b"]


def test_a_key_is_no_cause_if_what_goes_with_it_does_as_much_alone():
    longer, alone = tried("session", 1.0), tried("session", 0.95)
    assert idle(longer, "late", [longer], {"session": alone})
    assert ranked([longer], [LATE], LATE, {"session": alone}) == []
    half = {"session": tried("session", 0.5)}
    assert ranked([longer], [LATE], LATE, half) == [longer]
    assert not idle(longer, "late", [longer], {"other": alone})


def test_a_pair_is_no_cause_if_one_of_it_does_as_much_alone_or_is_no_cause_itself():
    a, b = tried("a", 0.5), tried("b", 0.3)
    pair = replace(tried("a", 1.0), hypotheses=[*a.hypotheses, *b.hypotheses])
    assert names(a, b, pair) == ["a + b", "a", "b"]
    assert names(tried("a", 0.95), b, pair) == ["a", "b"]
    beside = {"b": tried("b", 0.3)}
    assert [one.name for one in ranked([a, b, pair], [LATE], LATE, beside)] == ["a"]


def test_a_limit_that_only_delays_is_not_the_first_reason_of_a_loss():
    lost = Harm("lost", 9.0, 0.0, "")
    linger = tried("linger", 0.0, CauseKind.LIMIT, lost=1.0)
    linger = replace(linger, hypotheses=[replace(linger.hypotheses[0], helps=("late",))])
    crash = tried("crash", 0.0, CauseKind.FAULT, lost=1.0)
    assert [one.name for one in ranked([linger, crash], [lost], lost)] == ["crash", "linger"]
    assert linger.hypotheses[0].kind_for("late") is CauseKind.LIMIT
    assert linger.hypotheses[0].kind_for("lost") is CauseKind.SETTING


def test_more_partitions_come_after_a_limit_that_they_put_off():
    limit = tried("tolerance", 0.73, CauseKind.LIMIT)
    assert names(tried("partitions", 0.78, CauseKind.LIMIT), limit) == ["tolerance", "partitions"]
    assert names(tried("other", 0.78, CauseKind.LIMIT), limit) == ["other", "tolerance"]
    few = tried("partitions", 1.0, CauseKind.LIMIT)
    assert names(tried("setting", 1.0), few)[0] == "partitions"


def test_a_pair_sets_no_key_twice():
    assert worth_a_pair([tried("a", 0.5), tried("a", 0.3)], "late", 6) == []


def test_a_cause_says_what_it_is_what_is_left_and_what_it_costs():
    said = cause(tried("prefetch", 1.0), LATE).said
    assert said == "prefetch is 1: with prefetch 2, it keeps up (at the cost of: nothing)"
