"""Keys of BullMQ that can be causes, and what they are without being one."""

from helpers.incidents import incident
from sim.causes.data import CauseKind
from sim.causes.hypotheses import hypotheses
from sim.causes.relaxed_lists import BULLMQ
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
