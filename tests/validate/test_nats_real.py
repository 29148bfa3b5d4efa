"""A real NATS: what comes again after its wait, and what is given up; and what is said without."""

import builtins

import pytest

from helpers.real_plans import real
from sim.foundation.errors import LabError
from sim.scenario.load import Scenario
from sim.traffic.generate import generate
from sim.validate.plan import plan
from sim.validate.real import BrokerMissingError, broker


def _planned(faults=(), **consumer):
    scenario = Scenario.from_mapping(
        {
            "name": "s",
            "duration": "2s",
            "workload": {
                "arrivals": {"profile": [{"for": "2s", "rate": "20/s"}]},
                "keys": {"k": {"count": 3}},
                "service": {"w": {"per_message": "5 ms"}},
            },
            "systems": {
                "s": {
                    "product": "nats",
                    "consumers": {
                        "c": {"subscribers": 2, "does": ["w"], "ack_wait": "1 s", **consumer}
                    },
                }
            },
            "faults": list(faults),
        }
    )
    return plan(scenario, "s", generate(scenario))


def _real():
    pytest.importorskip("nats")
    return real("nats")


POISON = {"at": 0, "fault": "poison", "target": "s.c", "effect": "fail", "count": 2}


@pytest.mark.parametrize(
    ("keys", "waits_s"), [({}, 0.0), ({"fetch": {}}, 0.0), ({"on_failure": "none"}, 1.0)]
)
def test_what_fails_once_comes_again_at_once_or_after_its_wait(tmp_path, keys, waits_s):
    given = _planned([{**POISON, "times": 1}], **keys)
    with _real() as server:
        assert server.versions["NATS"][0].isdigit()
        seen = server.run(given, tmp_path).groups["c"]
    n = len(given.messages)
    assert sorted(seen.executions["message"]) == list(range(n))
    assert seen.deliveries.tolist() == [2, 2] + [1] * (n - 2)
    done_s = seen.executions.sort_values("message")["done_s"].to_numpy()
    assert (done_s - given.messages.created_s)[:2].min() > waits_s


@pytest.mark.parametrize(("keys", "times"), [({"max_deliver": 3}, 3), ({"on_failure": "term"}, 1)])
def test_what_always_fails_is_given_up(tmp_path, keys, times):
    given = _planned([POISON], **keys)
    with _real() as server:
        seen = server.run(given, tmp_path).groups["c"]
    assert seen.dead.tolist() == [True, True] + [False] * (len(given.messages) - 2)
    assert seen.deliveries.tolist()[:2] == [times, times]


def test_what_cannot_be_replayed_is_refused():
    pytest.importorskip("nats")
    from sim.validate import nats_real

    its = object.__new__(nats_real.NatsReal)
    with pytest.raises(LabError, match="more than one message is not replayed"):
        list(its.unmapped(_planned(fetch={"batch": 5})))
    with pytest.raises(LabError, match="in_progress"):
        list(its.unmapped(_planned(fetch={}, in_progress="1 s")))
    assert ["latency" in said for said in its.unmapped(_planned())] == [True]


def test_without_the_client_one_line_says_what_to_do(monkeypatch):
    imported = builtins.__import__

    def missing(name, *rest, **more):
        if name == "sim.validate.nats_real":
            raise ImportError(name)
        return imported(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(BrokerMissingError, match=r"nats\.py is not installed: `make brokers`"):
        broker("nats").make(None)
