"""Every product that the lab knows: a system under test is one of them."""

from typing import Annotated, get_args

from pydantic import Field

from sim.scenario.products.bullmq import BullmqSystem
from sim.scenario.products.celery import CelerySystem
from sim.scenario.products.kafka import KafkaSystem
from sim.scenario.products.kinesis import KinesisSystem
from sim.scenario.products.nats import NatsSystem
from sim.scenario.products.postgres import PostgresSystem
from sim.scenario.products.pubsub import PubsubSystem
from sim.scenario.products.rabbitmq import RabbitmqSystem
from sim.scenario.products.rabbitmq_stream import RabbitmqStreamSystem
from sim.scenario.products.redis_streams import RedisStreamsSystem
from sim.scenario.products.rq import RqSystem
from sim.scenario.products.sidekiq import SidekiqSystem
from sim.scenario.products.sqs import SqsSystem

System = Annotated[
    BullmqSystem
    | CelerySystem
    | KafkaSystem
    | KinesisSystem
    | NatsSystem
    | PostgresSystem
    | PubsubSystem
    | RabbitmqSystem
    | RabbitmqStreamSystem
    | RedisStreamsSystem
    | RqSystem
    | SidekiqSystem
    | SqsSystem,
    Field(discriminator="product"),
]
"""Any system under test; `product` says which."""

PRODUCTS = tuple(
    name
    for system in get_args(get_args(System)[0])
    for name in get_args(system.model_fields["product"].annotation)
)
"""Their names, as `product` gives them."""
