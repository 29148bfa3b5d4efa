"""BullMQ: exact times of small scenarios, by hand, and the incidents that people report."""

import pytest

from sim.causes.explain import explain
from sim.lab import run
from sim.scenario.load import Scenario

STEPS = {step: "0 ms" for step in ("publish", "deliver", "ack")}


def jobs(at_s, work, faults=(), drain="30m", **queue):
    """Jobs that come at given times, for workers of a queue without latencies and ceilings."""
    return Scenario.from_mapping(
        {
            "name": "jobs",
            "drain_limit": drain,
            "workload": {
                "arrivals": {"profile": [{"for": f"{at_s} s", "rate": "1/s"}]},
                "keys": {"user": {"count": 1}},
                "service": {"w": {"per_message": work}},
            },
            "duration": f"{at_s} s",
            "systems": {
                "bull": {
                    "product": "bullmq",
                    "queues": {"q": {"workers": 1, "does": ["w"], **queue}},
                    "latency": STEPS,
                    "ceilings": "off",
                }
            },
            "faults": list(faults),
        }
    )


def told(result):
    (row,) = result.tables.summary.to_dict("records")
    limits = result.tables.limits
    acted = dict(zip(limits["key"], limits["times"], strict=True)) if len(limits) else {}
    return row, acted


def transcoding(**queue):
    """Work of 40 s that keeps the event loop, on workers at their defaults."""
    return jobs(20, "40 s", workers=8, cpu_bound=True, **queue)


def test_BM_04_work_beyond_the_lock_that_keeps_the_loop_runs_twice_and_fails():
    row, acted = told(run(transcoding()))
    assert row["processed"] == row["produced"] == row["double_effects"]
    assert acted["maxStalledCount"] == row["produced"]
    longer, _ = told(run(transcoding(worker={"lockDuration": 90_000})))
    assert longer["double_effects"] == longer["extra_deliveries"] == 0
    first = explain(transcoding(), "bull", "q").groups[0].first
    assert first.key in ("lockDuration", "cpu_bound"), first.said


def test_BM_02_what_a_killed_worker_held_comes_back_and_a_shorter_lock_brings_it_back_sooner():
    kill = {"at": "20 s", "fault": "crash", "target": "bull.q.*", "restart_after": "1 s"}
    its = jobs(60, "5 s", [kill], workers=8, worker={"concurrency": 2})
    row, acted = told(run(its))
    assert row["lost"] == row["double_effects"] == 0
    assert row["extra_deliveries"] == acted["lockDuration"] > 0
    assert 30.0 < row["latency_max_s"] < 65.0
    shorter = its.with_(
        {
            "systems.bull.queues.q.worker.lockDuration": 3_000,
            "systems.bull.queues.q.worker.stalledInterval": 1_000,
        }
    )
    assert told(run(shorter))[0]["latency_max_s"] < 14.0


def test_BM_05_a_limiter_is_the_rate_of_the_queue_and_named_as_the_cause():
    its = jobs(60, "1 ms", worker={"concurrency": 9, "limiter": {"max": 1, "duration": 2_000}})
    row, acted = told(run(its))
    # The first at once, then one each 2 s: so long after the last has come.
    assert row["drain_s"] == pytest.approx(2.0 * row["produced"] - 60.0, abs=3.0)
    assert acted["limiter"] == pytest.approx(row["produced"], abs=3)
    first = explain(its, "bull", "q").groups[0].first
    assert first.path.endswith("worker.limiter"), first.said


def test_BM_06_a_job_that_always_fails_is_tried_as_often_as_attempts_says_and_kept_or_deleted():
    bad = {"at": "10 s", "fault": "poison", "target": "bull.q", "count": 1, "effect": "fail"}
    job = {"attempts": 3, "backoff": {"type": "exponential", "delay": 1_000}}
    row, acted = told(run(jobs(60, "1 ms", [bad], defaultJobOptions=job)))
    assert (row["dead_lettered"], row["lost"], row["extra_deliveries"]) == (1, 0, 2)
    assert acted["attempts"] == 1
    deleted = jobs(60, "1 ms", [bad], defaultJobOptions={**job, "removeOnFail": True})
    row, _ = told(run(deleted))
    assert (row["dead_lettered"], row["lost"]) == (0, 1)


def test_a_delay_is_waited_for_and_is_no_lag_of_the_queue():
    row, _ = told(run(jobs(60, "1 ms", defaultJobOptions={"delay": 5_000})))
    assert row["latency_p50_s"] == pytest.approx(5.001, abs=1e-3)
    waits = run(jobs(60, "1 ms", defaultJobOptions={"delay": 5_000})).tables.waits
    means = waits.set_index("part")["mean_s"]
    assert means["delay asked for"] == pytest.approx(5.0)
    assert means.sum() == pytest.approx(5.001, abs=1e-5)


def test_redis_is_one_thread_and_a_ceiling_of_all_workers():
    """24,800 jobs a second, of which BullMQ's own ten workers reached 16,501."""
    its = jobs(1, "0 ms", workers=40, worker={"concurrency": 500}).with_(
        {
            "workload.arrivals": {"profile": [{"for": "1 s", "rate": "40000/s"}]},
            "systems.bull.ceilings": {},
        }
    )
    row, _ = told(run(its))
    assert row["produced"] / (1.0 + row["drain_s"]) == pytest.approx(24_800, rel=0.02)
