"""Arguments, routes and words of a real RabbitMQ, without one."""

import pytest

from helpers.real_plans import real
from sim.foundation.errors import LabError
from sim.scenario.load import Scenario
from sim.scenario.products.rabbitmq import RabbitmqQueue
from sim.traffic.generate import generate
from sim.validate import rabbitmq_real
from sim.validate.plan import plan
from sim.validate.real import BrokerMissingError, broker


def _planned(system, keys=None):
    scenario = Scenario.from_mapping(
        {
            "name": "r",
            "duration": "2s",
            "workload": {
                "arrivals": {"profile": [{"for": "2s", "rate": "20/s"}]},
                "keys": keys or {"k": {"count": 3}},
                "service": {"w": {"per_message": "5 ms"}},
            },
            "systems": {"r": {"product": "rabbitmq", **system}},
        }
    )
    return plan(scenario, "r", generate(scenario))


def _queue(**more):
    return {"q": {"consumers": 2, "does": ["w"], **more}}


def test_arguments_are_those_that_were_given_as_whole_numbers():
    queue = RabbitmqQueue.model_validate(
        {
            "consumers": 1,
            "does": ["w"],
            "arguments": {"x-queue-type": "quorum", "x-delivery-limit": 3, "x-message-ttl": 1500},
        }
    )
    assert rabbitmq_real._arguments(queue) == {
        "x-queue-type": "quorum", "x-delivery-limit": 3, "x-message-ttl": 1500,
    }  # fmt: skip
    assert rabbitmq_real._arguments(queue)["x-message-ttl"].__class__ is int


def test_a_fanout_exchange_needs_no_routes():
    given = _planned({"queues": _queue()})
    assert rabbitmq_real._routes(given) is None
    assert given.groups["q"].rows is None


def test_a_topic_exchange_has_the_key_of_each_message_and_queues_get_theirs():
    given = _planned(
        {
            "exchange": {"type": "topic", "routing_key": ["k"]},
            "queues": _queue(bindings=["k-0"]),
        }
    )
    routes = rabbitmq_real._routes(given)
    assert {headers for _, headers in routes} == {None}
    its = [message for message, (key, _) in enumerate(routes) if key == "k-0"]
    assert given.groups["q"].rows.tolist() == its
    assert 0 < len(its) < len(routes)


def test_a_headers_exchange_has_every_dimension():
    given = _planned(
        {
            "exchange": {"type": "headers"},
            "queues": _queue(bindings=[{"arguments": {"k": "k-1"}}]),
        }
    )
    key, headers = rabbitmq_real._routes(given)[0]
    assert key == ""
    assert list(headers) == ["k"]


@pytest.mark.parametrize(
    ("system", "said"),
    [
        ({"queues": _queue(threads=3)}, "works on one message at a time"),
        ({"queues": _queue(), "version": "4.3"}, "the scenario's is 4.3, the broker is 3.10.8"),
    ],
)
def test_what_the_real_one_does_not_have_is_said(system, said):
    real = object.__new__(rabbitmq_real.RabbitmqReal)
    real.versions = {"RabbitMQ": "3.10.8"}
    words = list(real.unmapped(_planned(system)))
    assert any(said in word for word in words), words


def test_an_exchange_of_a_plugin_is_an_error():
    real = object.__new__(rabbitmq_real.RabbitmqReal)
    real.versions = {"RabbitMQ": "3.10.8"}
    hashed = {"exchange": {"type": "x-consistent-hash"}, "queues": _queue(bindings=["1"])}
    with pytest.raises(LabError, match="a plugin, which is not enabled here"):
        list(real.unmapped(_planned(hashed)))


def test_a_broker_of_the_same_rules_is_no_difference():
    real = object.__new__(rabbitmq_real.RabbitmqReal)
    real.versions = {"RabbitMQ": "3.10.8"}
    words = list(real.unmapped(_planned({"queues": _queue(), "version": "3.12"})))
    assert not any("version" in word for word in words)


def test_without_pika_one_line_says_what_to_do(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pika", None)
    with pytest.raises(BrokerMissingError, match=r"^pika is not installed: `make brokers`$"):
        rabbitmq_real.RabbitmqReal("127.0.0.1:1")


def test_it_takes_systems_that_run_on_it():
    kind = broker("rabbitmq")
    celery = {"product": "celery", "queues": {"q": {"workers": 1, "does": ["w"]}}}
    base = _planned({"queues": _queue()}).scenario
    of = base.with_({"systems": {"c": celery}})
    assert kind.takes(base.systems["r"])
    assert kind.takes(of.systems["c"])
    assert not kind.takes(of.with_({"systems.c.broker": "redis"}).systems["c"])


def test_a_real_broker_gives_back_what_a_killed_consumer_held(tmp_path):
    given = _planned({"queues": _queue(prefetch_count=4)})
    scenario = given.scenario.with_(
        {
            "workload.service.w.per_message": "200 ms",
            "faults": [{"at": 1, "fault": "crash", "target": "r.q.0"}],
        }
    )
    given = plan(scenario, "r", given.messages)
    with real("rabbitmq") as broker_of_ours:
        seen = broker_of_ours.run(given, tmp_path).groups["q"]
    n = len(given.messages)
    assert set(seen.executions["message"]) == set(range(n))
    # It was held up to four: one of them may have been done, or just been acknowledged.
    assert len(seen.executions) - n in (0, 1)
    assert (seen.deliveries - 1).sum() in (3, 4)
