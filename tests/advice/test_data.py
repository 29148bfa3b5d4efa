"""Presets and prices, as they are shipped."""

from helpers.advice import scenario
from sim.advice.data import Preset, presets
from sim.advice.trial import Bench
from sim.scenario.needs import Needs
from sim.traffic.generate import generate


def test_every_preset_is_a_system():
    jobs = {job: {"per_message": "1 ms"} for job in ("one", "two")}
    s = scenario(
        **{
            "workload.service": jobs,
            "systems": {
                "old": {"product": "sqs", "queues": {"q": {"workers": 1, "does": ["one", "two"]}}}
            },
        }
    )
    bench = Bench(s, generate(s), Needs())
    for name, preset in presets().items():
        if preset.only not in ("publisher", "failing"):
            assert bench.why_not(preset) is None, name


def test_a_product_that_the_lab_does_not_know_does_not_apply():
    s = scenario()
    preset = Preset(title="T", system={"product": "zeromq"})
    assert Bench(s, generate(s), Needs()).why_not(preset) is not None
