"""Small scenarios with a workload of one's own."""

from sim.scenario.load import Scenario


def scenario(**changes):
    """A small scenario, with dotted changes."""
    data = {
        "name": "test",
        "seed": 3,
        "duration": "100 s",
        "workload": {
            "arrivals": {"profile": [{"for": "100 s", "rate": "500/s"}]},
            "keys": {"video": {"count": 20, "zipf": 1.0}, "kind": {"weights": {"a": 3, "b": 1}}},
            "service": {"job": {"per_message": "1 ms"}},
        },
        "systems": {
            "kafka": {
                "product": "kafka",
                "topic": {"partitions": 4},
                "groups": {"g": {"consumers": 2, "does": ["job"]}},
            }
        },
    }
    return Scenario.from_mapping(data).with_(changes)
