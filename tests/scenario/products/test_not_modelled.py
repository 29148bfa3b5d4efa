"""Every documented key of every product is known: modelled, or accepted with a reason.

`tests/data/documented/` has the keys that products document; `tests/tools/documented.py` reads them
from what their makers publish, and writes them again for a new version.
"""

import importlib
import pkgutil
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import sim.scenario.faults
import sim.scenario.products
from sim.foundation.config import Config, keys, pattern
from sim.foundation.errors import LabError
from sim.scenario.faults.groups import Scaler
from sim.scenario.load import load
from sim.scenario.products.aws_lambda import ProvisionedPollerConfig, ScalingConfig, SqsFunction
from sim.scenario.products.bullmq import BullmqBackoff, BullmqJob, BullmqLimiter, BullmqWorker
from sim.scenario.products.celery import CelerySettings, CeleryTask, TransportOptions
from sim.scenario.products.kafka_brokers import KafkaBrokers
from sim.scenario.products.kafka_consumer import ConsumerGroup
from sim.scenario.products.kafka_producer import KafkaProducer
from sim.scenario.products.kafka_retry_topics import BackOff, RetryableTopic
from sim.scenario.products.kafka_share import ShareGroup
from sim.scenario.products.kafka_topic import KafkaTopic
from sim.scenario.products.kinesis import KinesisApplication, KinesisProducer, KinesisStream
from sim.scenario.products.kinesis_lambda import DestinationConfig, KinesisFunction
from sim.scenario.products.nats import NatsConsumer, NatsStream
from sim.scenario.products.not_modelled import NotModelled, products, sections
from sim.scenario.products.postgres_libraries import (
    GraphileWorker,
    Oban,
    PgBoss,
    Pgmq,
    River,
    SolidQueue,
)
from sim.scenario.products.pubsub import (
    DeadLetterPolicy,
    FlowControl,
    PubsubPublisher,
    PubsubSubscription,
    PubsubTopic,
    RetryPolicy,
)
from sim.scenario.products.rabbitmq import RabbitmqQueueArguments, RabbitmqSystem
from sim.scenario.products.rabbitmq_exchange import Exchange
from sim.scenario.products.sqs import SqsQueue
from tools import documented

ROOT = Path(__file__).parents[3]
JARS = ROOT / "build" / "brokers" / "kafka"

MODELS: dict[tuple[str, str], tuple[type[Config], ...]] = {
    ("kafka", "producer"): (KafkaProducer,),
    ("kafka", "consumer"): (ConsumerGroup, ShareGroup),
    ("kafka", "group"): (ConsumerGroup, ShareGroup),
    ("kafka", "topic"): (KafkaTopic,),
    ("kafka", "brokers"): (KafkaBrokers,),
    ("librdkafka", "producer"): (KafkaProducer,),
    ("librdkafka", "consumer"): (ConsumerGroup,),
    ("spring", "topics"): (RetryableTopic,),
    ("spring", "backoff"): (BackOff,),
    ("aws", "sqs queue"): (SqsQueue,),
    ("aws", "lambda function"): (SqsFunction, KinesisFunction),
    ("aws", "lambda mapping"): (SqsFunction, KinesisFunction),
    ("aws", "lambda scaling"): (ScalingConfig,),
    ("aws", "lambda pollers"): (ProvisionedPollerConfig,),
    ("aws", "lambda destinations"): (DestinationConfig,),
    ("aws", "kinesis stream"): (KinesisStream,),
    ("kinesis", "producer"): (KinesisProducer,),
    ("kcl", "application"): (KinesisApplication,),
    ("rabbitmq", "arguments"): (RabbitmqQueueArguments,),
    ("rabbitmq", "policies"): (RabbitmqQueueArguments,),
    ("rabbitmq", "policies of exchanges"): (Exchange,),
    ("rabbitmq", "rabbitmq.conf"): (RabbitmqSystem,),
    ("celery", "settings"): (CelerySettings,),
    ("celery", "task"): (CeleryTask,),
    ("celery", "transport options"): (TransportOptions,),
    ("bullmq", "worker"): (BullmqWorker,),
    ("bullmq", "limiter"): (BullmqLimiter,),
    ("bullmq", "job"): (BullmqJob,),
    ("bullmq", "backoff"): (BullmqBackoff,),
    ("nats", "stream"): (NatsStream,),
    ("nats", "consumer"): (NatsConsumer,),
    ("pubsub", "subscription"): (PubsubSubscription,),
    ("pubsub", "topic"): (PubsubTopic,),
    ("pubsub", "dead letters"): (DeadLetterPolicy,),
    ("pubsub", "retries"): (RetryPolicy,),
    ("pubsub", "flow control"): (FlowControl,),
    ("pubsub", "publisher"): (PubsubPublisher,),
    ("pgboss", "options"): (PgBoss,),
    ("river", "options"): (River,),
    ("graphile", "options"): (GraphileWorker,),
    ("oban", "options"): (Oban,),
    ("solidqueue", "options"): (SolidQueue,),
    ("pgmq", "options"): (Pgmq,),
    **{("keda", section): (Scaler,) for section in documented.kept("keda")},
}
"""Where the keys of a section of a product may stand."""


def _models() -> Iterator[type[Config]]:
    for package in (sim.scenario.products, sim.scenario.faults):
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{package.__name__}.{module.name}")
    found = [Config]
    while found:
        model = found.pop()
        yield model
        found += model.__subclasses__()


WITH_KEYS = sorted({m for m in _models() if m.not_modelled}, key=lambda m: m.__name__)


def _as_written(section: str) -> Callable[[str], str]:
    """How a documented key is written in a scenario: a policy's as an argument of the queue."""
    return lambda key: f"x-{key}" if section == "policies" else key


def unknown(product: str, section: str) -> list[str]:
    """Documented keys of a section that a model does not know."""
    return [
        f"{model.__name__}: {key}"
        for model in MODELS[product, section]
        for key in map(_as_written(section), documented.kept(product)[section])
        if key not in keys(model) and key not in model.not_modelled
    ]


@pytest.mark.parametrize(("product", "section"), MODELS)
def test_no_documented_key_is_unknown(product, section):
    assert unknown(product, section) == []


def test_every_list_that_is_kept_is_compared():
    found = {
        (path.stem, section)
        for path in documented.KEPT.glob("*.yaml")
        for section in documented.kept(path.stem)
    }
    assert found == set(MODELS)
    assert {product for product, _ in found} == set(documented.SOURCES)


@pytest.mark.parametrize("model", WITH_KEYS, ids=lambda model: model.__name__)
def test_a_key_is_modelled_or_without_effect_and_never_both(model):
    assert set(model.not_modelled) & keys(model).keys() == set()


@pytest.mark.parametrize("model", WITH_KEYS, ids=lambda model: model.__name__)
def test_each_key_without_effect_says_why(model):
    assert [key for key, why in model.not_modelled.items() if len(why.split()) < 3] == []


@pytest.mark.parametrize("product", products())
def test_a_file_is_sorted_and_has_no_key_twice(product):
    data = documented.yaml(
        Path(sim.scenario.products.__path__[0], f"{product}_not_modelled.yaml").read_text()
    )
    assert data["source"] and list(data["because"]) == sorted(data["because"])
    used = set()
    for section, groups in (data.get("keys") or {}).items():
        assert list(groups) == sorted(groups), section
        listed = [key for text in groups.values() for key in text.split()]
        listed += (data.get("each") or {}).get(section, {})
        assert len(listed) == len(set(listed)), section
        for text in groups.values():
            assert text.split() == sorted(text.split())
        used |= set(groups)
    assert used == set(data["because"])
    for reasons in (data.get("each") or {}).values():
        assert list(reasons) == sorted(reasons)


def test_sections_are_put_together_and_the_later_one_counts():
    both = NotModelled("kafka", "clients", "consumer")
    assert len(both) == len({*sections("kafka")["clients"], *sections("kafka")["consumer"]})
    assert both["check.crcs"] == "no record is damaged on its way"
    assert both["client.id"] == "a name or an address; nothing is looked up by it here"
    assert "check.crc" not in both and dict(both).keys() == set(both)
    with pytest.raises(KeyError):
        both["check.crc"]


SCENARIO = """
name: keys
duration: 1m
workload:
  keys: {user: {count: 20}}
  arrivals: {rate: 50/s}
  service: {work: 4 ms}
systems:
"""


def test_every_key_of_a_broker_is_accepted_with_a_warning_a_reason(tmp_path):
    names = [key for key in documented.kept("kafka")["brokers"] if key not in keys(KafkaBrokers)]
    brokers = "\n".join(f"      {key}: 1" for key in names)
    file = tmp_path / "brokers.yaml"
    file.write_text(
        f"{SCENARIO}  k:\n    product: kafka\n    topic: {{partitions: 4}}\n"
        f"    groups: {{g: {{consumers: 2, does: work}}}}\n    brokers:\n{brokers}\n"
    )
    warnings = load(file).warnings
    assert len(names) > 300
    assert len(warnings) == len({KafkaBrokers.not_modelled[key] for key in names})
    assert all(any(key in line for line in warnings) for key in names)


def test_kafkas_jars_document_what_is_kept():
    if shutil.which("java") is None or not JARS.is_dir():
        pytest.skip("no jars of Kafka (make brokers)")
    assert documented.read("kafka", JARS) == documented.kept("kafka")


@pytest.mark.parametrize("product", ["aws", "celery", "pubsub"])
def test_an_installed_package_documents_what_is_kept(product):
    try:
        found = documented.read(product)
    except ModuleNotFoundError as error:
        pytest.skip(f"{error.name or error} is not installed (validate.lock)")
    assert found == documented.kept(product)


def test_a_key_of_rabbitmq_conf_may_have_names_in_it(tmp_path):
    file = tmp_path / "conf.yaml"
    file.write_text(
        f"{SCENARIO}  r:\n    product: rabbitmq\n    queues: {{q: {{consumers: 2, does: work}}}}\n"
        "    auth_backends.1: internal\n    listeners.tcp.default: 5672\n"
    )
    said = "\n".join(load(file).warnings)
    assert "auth_backends.1: accepted but not modelled: who may connect" in said
    assert "listeners.tcp.default: accepted but not modelled: connections are there" in said
    file.write_text(file.read_text().replace("auth_backends.1:", "auth_backend.1:"))
    with pytest.raises(LabError, match=r"auth_backend\.1: unknown key"):
        load(file)
    schema = re.compile(pattern("auth_backends.$num"))
    assert schema.fullmatch("auth_backends.2") and not schema.fullmatch("auth_backends.2.authn")
