"""Small scenarios to size, and how."""

from sim.scenario.load import Scenario
from sim.studies.dials import read_dials
from sim.studies.goals import read_goal
from sim.studies.sizing import size_system

WORKERS = "systems.sqs.queues.q.workers"
CONSUMERS = "systems.kafka.groups.g.consumers"
PARTITIONS = "systems.kafka.topic.partitions"


def ideal_queue(work, rate="1/s", duration="20_000 s", **changes):
    """A queue whose calls take no time: workers that compete for messages, as in M/G/c."""
    return _scenario(
        work,
        rate,
        duration,
        {
            "sqs": {
                "product": "sqs",
                "producer": {"threads": 1_000, "batch": 1},
                "latency": {"send": "0 s", "receive": "0 s", "delete": "0 s"},
                "queues": {
                    "q": {
                        "workers": 1,
                        "does": ["job"],
                        "MaxNumberOfMessages": 1,
                        "ReceiveMessageWaitTimeSeconds": 20,
                        "VisibilityTimeout": "12 h",
                    }
                },
            }
        },
    ).with_(changes)


def ideal_log(work, rate="1/s", duration="20_000 s", partitions=12, **changes):
    """A log whose calls take next to no time: consumers with a share of the keys each."""
    return _scenario(
        work,
        rate,
        duration,
        {
            "kafka": {
                "product": "kafka",
                "topic": {"partitions": partitions},
                "partition_key": ["customer"],
                "producer": {"linger.ms": 0},
                "latency": {"produce": "0 s", "fetch": "0 s", "commit": "0 s"},
                "groups": {"g": {"consumers": 1, "does": ["job"], "max.poll.records": 1}},
            }
        },
    ).with_(changes)


def _scenario(work, rate, duration, systems):
    return Scenario.from_mapping(
        {
            "name": "sized",
            "seed": 3,
            "duration": duration,
            "drain_limit": "100 d",
            "workload": {
                "arrivals": {"profile": [{"for": duration, "rate": rate}]},
                "keys": {"customer": {"count": 100_000}},
                "service": {"job": {"per_message": work}},
            },
            "systems": systems,
        }
    )


def sized(scenario, goals, vary, folder, **how):
    """What `sim size` finds, in this process."""
    dials = read_dials(vary, scenario)
    readers = list(scenario.systems[dials[0].system].readers)
    wanted = [read_goal(goal, readers) for goal in goals]
    return size_system(scenario, dials, wanted, folder, jobs=1, **how)
