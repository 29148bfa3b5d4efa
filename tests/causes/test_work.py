import pytest

from helpers.incidents import incident, queue
from sim.causes.work import asked_s, batch_s, longest_of, longest_s
from sim.foundation.units import Distribution


def test_the_longest_message_is_a_slow_one():
    scenario = incident(queue(1), work=0.5, slow={"share": 0.1, "time": 20})
    assert longest_s(scenario, "s", "g") == 20.0
    assert batch_s(scenario, "s", "g", 10) == 200.0


def test_without_slow_messages_it_is_the_mean():
    scenario = incident(queue(1), work={"exponential": 2})
    assert longest_s(scenario, "s", "g") == 2.0


def test_a_distribution_without_an_end_is_long():
    assert longest_of(Distribution(constant=3.0)) == 3.0
    assert longest_of(Distribution(exponential=1.5)) == 30.0


def test_a_delay_is_asked_for():
    assert asked_s(incident(queue(1, DelaySeconds=90)), "s", "g") == 90.0
    assert asked_s(incident(queue(1)), "s", "g") == 0.0


@pytest.mark.parametrize("countdown", [0, 600])
def test_so_is_a_countdown(countdown):
    celery = {
        "product": "celery",
        "queues": {"g": {"workers": 1, "does": ["w"], "task": {"countdown": countdown}}},
    }
    assert asked_s(incident(celery), "s", "g") == countdown
