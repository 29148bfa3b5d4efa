"""Where dead letters go, and into which queues messages are published."""

from math import inf

import pytest
from pydantic import ValidationError

from sim.foundation.errors import ScenarioError
from sim.scenario.load import Scenario, load
from sim.scenario.products.rabbitmq import RabbitmqSystem
from sim.scenario.products.rabbitmq_dead_letters import (
    delayed_s,
    entries,
    linked,
    only_delayed,
    targets,
)


def system(queues, **more):
    for queue in queues.values():
        if queue.setdefault("consumers", 1):
            queue.setdefault("does", ["job"])
    return RabbitmqSystem.model_validate({"product": "rabbitmq", "queues": queues, **more})


def letters(exchange, key=None, **queue):
    arguments = {"x-dead-letter-exchange": exchange}
    if key is not None:
        arguments["x-dead-letter-routing-key"] = key
    return {"arguments": arguments, **queue}


@pytest.mark.parametrize(
    ("exchange", "key", "to"),
    [
        ("", "work", ["work"]),
        ("anything", "work", ["work"]),
        ("work", None, ["work"]),
        ("dlx", "failed", ["aside"]),
        ("dlx", "other", []),
        ("", "nowhere", []),
        ("nowhere", None, []),
    ],
)
def test_RQ_16_a_binding_a_routing_key_or_the_name_of_the_exchange_says_where_they_go(
    exchange, key, to
):
    bound = {"bindings": [{"source": "dlx", "routing_key": "failed"}]}
    its = system({"q": letters(exchange, key), "work": {}, "aside": bound})
    assert targets(its.queues) == {"q": to}
    assert linked(its.queues) == ({"q": to[0]} if to else {})


@pytest.mark.parametrize(
    ("queues", "into"),
    [
        ({"delay": letters("", "work", consumers=0), "work": {}}, ["delay"]),
        ({"work": letters("", "retry"), "retry": letters("", "work", consumers=0)}, ["work"]),
        (
            {
                "delay": letters("", "work", consumers=0),
                "work": letters("", "retry"),
                "retry": letters("", "work", consumers=0),
            },
            ["delay"],
        ),
        ({"work": letters("", "work"), "other": {}}, ["work", "other"]),
        ({"a": letters("", "b"), "b": {"bindings": [""]}, "c": {}}, ["b", "c"]),
    ],
)
def test_a_fanout_exchange_publishes_where_no_dead_letters_go(queues, into):
    assert entries(system(queues).queues) == into


def test_what_waits_in_queues_that_nobody_reads_is_on_its_way():
    its = system(
        {
            "first": letters("", "second", consumers=0),
            "second": letters("", "work", consumers=0),
            "work": letters("", "aside"),
            "aside": {"consumers": 0},
        }
    )
    assert only_delayed("work", its.queues) == ["second", "first"]


@pytest.mark.parametrize(
    ("queues", "said"),
    [
        (
            {"delay": letters("work", "work", does=["w"])},
            "'delay: {consumers: 0, arguments: …}' and 'work: {consumers: 1, does: [w]}'",
        ),
        ({"q": {"consumers": 0}}, "no queue has consumers"),
        ({"q": {"consumers": 2, "does": []}}, "a queue with consumers needs 'does'"),
    ],
)
def test_what_cannot_be_is_said_with_what_to_write(queues, said):
    with pytest.raises(ValidationError) as error:
        system(queues, producer={"expiration": [5_000, 1_800_000]})
    assert said in str(error.value)


def test_dead_letters_to_two_queues_are_refused():
    bound = {"bindings": [{"source": "dlx"}]}
    with pytest.raises(ValidationError, match="'a' and 'b'; the lab follows one copy"):
        system({"q": letters("dlx"), "a": dict(bound), "b": dict(bound)})


@pytest.mark.parametrize("given", ["soon", {"a": {"x": 1}, "b": {"y": 2}}, {"a": 5}])
def test_an_expiration_is_one_time_several_or_by_one_dimension(given):
    with pytest.raises(ValidationError):
        system({"q": {}}, producer={"expiration": given})


def test_what_is_wrong_with_an_expiration_is_told_once():
    data = load("rabbitmq_prefetch").model_dump(mode="json", by_alias=True)
    path = "systems.no_limit.producer.expiration"
    for given, said in (
        ("5h-3", ": expected a duration such as"),
        (["1 s", "x"], ".1: expected a duration such as"),
        ({"sensor": {"0": "x"}}, ".sensor.0: expected a duration such as"),
    ):
        data["systems"]["no_limit"]["producer"]["expiration"] = given
        with pytest.raises(ScenarioError) as refused:
            Scenario.from_mapping(data)
        (problem,) = refused.value.problems
        assert f"{problem.path}: {problem.message}".startswith(f"{path}{said}")


def test_keys_without_effect_are_named():
    aside = {"consumers": 0, "does": ["job"], "prefetch_count": 5}
    its = system({"q": letters("dlx", "dead"), "aside": aside})
    found = {path[-1]: why for path, why in its.without_effect()}
    assert set(found) == {"x-dead-letter-routing-key", "does", "prefetch_count", "consumers"}
    assert found["x-dead-letter-routing-key"].startswith("'dead' is no queue of this system")


def test_what_a_delay_queue_asks_for_is_its_time_to_live():
    delay = letters("", "work", consumers=0)
    delay["arguments"]["x-message-ttl"] = 30_000
    retry = letters("", "work", consumers=0)
    retry["arguments"]["x-message-ttl"] = 90_000
    its = system({"delay": delay, "work": letters("", "retry"), "retry": retry})
    assert delayed_s("work", its.queues, inf) == 30.0
    assert delayed_s("work", its.queues, 5.0) == 5.0
    its = system({"delay": letters("", "work", consumers=0), "work": {}})
    assert delayed_s("work", its.queues, inf) == 0.0
    mixed = system({"q": {}}, producer={"expiration": [5_000, None, "2000"]})
    assert mixed.producer.soonest_s == 2.0
