"""Plants in subscriptions of Pub/Sub. Names as in `helpers.planted`."""

import random
from typing import Any

from helpers.planted import Kind, Part, Plant, scenario_of

AT = "systems.s.subscriptions.g"


def pubsub(subscription: dict[str, Any], **publisher: Any) -> dict[str, Any]:
    """A topic with one subscription."""
    its = {"does": ["g"], **subscription}
    return {"product": "pubsub", "publisher": publisher, "subscriptions": {"g": its}}


def deadline_without_extension(rng: random.Random) -> Plant:
    """Nobody extends the deadline, and some work takes longer."""
    subscription = {
        "subscribers": 20,
        "threads": 4,
        "ackDeadlineSeconds": 10,
        "flow_control": {"max_lease_duration": 0, "max_messages": 4},
    }
    slow = {"share": 0.01, "time": f"{rng.randint(14, 30)} s"}
    lease, deadline = f"{AT}.flow_control.max_lease_duration", f"{AT}.ackDeadlineSeconds"
    pause = {"at": "40s", "fault": "pause", "target": "s.g.1", "for": "1s"}
    decoy = rng.random() < 0.8
    return Plant(
        "work longer than a deadline that nobody extends",
        scenario_of(
            pubsub(subscription), [(120, 60)], {"per_message": "30 ms", "slow": slow},
            faults=[pause] if decoy else [], drain_limit="20m",
        ),
        "double_effects",
        (Part((lease, deadline), {lease: 3_600}),),
        Part(("faults.0",), {"faults.0": None}) if decoy else None,
    )  # fmt: skip


PUBSUB: tuple[Kind, ...] = (deadline_without_extension,)
"""Every kind in a subscription of Pub/Sub."""
