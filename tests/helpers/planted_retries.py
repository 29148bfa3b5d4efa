"""Plants in retry topics of Kafka. Names as in `helpers.planted`."""

import random

from helpers.planted import Kind, Part, Plant, scenario_of
from helpers.planted_logs import AT, FIRST_FAULT, kafka, with_second_fault


def overtaken_in_a_retry_topic(rng: random.Random) -> Plant:
    """Records that fail once are tried again from a retry topic, behind others of their key."""
    topics = f"{AT}.retry_topics"
    group = {"consumers": 8, "retry_topics": {"attempts": 3, "backoff": rng.randint(3, 8) * 1_000}}
    fails = {"at": "40s", "fault": "poison", "target": "s.g", "effect": "fail", "times": 1}
    in_place = {topics: None, f"{AT}.on_failure": {"attempts": 3, "backoff": 0.1}}
    plant = Plant(
        "overtaken in a retry topic",
        scenario_of(
            kafka(group), [(120, rng.uniform(30, 50))], {"per_message": "5 ms"},
            keys={"k": {"count": 20}}, faults=[{**fails, "count": rng.randint(30, 60)}],
        ),
        "violations",
        (Part((topics,), in_place), FIRST_FAULT),
    )  # fmt: skip
    pause = {"at": "80s", "fault": "pause", "target": "s.g.0", "for": "0.3s"}
    return with_second_fault(plant, pause) if rng.random() < 0.8 else plant


RETRIES: tuple[Kind, ...] = (overtaken_in_a_retry_topic,)
"""Every kind in retry topics."""
