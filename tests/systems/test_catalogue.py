"""Every product that a scenario may name is built by something, of its own kind."""

import numpy as np

from sim.engine.system import Setup
from sim.scenario.load import Scenario, available, load
from sim.scenario.products.catalogue import PRODUCTS
from sim.systems.catalogue import build
from sim.traffic.generate import generate

KINDS = {
    "bullmq": "Bullmq",
    "celery": "Celery",
    "kafka": "Kafka",
    "kinesis": "Kinesis",
    "nats": "Nats",
    "postgres": "Postgres",
    "pubsub": "Pubsub",
    "rabbitmq": "Rabbitmq",
    "rabbitmq_stream": "RabbitmqStream",
    "redis_streams": "RedisStreams",
    "rq": "RedisJobs",
    "sidekiq": "RedisJobs",
    "sqs": "Sqs",
}

QUEUES = {"queues": {"q": {"workers": 1, "does": ["work"]}}}
SUBSCRIPTIONS = {"subscriptions": {"q": {"subscribers": 1, "does": ["work"]}}}
OF_A_LIBRARY = {"queues": {"q": {"workers": 1, "does": ["work"], "river": {}}}}
UNSHIPPED = {"bullmq": QUEUES, "postgres": OF_A_LIBRARY, "pubsub": SUBSCRIPTIONS}
UNSHIPPED["nats"] = {"consumers": {"q": {"subscribers": 1, "does": ["work"]}}}
UNSHIPPED["rq"] = QUEUES
UNSHIPPED["sidekiq"] = {"queues": {"q": {"processes": 1, "does": ["work"]}}}
UNSHIPPED["redis_streams"] = {"groups": {"q": {"consumers": 1, "does": ["work"]}}}
"""Products of which no shipped scenario has a system."""
BASE = {
    "name": "small",
    "duration": "10s",
    "workload": {
        "arrivals": {"profile": [{"for": "10s", "rate": "1/s"}]},
        "keys": {"user": {"count": 10}},
        "service": {"work": {"per_message": "10 ms"}},
    },
}


def test_each_product_has_its_system_and_kafka_with_share_groups_another():
    built = {}
    for path in available():
        scenario = load(path).with_({"scale": 0.01})
        messages = None
        for name, config in scenario.systems.items():
            kind = config.product + (".share" if getattr(config, "share_groups", None) else "")
            if kind not in built:
                messages = messages or generate(scenario)
                built[kind] = type(build(Setup(name, scenario, messages, np.arange(10.0)))).__name__
    for product, config in UNSHIPPED.items():
        scenario = Scenario.from_mapping(
            {**BASE, "systems": {"it": {"product": product, **config}}}
        )
        messages = generate(scenario)
        built[product] = type(build(Setup("it", scenario, messages, np.arange(10.0)))).__name__
    assert built == KINDS | {"kafka.share": "SharedKafka"}
    assert tuple(KINDS) == PRODUCTS
