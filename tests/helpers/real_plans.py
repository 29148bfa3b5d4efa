"""Plans of a few messages, for tests of `sim validate` that need no broker."""

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sim.scenario.load import Scenario
from sim.traffic.generate import generate
from sim.validate.fleet import RealFleet
from sim.validate.plan import Plan, plan
from sim.validate.real import BrokerMissingError, RealSystem, broker
from sim.validate.replay import Staging

_CLIENT = str(Path(__file__).with_name("fake_client.py"))


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


class NoBroker(Staging):
    """Clients that need none: see `fake_client.py`."""

    quiet_s = 1.0
    settle_s = 0.2

    def consumer(self, plan: Plan, group: str, work: Path, log: Path) -> list[str]:
        """It works on its share."""
        members = str(plan.groups[group].members)
        return [sys.executable, _CLIENT, "consume", str(log), str(log.parent), str(work), members]

    def producer(self, plan: Plan, messages: Path, log: Path) -> list[str]:
        """It says when second 0 is."""
        return [sys.executable, _CLIENT, "produce", str(log), str(log.parent)]

    def begin_s(self, plan: Plan, fleets: Mapping[str, RealFleet]) -> float:
        """Soon."""
        return time.time() + 0.2


def real(name: str) -> RealSystem:
    """A broker that is started when it is entered; skips, with words, where it is not installed."""
    try:
        return broker(name).make(None)
    except BrokerMissingError as error:
        pytest.skip(str(error))
