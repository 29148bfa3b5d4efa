"""Plants beside a sibling that shows what could be, and in books. Names as in `helpers.planted`."""

import random
from typing import Any

from helpers.planted import Kind, Part, Plant, scenario_of
from helpers.planted_logs import kafka, with_second_fault

MODE = "systems.s.applications.g.retrievalMode"


def reads_of_a_shard(rng: random.Random) -> Plant:
    """Five applications poll one shard, which answers five reads a second; a sibling's do not."""
    jobs = ["g", *(f"job{i}" for i in range(4))]
    systems = {name: _stream(jobs, name == "s") for name in ("s", "beside")}
    work = {"per_message": "0.05 ms"}
    more_work = {job: work for job in jobs[1:]}
    faults = []
    decoy = None
    if rng.random() < 0.8:
        faults = [{"at": "40s", "fault": "pause", "target": "s.g.0", "for": "0.3s"}]
        decoy = Part(("faults.0",), {"faults.0": None})
    scenario = scenario_of(
        {}, [(120, rng.uniform(20, 60))], work, more_work=more_work, faults=faults
    )
    scenario["systems"] = systems
    scenario["workload"]["order_by"] = []
    cause = Part((MODE,), {MODE: "FANOUT"})
    return Plant("reads of a shard, beside fan-out", scenario, "latency_p50_s", (cause,), decoy)


def _stream(jobs: list[str], polls: bool) -> dict[str, Any]:
    mode = {"retrievalMode": "POLLING", "idleTimeBetweenReadsInMillis": 200} if polls else {}
    return {
        "product": "kinesis",
        "stream": {"ShardCount": 1},
        "partition_key": ["k"],
        "producer": {"RecordMaxBufferedTime": 10},
        "applications": {job: {"workers": 1, "does": [job], **mode} for job in jobs},
    }


def booked_again(rng: random.Random) -> Plant:
    """A consumer is killed, and naive books have what it had not committed twice."""
    account = {
        "lifecycle": {
            "states": ["open", "paid"],
            "gap": {"constant": 1.0},
            "amount": {"median": 40, "p99": 900},
        }
    }
    at = "systems.s.groups.g.ledger"
    system = kafka({"consumers": 3, "ledger": "naive"}, partition_key=["account"])
    scenario = scenario_of(
        system,
        [(120, rng.uniform(20, 40))],
        {"per_message": "5 ms"},
        keys={"account": account},
        faults=[{"at": "61s", "fault": "crash", "target": "s.g.*", "restart_after": "2s"}],
        needs={"loss": "none"},
    )
    naive, killed = Part((at,), {at: "idempotent"}), Part(("faults.0",), {"faults.0": None})
    plant = Plant("booked again after a crash", scenario, "misstatement_cents", (naive, killed))
    pause = {"at": "20s", "fault": "pause", "target": "s.g.0", "for": "0.2s"}
    return with_second_fault(plant, pause) if rng.random() < 0.8 else plant


BESIDE: tuple[Kind, ...] = (reads_of_a_shard, booked_again)
"""Every kind of these."""
