"""Keys of NATS JetStream that can be causes, and what they are without being one."""

from helpers.incidents import incident
from sim.causes.data import CauseKind
from sim.causes.hypotheses import hypotheses
from sim.causes.relaxed_nats import NATS
from sim.measure.tables import no_rows

HARMS = ("lost", "unfinished", "dead_lettered", "duplicates", "late")


def keys(work=0.5, stream=None, **consumer):
    system = {
        "product": "nats",
        "consumers": {"g": {"subscribers": 2, "does": ["w"], **consumer}},
        "stream": stream or {},
    }
    found = hypotheses(incident(system, work=work), "s", "g", HARMS, no_rows())
    return {one.name: one for one in found if one.kind <= CauseKind.PROMISE}


def test_each_key_has_another_value_where_it_can_be_a_cause():
    its = keys(
        stream={"max_age": "60 s", "max_msgs": 50}, max_deliver=3, nak_delay="5 s",
        consume={"MaxMessages": 5},
    )  # fmt: skip
    assert its["max_deliver"].to == its["max_msgs"].to == its["max_ack_pending"].to == "-1"
    assert its["max_age"].to == its["nak_delay"].to == "0"
    assert its["MaxMessages"].to == "1"
    assert its["MaxMessages (100)"].to == "100"


def test_a_wait_is_longer_than_all_that_is_sent_ahead_takes():
    assert keys(work=0.5)["ack_wait"].to == "501"  # twice 501 of half a second
    assert keys(work=0.5, fetch={"batch": 2})["ack_wait"].to == "300"
    long = keys(work=0.1, ack_wait="10 m", fetch={"batch": 10})
    assert long["ack_wait (shorter)"].to == "60"


def test_what_is_at_rest_is_no_cause():
    its = keys(ack_policy="none", fetch={})
    assert its["ack_policy"].to == "explicit"
    assert not {"ack_wait", "max_ack_pending", "max_deliver", "MaxMessages", "max_age"} & its.keys()
    assert len(NATS) > len(its)
