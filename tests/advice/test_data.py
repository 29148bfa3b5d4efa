"""Presets and prices, as they are shipped."""

from helpers.advice import scenario
from sim.advice.data import Preset, presets, prices
from sim.advice.trial import Bench
from sim.scenario.needs import Needs
from sim.traffic.generate import generate


def test_every_price_in_use_has_a_source_and_is_an_assumption_unless_its_official_page_was_read():
    for preset in presets().values():
        assert set(preset.bill) <= set(prices().prices)
    for name, price in prices().prices.items():
        assert price.source and price.read <= prices().date, name
        assert price.assumption or price.source == price.see, name


def test_every_preset_is_a_system_and_says_what_it_costs():
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
        if preset.only != "publisher":
            assert bench.applies(preset), name


def test_a_product_that_the_lab_does_not_know_does_not_apply():
    s = scenario()
    preset = Preset(title="T", system={"product": "zeromq"}, bill={})
    assert not Bench(s, generate(s), Needs()).applies(preset)
