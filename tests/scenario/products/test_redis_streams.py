"""Options of Redis streams: their defaults, what has no effect, and what is refused."""

import pytest

from sim.foundation.config import keys
from sim.foundation.errors import LabError
from sim.scenario.load import Scenario
from sim.scenario.products.redis_streams import (
    StreamAdd,
    StreamClaim,
    StreamGroup,
    StreamNodes,
    StreamRead,
)


def scenario(system=None, **group):
    return Scenario.from_mapping(
        {
            "name": "entries",
            "duration": "10s",
            "workload": {
                "arrivals": {"profile": [{"for": "10s", "rate": "1/s"}]},
                "keys": {"user": {"count": 10}},
                "service": {"work": {"per_message": "10 ms"}},
            },
            "systems": {
                "redis": {
                    "product": "redis_streams",
                    "groups": {"g": {"consumers": 1, "does": ["work"], **group}},
                    **(system or {}),
                }
            },
        }
    )


CLAIM = {"min-idle-time": 60_000, "every": 30}


def test_defaults_are_those_of_the_documentation():
    read, nodes = StreamRead(), StreamNodes()
    assert (read.count, read.block, read.noack) == (10, 2_000.0, False)
    assert (nodes.stream_node_max_entries, nodes.stream_node_max_bytes) == (100, 4_096)
    group = scenario(XAUTOCLAIM=CLAIM).systems["redis"].groups["g"]
    assert (group.xautoclaim.count, group.xautoclaim.min_idle_time) == (100, 60_000.0)
    assert (group.acks_at_once, group.max_deliveries, group.on_failure) == (1, None, "pending")
    assert scenario().systems["redis"].groups["g"].xautoclaim is None
    assert StreamAdd().maxlen is None


@pytest.mark.parametrize("model", [StreamAdd, StreamClaim, StreamRead])
def test_an_option_is_modelled_or_without_effect_and_not_both(model):
    assert not set(model.not_modelled) & keys(model).keys()
    assert set(keys(StreamGroup)) >= {"consumers", "does", "only", "XREADGROUP", "XAUTOCLAIM"}


@pytest.mark.parametrize(
    ("system", "group", "said"),
    [
        ({"XADD": {"approximate": True}}, {}, "only with 'MAXLEN' or 'MINID'"),
        ({"XADD": {"MAXLEN": 5, "LIMIT": 5}}, {}, "LIMIT"),
        ({"config": {"stream-node-max-entries": 5}}, {}, "only where XADD trims"),
        ({}, {"XREADGROUP": {"CLAIM": 60_000}}, "write XAUTOCLAIM"),
        ({}, {"XREADGROUP": {"NOACK": True}, "XAUTOCLAIM": CLAIM}, "nothing is pending"),
        ({}, {"XREADGROUP": {"NOACK": True}, "on_failure": "ack"}, "nothing is pending"),
        ({}, {"max_deliveries": 5, "reads_own_pending": False}, "without 'XAUTOCLAIM'"),
    ],
)
def test_an_option_without_effect_is_told_of(system, group, said):
    (warning,) = scenario(system, **group).warnings
    assert said in warning


@pytest.mark.parametrize(
    ("group", "where"),
    [
        ({"XREADGROUP": {"COUNT": 0}}, "XREADGROUP.COUNT"),
        ({"XAUTOCLAIM": {"every": 30}}, "XAUTOCLAIM.min-idle-time"),
        ({"XAUTOCLAIM": {"min-idle-time": 1}}, "XAUTOCLAIM.every"),
        ({"on_failure": "retry"}, "on_failure"),
        ({"XREADGROUP": {"count": 5}}, "XREADGROUP.count"),
    ],
)
def test_a_wrong_value_is_one_clear_message(group, where):
    with pytest.raises(LabError) as raised:
        scenario(**group)
    assert str(raised.value).count(f"systems.redis.groups.g.{where}") == 1
