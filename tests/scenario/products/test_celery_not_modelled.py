"""Settings that Celery has and the lab does not model: none of them is one that it models."""

import pytest

from sim.foundation.config import keys
from sim.scenario.products import celery_not_modelled
from sim.scenario.products.celery import (
    CeleryQueueArguments,
    CelerySettings,
    CeleryTask,
    TransportOptions,
)


@pytest.mark.parametrize(
    ("without_effect", "model", "one"),
    [
        (celery_not_modelled.CONFIG, CelerySettings, "result_backend"),
        (celery_not_modelled.TASK, CeleryTask, "soft_time_limit"),
        (celery_not_modelled.QUEUE_ARGUMENTS, CeleryQueueArguments, "x-max-length"),
        (celery_not_modelled.TRANSPORT_OPTIONS, TransportOptions, "queue_name_prefix"),
    ],
)
def test_a_setting_is_modelled_or_without_effect_and_not_both(without_effect, model, one):
    assert one in without_effect
    assert not set(without_effect) & keys(model).keys()
    assert len(set(without_effect)) == len(without_effect)
