"""How often messages were handed out and processed."""

from hypothesis import given, settings

from helpers.random_outcome import cases, count, made, outcome
from sim.engine.outcome import Fate
from sim.measure.deliveries import messages_per_call, sums


@settings(max_examples=50, deadline=None)
@given(cases())
def test_effects_beyond_the_first_of_each_message_are_double(case):
    assert sums(case.outcome, case.counted)["double_effects"] == (case.effects - 1).clip(0).sum()


def test_deliveries_are_those_of_the_outcome():
    group = outcome([Fate.PROCESSED], [1.0], [3], deliveries=12, extra_deliveries=11, calls=5)
    assert sums(group, count(made([0.0], [0], 1), ["key"], group)) == {
        "deliveries": 12, "extra_deliveries": 11, "double_effects": 2
    }  # fmt: skip
    assert messages_per_call(group) == 2.4
    assert messages_per_call(outcome([Fate.PROCESSED], [1.0], [1], deliveries=0, calls=0)) == 0.0
