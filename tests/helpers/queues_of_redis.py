"""Small scenarios of job queues in Redis, and what came of a run."""

from sim.scenario.load import Scenario

MEMBERS = {"sidekiq": "processes", "rq": "workers"}


def jobs(product, for_s, work, faults=(), rate="1/s", members=1, drain="30m", **queue):
    """Jobs that come at given times, for a queue without latencies and ceilings."""
    return Scenario.from_mapping(
        {
            "name": "jobs",
            "drain_limit": drain,
            "duration": f"{for_s} s",
            "workload": {
                "arrivals": {"profile": [{"for": f"{for_s} s", "rate": rate}]},
                "keys": {"user": {"count": 1}},
                "service": {"w": {"per_message": work}},
            },
            "systems": {
                "it": {
                    "product": product,
                    "queues": {"q": {MEMBERS[product]: members, "does": ["w"], **queue}},
                    "latency": dict.fromkeys(("publish", "deliver", "ack"), "0 ms"),
                    "ceilings": "off",
                }
            },
            "faults": list(faults),
        }
    )


def told(result):
    """Of the one queue, the row of the summary, and how often each limit acted."""
    (row,) = result.tables.summary.to_dict("records")
    limits = result.tables.limits
    acted = dict(zip(limits["key"], limits["times"], strict=True)) if len(limits) else {}
    return row, acted
