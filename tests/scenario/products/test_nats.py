"""Fields of streams and consumers of NATS JetStream: defaults, and what is refused or told of."""

import pytest

from sim.foundation.config import keys
from sim.foundation.errors import LabError
from sim.scenario.load import Scenario
from sim.scenario.products.nats import NatsConsumer, NatsStream


def scenario(stream=None, **consumer):
    return Scenario.from_mapping(
        {
            "name": "messages",
            "duration": "10s",
            "workload": {
                "arrivals": {"profile": [{"for": "10s", "rate": "1/s"}]},
                "keys": {"user": {"count": 10}},
                "service": {"work": {"per_message": "10 ms"}},
            },
            "systems": {
                "nats": {
                    "product": "nats",
                    "consumers": {"c": {"subscribers": 1, "does": ["work"], **consumer}},
                    "stream": stream or {},
                }
            },
        }
    )


def test_defaults_are_those_of_the_server_and_its_clients():
    its, stream = scenario().systems["nats"].consumers["c"], NatsStream()
    assert (its.ack_policy, its.ack_wait, its.max_deliver) == ("explicit", 30.0, -1)
    assert (its.max_ack_pending, its.most) == (1_000, 501)
    assert (stream.max_age, stream.max_msgs) == (0.0, -1)
    fetch = scenario(fetch={}).systems["nats"].consumers["c"].fetch
    assert (fetch.batch, fetch.expires) == (1, 5.0)


@pytest.mark.parametrize("model", [NatsConsumer, NatsStream])
def test_a_field_is_modelled_or_without_effect_and_not_both(model):
    assert not set(model.not_modelled) & keys(model).keys()


@pytest.mark.parametrize(
    ("stream", "consumer", "said"),
    [
        ({"num_replicas": 3}, {}, "no server fails here"),
        ({}, {"backoff": ["1s"]}, "is not modelled"),
        ({}, {"ack_policy": "none", "ack_wait": "5s"}, "nothing is pending"),
        ({}, {"on_failure": "term", "nak_delay": "5s"}, "only with 'on_failure: nak'"),
    ],
)
def test_a_field_without_effect_is_told_of(stream, consumer, said):
    (warning,) = scenario(stream, **consumer).warnings
    assert said in warning


@pytest.mark.parametrize(
    ("consumer", "said"),
    [
        ({"ack_wait": 30_000_000_000}, "write '30s'"),
        ({"consume": {}, "fetch": {}}, "either 'consume' or 'fetch'"),
        ({"in_progress": "5s"}, "with 'fetch' only"),
        ({"max_deliver": 0}, "-1, for no limit"),
        ({"max_ack_pendin": 5}, "max_ack_pending"),
    ],
)
def test_a_wrong_value_is_one_clear_message(consumer, said):
    with pytest.raises(LabError, match=r"systems\.nats\.consumers\.c") as raised:
        scenario(**consumer)
    assert said in str(raised.value)


def test_a_stream_keeps_at_least_one_message():
    with pytest.raises(LabError, match="at least 1"):
        scenario({"max_msgs": 0})
