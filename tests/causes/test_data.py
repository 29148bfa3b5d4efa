from sim.causes.data import SEVERITY, CauseKind, Explained, Explanation, Harm


def test_a_harm_counts_messages_unless_it_is_late():
    units = {kind: Harm(kind, 1.0, 0.0, "").unit for kind in SEVERITY}
    assert units == {**dict.fromkeys(SEVERITY, "messages"), "late": "s"}


def test_where_nothing_is_wrong_there_is_no_first_cause():
    fine = Explained("s", "g", [])
    assert fine.first is None
    explanation = Explanation("x", [fine], 1, 1.0, 1.0, 0)
    assert (explanation.harmed, explanation.first) == ([], None)


def test_a_limit_that_acted_is_named_before_all_else_and_traffic_last():
    assert min(CauseKind) is CauseKind.LIMIT and max(CauseKind) is CauseKind.TRAFFIC
    assert CauseKind.FAULT < CauseKind.WORKERS
