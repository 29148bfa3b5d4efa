import pytest

from helpers.incidents import incident
from sim.causes.hypotheses import hypotheses
from sim.causes.trials import changed
from sim.measure.tables import no_rows

HARMS = ("lost", "unfinished", "dead_lettered", "duplicates", "out_of_order", "late", "slower")


def pubsub(ordering_key=None, **fields):
    return {
        "product": "pubsub",
        "publisher": {} if ordering_key is None else {"ordering_key": ordering_key},
        "subscriptions": {"g": {"subscribers": 2, "does": ["w"], **fields}},
    }


def found(system):
    scenario = incident(system)
    return scenario, {h.name: h for h in hypotheses(scenario, "s", "g", HARMS, no_rows())}


NO_LEASE = {"flow_control": {"max_lease_duration": 0}, "ackDeadlineSeconds": 10}
ORDERED = {"enableMessageOrdering": True, "retryPolicy": {}, "deadLetterPolicy": {}}


@pytest.mark.parametrize("system", [pubsub(), pubsub(**NO_LEASE), pubsub(["k"], **ORDERED)])
def test_what_a_hypothesis_changes_can_be_run(system):
    scenario, all_of_them = found(system)
    assert all_of_them
    for one in all_of_them.values():
        assert changed(scenario, one.changes) is not None, one.name


def test_the_deadline_is_the_subscriptions_where_nobody_extends_it():
    assert "ackDeadlineSeconds" not in found(pubsub())[1]
    its = found(pubsub(**NO_LEASE))[1]
    assert its["ackDeadlineSeconds"].to == "100"  # ten times
    assert "max_lease_duration (3,600 s)" in its


def test_a_lease_and_an_order_can_be_causes():
    _, its = found(pubsub(["k"], **ORDERED))
    assert its["max_lease_duration"].value == "3600"
    assert its["minimumBackoff"].to == "0"
    assert "enableMessageOrdering" in its and "subscribers x2" in its
