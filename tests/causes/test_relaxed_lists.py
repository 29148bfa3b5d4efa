"""Keys of BullMQ that can be causes, and what they are without being one."""

from helpers.incidents import incident
from sim.causes.data import CauseKind
from sim.causes.hypotheses import hypotheses
from sim.causes.relaxed_lists import BULLMQ, RQ, SIDEKIQ
from sim.measure.tables import no_rows

HARMS = ("lost", "unfinished", "dead_lettered", "duplicates", "late")


def keys(work=0.5, **queue):
    system = {"product": "bullmq", "queues": {"g": {"workers": 2, "does": ["w"], **queue}}}
    found = hypotheses(incident(system, work=work), "s", "g", HARMS, no_rows())
    return {one.name: one for one in found if one.kind <= CauseKind.PROMISE}


def test_each_key_of_a_job_and_a_worker_has_another_value_where_it_can_be_a_cause():
    its = keys(
        cpu_bound=True,
        worker={"limiter": {"max": 1, "duration": 5}, "skipLockRenewal": True},
        defaultJobOptions={"attempts": 2, "backoff": 500, "delay": 5, "removeOnFail": True},
    )
    assert its["cpu_bound"].to == "false"
    assert its["attempts"].to == "1000"
    assert {"limiter", "skipLockRenewal", "backoff", "delay", "removeOnFail"} <= its.keys()


def test_a_lock_outlasts_blocking_work_and_is_no_shorter_than_it():
    its = keys(work=40.0, cpu_bound=True)
    assert its["lockDuration"].to == "300000"
    assert "lockDuration (shorter)" not in its
    assert keys()["lockDuration (shorter)"].to == "3000"


def test_what_is_at_rest_is_no_cause():
    its = keys()
    assert not {"cpu_bound", "limiter", "skipStalledCheck", "removeOnFail"} & its.keys()
    assert len(BULLMQ) > len(its)


def of(product, members, work=0.5, **queue):
    system = {"product": product, "queues": {"g": {members: 2, "does": ["w"], **queue}}}
    found = hypotheses(incident(system, work=work), "s", "g", HARMS, no_rows())
    return {one.name: one for one in found if one.kind <= CauseKind.PROMISE}


def test_keys_of_sidekiq_have_another_value_where_they_can_be_a_cause():
    its = of("sidekiq", "processes", sidekiq_options={"retry": False, "dead": False}, work=30.0)
    assert (its["fetch"].to, its["retry"].to, its["dead"].to) == ("super_fetch", "true", "true")
    assert its["timeout"].to == "60"
    its = of("sidekiq", "processes", config={"fetch": "super_fetch", "concurrency": 50})
    assert its["orphan_check"].to == "60"
    assert not {"fetch", "retry", "timeout", "concurrency"} & its.keys()
    assert len(SIDEKIQ) > len(its)


def test_keys_of_rq_have_another_value_where_they_can_be_a_cause():
    its = of("rq", "workers", job={"job_timeout": 20}, work=30.0)
    assert (its["job_timeout"].to, its["retry"].to) == ("300", "3")
    its = of("rq", "workers", job={"retry": {"max": 3, "interval": 60}})
    assert (its["maintenance_interval"].to, its["retry.interval"].to) == ("60", "0")
    assert not {"job_timeout", "retry"} & its.keys()
    assert len(RQ) > len(its)
