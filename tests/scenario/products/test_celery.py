"""Celery's settings: defaults by transport, and what is accepted without effect."""

import pytest
from pydantic import ValidationError

from sim.foundation.units import Distribution, lognormal
from sim.scenario.products.celery import (
    CeleryQueue,
    CeleryQueueArguments,
    CelerySettings,
    CelerySystem,
    CeleryTask,
)


def system(**given):
    queues = {"q": {"workers": 2, "does": ["job"]}}
    return CelerySystem.model_validate({"product": "celery", "queues": queues} | given)


@pytest.mark.parametrize(
    ("broker", "timeout_s"), [("redis", 3_600.0), ("sqs", 1_800.0), ("rabbitmq", float("inf"))]
)
def test_CE_06_the_visibility_timeout_is_that_of_the_transport(broker, timeout_s):
    assert system(broker=broker).visibility_timeout_s == timeout_s
    options = {"broker_transport_options": {"visibility_timeout": 60}}
    given_s = system(broker=broker, config=options).visibility_timeout_s
    assert given_s == (timeout_s if broker == "rabbitmq" else 60)


def test_RQ_06_a_broker_s_acknowledgement_timeout_holds_for_celery_too():
    queue = {"workers": 1, "does": ["job"], "queue_arguments": {"x-consumer-timeout": 60_000}}
    plain, own = CeleryQueueArguments(), CeleryQueue.model_validate(queue).queue_arguments
    assert system().consumer_timeout_s(plain) == 1_800.0, "of RabbitMQ 4.2"
    assert system().consumer_timeout_s(own) == 60.0
    assert system(consumer_timeout=None).consumer_timeout_s(plain) == float("inf")
    assert system(broker_version="4.3").consumer_timeout_s(plain) == float("inf")
    assert system(broker="redis").consumer_timeout_s(plain) == float("inf")
    for given, said in (
        ({"broker_version": "4.3"}, "is of quorum queues, from RabbitMQ 4.3; this is 4.3"),
        ({"broker": "redis"}, "'x-consumer-timeout' is of RabbitMQ"),
    ):
        with pytest.raises(ValidationError, match=said):
            system(queues={"q": queue}, **given)


def test_durations_are_those_of_the_transport_unless_they_are_given():
    own = Distribution(constant=0.5)
    assert system(broker="sqs").duration_of("ack") == lognormal(0.012, 0.080)
    for broker, one_way_s in (("redis", 0.0001), ("rabbitmq", 0.00015)):
        assert system(broker=broker).duration_of("publish").constant == one_way_s
    assert system(latency={"deliver": 0.5}).duration_of("deliver") == own


def test_defaults_are_those_of_its_documentation():
    settings = CelerySettings().model_dump()
    settings.pop("broker_transport_options")
    assert settings == {
        "task_acks_late": False,
        "task_reject_on_worker_lost": False,
        "task_acks_on_failure_or_timeout": True,
        "worker_concurrency": 4,
        "worker_prefetch_multiplier": 4,
        "worker_disable_prefetch": False,
        "worker_soft_shutdown_timeout": 0.0,
        "worker_enable_soft_shutdown_on_idle": False,
        "broker_heartbeat": 120.0,
    }
    task = CeleryTask()
    assert (task.max_retries, task.default_retry_delay, task.retry_backoff_max) == (3, 180, 600)
    assert task.autoretry_for == [] and not task.retry_backoff and task.retry_jitter


def test_settings_without_effect_are_accepted_and_misspelt_ones_are_not():
    assert CelerySettings.model_validate({"result_backend": "rpc://"}) == CelerySettings()
    with pytest.raises(ValidationError, match="Extra inputs"):
        CelerySettings.model_validate({"task_ack_late": True})


def test_keys_of_retries_need_something_to_retry():
    def idle(**task):
        its = {"q": {"workers": 2, "does": ["job"], "task": task}}
        return list(system(queues=its).without_effect())

    why = "has an effect only with 'autoretry_for', which says what to retry"
    assert idle(max_retries=5, retry_jitter=False, countdown=1) == [
        (("queues", "q", "task", "max_retries"), why),
        (("queues", "q", "task", "retry_jitter"), why),
    ]
    assert idle(max_retries=5, autoretry_for=["Exception"]) == idle() == []


def test_options_of_a_task_come_before_settings():
    its = system(config={"task_acks_late": True, "worker_prefetch_multiplier": 7})
    task = CeleryTask(acks_late=False, reject_on_worker_lost=True)
    given = its.settings_of(task)
    assert (given.task_acks_late, given.task_reject_on_worker_lost) == (False, True)
    assert given.task_acks_on_failure_or_timeout and given.worker_prefetch_multiplier == 7
    assert its.settings_of(CeleryTask()) == its.config


def test_late_options_need_late_acknowledgements():
    def idle(late, **task):
        its = {"q": {"workers": 2, "does": ["job"], "task": task}}
        return list(system(config={"task_acks_late": late}, queues=its).without_effect())

    why = "has an effect only with 'acks_late'"
    options = {"reject_on_worker_lost": True, "acks_on_failure_or_timeout": False}
    assert idle(False, **options) == [(("queues", "q", "task", key), why) for key in options]
    assert idle(True, **options) == idle(False, acks_late=True, **options) == []
