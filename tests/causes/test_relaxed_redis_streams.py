"""Keys of Redis streams that can be causes, and what they are without being one."""

from helpers.incidents import incident
from sim.causes.data import CauseKind
from sim.causes.hypotheses import hypotheses
from sim.causes.relaxed_redis_streams import REDIS_STREAMS
from sim.measure.tables import no_rows

HARMS = ("lost", "unfinished", "dead_lettered", "duplicates", "late")


def keys(work=0.5, xadd=None, **group):
    system = {
        "product": "redis_streams",
        "groups": {"g": {"consumers": 2, "does": ["w"], **group}},
        "XADD": xadd or {},
    }
    found = hypotheses(incident(system, work=work), "s", "g", HARMS, no_rows())
    return {one.name: one for one in found if one.kind <= CauseKind.PROMISE}


def test_each_key_has_another_value_where_it_can_be_a_cause():
    its = keys(
        xadd={"MAXLEN": 5, "MINID": "5 s"}, max_deliveries=3, on_failure="ack",
        reads_own_pending=False, acks_at_once=10,
    )  # fmt: skip
    assert its["max_deliveries"].to == "1000"
    assert its["on_failure"].to == "pending"
    assert {"MAXLEN", "MINID", "reads_own_pending", "acks_at_once", "XAUTOCLAIM"} <= its.keys()


def test_claiming_waits_for_longer_than_a_consumer_has_what_it_was_given():
    assert "min-idle-time: 10000," in keys()["XAUTOCLAIM"].to
    assert "min-idle-time: 60000," in keys(work=3.0)["XAUTOCLAIM"].to  # twice ten entries


def test_a_min_idle_time_may_be_too_short_or_too_long():
    short = keys(work=3.0, XAUTOCLAIM={"min-idle-time": 5_000, "every": 1, "COUNT": 1})
    assert short["min-idle-time"].to == "120000"
    assert "min-idle-time (shorter)" not in short
    long = keys(work=0.1, XAUTOCLAIM={"min-idle-time": 600_000, "every": 60, "COUNT": 1})
    assert long["min-idle-time (shorter)"].to == "60000"
    assert long["every"].to == "1"
    assert "min-idle-time" not in long


def test_what_is_at_rest_is_no_cause():
    its = keys(XREADGROUP={"NOACK": True, "COUNT": 1})
    assert its["NOACK"].to == "false"
    assert not {"XAUTOCLAIM", "MAXLEN", "on_failure", "COUNT", "reads_own_pending"} & its.keys()
    assert len(REDIS_STREAMS) > len(its)
