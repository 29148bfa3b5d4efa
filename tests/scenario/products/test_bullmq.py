"""Options of BullMQ: its defaults, what has no effect, and what is refused."""

import pytest

from sim.foundation.config import keys
from sim.foundation.errors import LabError
from sim.scenario.load import Scenario
from sim.scenario.products.bullmq import BullmqJob, BullmqWorker


def scenario(**queue):
    return Scenario.from_mapping(
        {
            "name": "jobs",
            "duration": "10s",
            "workload": {
                "arrivals": {"profile": [{"for": "10s", "rate": "1/s"}]},
                "keys": {"user": {"count": 10}},
                "service": {"work": {"per_message": "10 ms"}},
            },
            "systems": {
                "bull": {
                    "product": "bullmq",
                    "queues": {"q": {"workers": 1, "does": ["work"], **queue}},
                }
            },
        }
    )


def test_defaults_are_those_of_the_documentation():
    worker, job = BullmqWorker(), BullmqJob()
    assert (worker.concurrency, worker.lock_duration, worker.stalled_interval) == (1, 30e3, 30e3)
    assert (worker.max_stalled_count, worker.limiter, worker.lock_renew_time) == (1, None, None)
    assert (job.attempts, job.backoff.delay, job.delay) == (1, 0.0, 0.0)
    queue = scenario().systems["bull"].queues["q"]
    assert queue.renew_s == 7.5  # half of half of 30 s


def test_a_number_is_a_fixed_backoff():
    queue = scenario(defaultJobOptions={"attempts": 3, "backoff": 500}).systems["bull"].queues["q"]
    assert queue.default_job_options.backoff.type == "fixed"
    assert queue.default_job_options.backoff.delay == 500.0


@pytest.mark.parametrize("model", [BullmqWorker, BullmqJob])
def test_an_option_is_modelled_or_without_effect_and_not_both(model):
    assert not set(model.not_modelled) & keys(model).keys()


@pytest.mark.parametrize(
    ("queue", "said"),
    [
        ({"worker": {"drainDelay": 5}}, "drainDelay"),
        ({"defaultJobOptions": {"removeOnComplete": True}}, "removeOnComplete"),
        ({"defaultJobOptions": {"removeOnFail": {"age": 60}}}, "keeps them all, as dead letters"),
        ({"defaultJobOptions": {"removeOnFail": 100}}, "keeps them all, as dead letters"),
        ({"defaultJobOptions": {"backoff": 500}}, "only with 'attempts' of 2 or more"),
        ({"worker": {"skipStalledCheck": True, "maxStalledCount": 2}}, "'skipStalledCheck'"),
        ({"worker": {"skipLockRenewal": True, "lockRenewTime": 5}}, "'skipLockRenewal'"),
    ],
)
def test_an_option_without_effect_is_told_of(queue, said):
    (warning,) = scenario(**queue).warnings
    assert said in warning


@pytest.mark.parametrize(
    "queue",
    [
        {"worker": {"lockDuration": 0}},
        {"worker": {"limiter": {"max": 5}}},
        {"worker": {"lockduration": 5}},
        {"defaultJobOptions": {"backoff": {"type": "linear", "delay": 5}}},
    ],
)
def test_a_wrong_value_is_one_clear_message(queue):
    with pytest.raises(LabError) as raised:
        scenario(**queue)
    assert str(raised.value).count("systems.bull.queues.q") == 1
