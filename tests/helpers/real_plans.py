"""Plans of a few messages, for tests of `sim validate` that need no broker."""

from typing import Any

from sim.scenario.load import Scenario
from sim.traffic.generate import generate
from sim.validate.plan import Plan, plan


def short(faults: list[dict[str, Any]] | None = None, **more: Any) -> Scenario:
    """Two consumers of a Kafka group ``g``, forty messages in two seconds."""
    return Scenario.from_mapping(
        {
            "name": "short",
            "duration": "2s",
            "workload": {
                "arrivals": {"profile": [{"for": "2s", "rate": "20/s"}]},
                "keys": {"k": {"count": 5}},
                "service": {"w": {"per_message": "5 ms"}},
            },
            "systems": {
                "kafka": {
                    "product": "kafka",
                    "topic": {"partitions": 2},
                    "partition_key": ["k"],
                    "groups": {"g": {"consumers": 2, "does": ["w"]}},
                }
            },
            "faults": faults or [],
            **more,
        }
    )


def planned(faults: list[dict[str, Any]] | None = None, **more: Any) -> Plan:
    """The plan of `short`."""
    scenario = short(faults, **more)
    return plan(scenario, "kafka", generate(scenario))
