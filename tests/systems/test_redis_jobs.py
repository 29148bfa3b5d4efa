"""Sidekiq and RQ: exact times of small scenarios, by hand, and the incidents that people report."""

import pytest

from helpers.queues_of_redis import jobs, told
from sim.causes.explain import explain
from sim.lab import run

KILL = {"at": "20 s", "fault": "crash", "target": "it.q.0", "restart_after": "1 s"}
BAD = {"at": "10 s", "fault": "poison", "target": "it.q", "count": 1, "effect": "fail"}


def sidekiq(*args, **its):
    return jobs("sidekiq", *args, **its)


def rq(*args, **its):
    return jobs("rq", *args, **its)


def first_of(scenario):
    return explain(scenario, "it", "q").groups[0].first


def test_SK_01_a_killed_process_loses_the_jobs_that_it_has():
    its = sidekiq(60, "5 s", [KILL])
    row, acted = told(run(its))
    assert 0 < row["lost"] == acted["fetch"] <= 5
    assert row["double_effects"] == 0
    cause = first_of(its)
    assert cause.path == "systems.it.queues.q.config.fetch", cause.said


def test_SK_04_super_fetch_recovers_them_at_the_next_look_for_orphans():
    config = {"fetch": "super_fetch", "orphan_check": 100}
    row, acted = told(run(sidekiq(60, "5 s", [KILL], config=config)))
    assert row["lost"] == row["double_effects"] == 0
    assert row["extra_deliveries"] == acted["orphan_check"] > 0
    # Killed at 20 s, so that its heartbeat has expired at 80 s, and found at 100 s.
    assert 80.0 < row["latency_max_s"] < 95.0


def test_SK_04_a_job_that_kills_its_process_is_recovered_twice_and_then_dead():
    kills = {**BAD, "effect": "kill", "restart_after": "1 s"}
    config = {"fetch": "super_fetch", "orphan_check": 100, "concurrency": 1}
    row, _ = told(run(sidekiq(60, "1 ms", [kills], config=config)))
    assert (row["dead_lettered"], row["lost"], row["extra_deliveries"]) == (1, 0, 2)


def test_SK_02_a_job_is_retried_later_and_later_and_then_dead():
    row, acted = told(run(sidekiq(60, "1 ms", [BAD], sidekiq_options={"retry": 3})))
    assert (row["dead_lettered"], row["extra_deliveries"], acted["retry"]) == (1, 3, 1)
    once = {**BAD, "times": 2}
    row, _ = told(run(sidekiq(60, "1 ms", [once])))
    # 0^4 + 15 + rand(10), and 1^4 + 15 + 2 * rand(10), of whole seconds.
    waited_s = row["latency_max_s"] - 3 * 0.001
    assert waited_s == pytest.approx(round(waited_s), abs=1e-5)
    assert 31.0 <= round(waited_s) <= 31 + 9 + 18


@pytest.mark.parametrize(
    ("options", "lost", "dead"),
    [({"retry": False}, 1, 0), ({"retry": 0}, 0, 1), ({"retry": 0, "dead": False}, 1, 0)],
)
def test_SK_02_what_is_not_retried_is_discarded_or_dead(options, lost, dead):
    row, _ = told(run(sidekiq(60, "1 ms", [BAD], sidekiq_options=options)))
    assert (row["lost"], row["dead_lettered"], row["extra_deliveries"]) == (lost, dead, 0)


def test_SK_03_what_does_not_end_in_time_after_SIGTERM_is_pushed_back_and_runs_again():
    stop = {"at": "12 s", "fault": "terminate", "target": "it.q.0", "restart_after": "1 s"}
    its = sidekiq(20, "40 s", [stop])
    row, _ = told(run(its))
    assert row["lost"] == row["double_effects"] == 0
    assert row["extra_deliveries"] == 5
    patient, _ = told(run(its.with_({"systems.it.queues.q.config.timeout": 60})))
    assert patient["extra_deliveries"] == 0


def test_RB_01_RB_03_a_job_of_a_dead_worker_fails_at_the_next_maintenance_or_is_tried_again():
    its = rq(60, "5 s", [KILL], members=5)
    row, acted = told(run(its))
    assert (row["dead_lettered"], row["lost"], row["double_effects"]) == (1, 0, 0)
    assert acted["maintenance_interval"] == 1
    again, _ = told(run(its.with_({"systems.it.queues.q.job.retry": 1})))
    assert (again["dead_lettered"], again["extra_deliveries"]) == (0, 1)
    # Found at 600 s, the first maintenance after 110 s.
    assert 580.0 < again["latency_max_s"] < 605.0
    cause = first_of(its)
    assert cause.path in ("systems.it.queues.q.job.retry", "faults.0"), cause.said


def test_RB_02_a_job_that_takes_longer_than_job_timeout_is_ended():
    its = rq(10, "20 s", members=9, job={"job_timeout": 15})
    row, acted = told(run(its))
    assert row["dead_lettered"] == row["produced"] == acted["job_timeout"]
    cause = first_of(its)
    assert cause.path == "systems.it.queues.q.job.job_timeout", cause.said


def test_RB_03_a_job_that_fails_is_tried_again_after_an_interval():
    retry = {"max": 2, "interval": 7}
    row, acted = told(run(rq(60, "1 ms", [BAD], job={"retry": retry})))
    assert (row["dead_lettered"], row["extra_deliveries"], acted["retry"]) == (1, 2, 1)
    row, _ = told(run(rq(60, "1 ms", [{**BAD, "times": 2}], job={"retry": retry})))
    assert row["latency_max_s"] == pytest.approx(2 * 7.0 + 3 * 0.001, abs=1e-6)
    # The process that works dies; the worker sees it, and goes on.
    killed = {**BAD, "effect": "kill", "restart_after": "1 s"}
    row, _ = told(run(rq(60, "1 ms", [killed], job={"retry": retry})))
    assert (row["dead_lettered"], row["extra_deliveries"]) == (1, 2)
