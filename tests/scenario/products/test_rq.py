"""Options of RQ: their defaults, what has no effect, and what is refused."""

import pytest

from helpers.queues_of_redis import jobs
from sim.foundation.config import keys
from sim.foundation.errors import LabError
from sim.scenario.products.rq import RqJob, RqWorker


def test_defaults_are_those_of_the_source():
    worker, job = RqWorker(), RqJob()
    assert (worker.job_monitoring_interval, worker.maintenance_interval) == (30.0, 600.0)
    assert (job.job_timeout, job.retry) == (180.0, None)
    queue = jobs("rq", 10, "10 ms", job={"retry": 3}).systems["it"].queues["q"]
    assert (queue.heard_s, queue.job.retry.max, queue.job.retry.interval) == (90.0, 3, 0.0)


@pytest.mark.parametrize("model", [RqJob, RqWorker])
def test_an_option_is_modelled_or_without_effect_and_not_both(model):
    assert not set(model.not_modelled) & keys(model).keys()


@pytest.mark.parametrize(
    ("its", "said"),
    [
        ({"job": {"result_ttl": 5}}, "result_ttl"),
        ({"worker": {"worker_ttl": 5}}, "worker_ttl"),
        ({"job": {"retry": {"max": 0, "interval": 5}}}, "only with 'max' of 1 or more"),
    ],
)
def test_an_option_without_effect_is_told_of(its, said):
    (warning,) = jobs("rq", 10, "10 ms", **its).warnings
    assert said in warning


@pytest.mark.parametrize(
    "its",
    [
        {"job": {"job_timeout": 0}},
        {"job": {"retry": {"max": 3, "interval": [10, 30]}}},
        {"worker": {"maintenance_interval": 0}},
    ],
)
def test_a_wrong_value_is_one_clear_message(its):
    with pytest.raises(LabError) as raised:
        jobs("rq", 10, "10 ms", **its)
    assert str(raised.value).count("systems.it.queues.q") == 1
