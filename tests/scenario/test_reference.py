"""The reference of keys, against the models and the files that it is read from."""

from typing import get_args

import pytest

from sim.foundation import units
from sim.foundation.config import Config, about
from sim.scenario import load as loading
from sim.scenario.faults.catalogue import FAULTS
from sim.scenario.products.catalogue import PRODUCTS, System
from sim.scenario.products.kafka_consumer import ConsumerGroup
from sim.scenario.products.sqs import SqsQueue
from sim.scenario.reference import PRODUCTS as NAMES
from sim.scenario.reference import parts

PARTS = parts()
SECTIONS = {section.anchor: section for part in PARTS for section in part.sections}
KEYS = {f"{s.anchor}.{key.name}": key for s in SECTIONS.values() for key in s.keys}


def _models_below(annotation):
    if isinstance(annotation, type) and issubclass(annotation, Config):
        yield annotation
    for inner in get_args(annotation):
        if not isinstance(inner, str | int | float):
            yield from _models_below(inner)


def _all_models(model, found):
    if model not in found:
        found.add(model)
        for field in model.model_fields.values():
            for inner in _models_below(field.annotation):
                _all_models(inner, found)
    return found


def test_every_key_of_every_model_is_told_with_its_text():
    """All models that a scenario reaches, found here by a walk of its own."""
    told = {(key.name, key.about.split(" Default: ")[0]) for key in KEYS.values()}
    own = {"fault", "at", "target"}  # of faults: once, where all faults are
    for model in _all_models(loading.Scenario, set()):
        for name, words in about(model).items():
            if not (name in own and model.__module__.startswith("sim.scenario.faults")):
                assert (name, " ".join(words.split())) in told, (model, name)


def test_every_key_without_effect_is_told():
    told = set()
    for section in SECTIONS.values():
        told |= set(section.not_modelled or {})
    for model in _all_models(loading.Scenario, set()):
        assert set(model.not_modelled) <= told


def test_anchors_are_unique():
    sections = [section.anchor for part in PARTS for section in part.sections]
    assert len(sections) == len(set(sections))
    keys = [f"{s.anchor}:{key.name}" for part in PARTS for s in part.sections for key in s.keys]
    assert len(keys) == len(set(keys))


def test_links_go_to_sections_that_are_there():
    there = {f"#{anchor}" for anchor in SECTIONS} | {"#faults"}
    for name, key in KEYS.items():
        for link in key.kind.split("](")[1:]:
            assert link.split(")")[0] in there, name


def test_each_product_and_each_fault_has_a_place():
    titles = [part.title for part in PARTS]
    for product in PRODUCTS:
        assert NAMES.get(product, product) in titles
        assert product in SECTIONS
    assert len(get_args(get_args(System)[0])) == len(PRODUCTS)
    assert {f"faults.{word}" for word in FAULTS} <= set(SECTIONS)


@pytest.mark.parametrize(
    ("key", "kind", "default"),
    [
        ("kafka.groups.max.poll.records", "a whole number over 0", "`500`"),
        ("kafka.groups.max.poll.interval.ms", "a duration over 0, ms", "`300_000 ms` (5 min)"),
        ("kafka.groups.consumers", "a whole number over 0", "required"),
        ("kafka.groups.client", "`java`, `librdkafka`", "`java`"),
        ("kafka.groups.enable.auto.commit", "`true`, `false`", "`true`"),
        ("kafka.groups.session.timeout.ms", "a duration over 0, ms", "not set"),
        ("kafka.topic.retention.ms", "a duration, ms, or -1: no limit", "`604_800_000 ms` (7 d)"),
        ("sqs.queues.MaxNumberOfMessages", "a whole number over 0, to 10", "`1`"),
        ("sqs.queues.VisibilityTimeout", "whole seconds, to 43,200", "`30 s`"),
        ("sqs.queues.MessageRetentionPeriod", "whole seconds, from 60 to 1,209,600",
         "`345_600 s` (4 d)"),
        ("sqs.queues.RedrivePolicy", "[a mapping](#sqs.queues.RedrivePolicy)", "not set"),
        ("workload.arrivals.rate", "a rate, 1/s", "one of them"),
        ("workload.size", "a size over 0, B, to 2,147,483,647", "`300 B`"),
        ("workload.service.per_message", "a duration or [distribution](#values.distribution), s",
         "required"),
        ("scenario.duration", "a duration over 0, s", "no end"),
        ("scenario.about", "a text", "none"),
        ("faults.terminate.grace", "a duration, s", "`30 s`"),
        ("needs.quantile", "a number over 0, to 1", "`0.99`"),
        ("kafka.brokers.replicate", "a duration, s", "`500 us`"),
    ],
)  # fmt: skip
def test_what_is_told_of_a_key(key, kind, default):
    assert (KEYS[key].kind, KEYS[key].default) == (kind, default)


def test_a_default_with_a_source_of_its_own_says_it():
    """What stands under the constant, for SQS's calls, or Kafka's publish latency."""
    produce = KEYS["kafka.latency.produce"]
    assert "OpenMessaging" in produce.about
    assert "github.com/confluentinc/openmessaging-benchmark" in produce.about
    assert produce.default == "p50 `2.146 ms`, p99 `4.349 ms`, p99.9 `17.392 ms`"


def test_a_section_says_where_its_names_are_from():
    assert SECTIONS["kafka.groups"].sources == (
        "https://kafka.apache.org/documentation/#consumerconfigs",
    )
    assert any("API_CreateQueue" in source for source in SECTIONS["sqs.queues"].sources)
    assert SECTIONS["kafka.groups"].path == "systems.NAME.groups.NAME"
    assert SECTIONS["workload.arrivals.profile"].path == "workload.arrivals.profile[]"
    assert SECTIONS["sqs.queues"].one_of == (("workers",), ("lambda",))
    assert SECTIONS["kafka.groups"].not_modelled == ConsumerGroup.not_modelled
    assert SECTIONS["sqs.queues"].not_modelled == SqsQueue.not_modelled


def test_each_unit_of_the_lab_has_words():
    """A new one would be told as a plain number."""
    from sim.scenario.reference import _UNITS

    quantities = {
        name
        for name, alias in vars(units).items()
        if not name.startswith("_")
        and getattr(alias, "__metadata__", None)
        and alias.__origin__ in (int, float)
    }
    assert {name for name in quantities if getattr(units, name) not in _UNITS} == set()


def test_the_anchor_of_a_key_is_none_of_a_section():
    keys = {f"{s.anchor}:{key.name}" for s in SECTIONS.values() for key in s.keys}
    assert not keys & set(SECTIONS)
