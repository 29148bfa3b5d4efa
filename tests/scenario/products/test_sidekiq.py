"""Options of Sidekiq: their defaults, what has no effect, and what is refused."""

import pytest

from helpers.queues_of_redis import jobs
from sim.foundation.config import keys
from sim.foundation.errors import LabError
from sim.scenario.products.sidekiq import SidekiqConfig, SidekiqOptions


def queue(**its):
    return jobs("sidekiq", 10, "10 ms", **its).systems["it"].queues["q"]


def test_defaults_are_those_of_the_documentation():
    its = SidekiqConfig()
    assert (its.concurrency, its.timeout, its.max_retries, its.fetch) == (5, 25.0, 25, "basic")
    assert SidekiqOptions().retry is True
    assert queue().retries == 25
    assert queue(config={"max_retries": 7}).retries == 7
    assert queue(sidekiq_options={"retry": 0}).retries == 0
    assert queue(sidekiq_options={"retry": False}).retries is None


@pytest.mark.parametrize("model", [SidekiqConfig, SidekiqOptions])
def test_an_option_is_modelled_or_without_effect_and_not_both(model):
    assert not set(model.not_modelled) & keys(model).keys()


@pytest.mark.parametrize(
    ("its", "said"),
    [
        ({"config": {"strict": True}}, "strict"),
        ({"config": {"orphan_check": 60}}, "only with 'fetch: super_fetch'"),
        (
            {"config": {"max_retries": 3}, "sidekiq_options": {"retry": 5}},
            "only with 'retry: true'",
        ),
        ({"sidekiq_options": {"retry": False, "dead": False}}, "no effect with 'retry: false'"),
    ],
)
def test_an_option_without_effect_is_told_of(its, said):
    (warning,) = jobs("sidekiq", 10, "10 ms", **its).warnings
    assert said in warning


@pytest.mark.parametrize(
    "its",
    [
        {"config": {"concurrency": 0}},
        {"config": {"fetch": "reliable"}},
        {"sidekiq_options": {"retry": -1}},
    ],
)
def test_a_wrong_value_is_one_clear_message(its):
    with pytest.raises(LabError) as raised:
        jobs("sidekiq", 10, "10 ms", **its)
    assert str(raised.value).count("systems.it.queues.q") == 1
