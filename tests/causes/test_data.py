from sim.causes.data import SEVERITY, CauseKind, Explained, Explanation, Harm, behind, widened


def test_a_harm_counts_messages_unless_it_is_something_else():
    units = {kind: Harm(kind, 1.0, 0.0, "").unit for kind in SEVERITY}
    assert units == {
        **dict.fromkeys(SEVERITY, "messages"), "late": "s", "slower": "s", "misstated": "cents",
        "wrong_states": "final states", "wrong_results": "results",
    }  # fmt: skip


def test_what_brings_a_loss_may_bring_books_that_are_wrong():
    assert widened(["lost"]) == ["lost", "misstated", "wrong_states", "wrong_results"]
    assert widened(["late"]) == ["late", "slower"]
    assert widened(["unfinished"]) == ["unfinished"]


def test_a_harm_comes_of_others_of_which_there_is_some():
    amounts = {**dict.fromkeys(SEVERITY, 0.0), "misstated": 5.0, "duplicates": 2.0}
    assert behind(["misstated"], amounts) == ["misstated", "duplicates"]
    assert behind(["late"], amounts) == ["late"]


def test_where_nothing_is_wrong_there_is_no_first_cause():
    fine = Explained("s", "g", [])
    assert fine.first is None
    explanation = Explanation("x", [fine], 1, 1.0, 1.0, 0)
    assert (explanation.harmed, explanation.first) == ([], None)


def test_a_limit_that_acted_is_named_before_all_else_and_traffic_last():
    assert min(CauseKind) is CauseKind.LIMIT and max(CauseKind) is CauseKind.TRAFFIC
    assert CauseKind.FAULT < CauseKind.WORKERS
