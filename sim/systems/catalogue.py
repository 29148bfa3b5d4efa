"""What runs each product's configuration: the one list of the systems that the lab can build."""

from collections.abc import Callable, Mapping

from sim.engine.system import Setup, System
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
from sim.systems.bullmq import Bullmq
from sim.systems.celery import Celery
from sim.systems.kafka_share import kafka
from sim.systems.kinesis import Kinesis
from sim.systems.nats import Nats
from sim.systems.postgres import Postgres
from sim.systems.pubsub import Pubsub
from sim.systems.rabbitmq import Rabbitmq
from sim.systems.rabbitmq_stream import RabbitmqStream
from sim.systems.redis_jobs import RedisJobs
from sim.systems.redis_streams import RedisStreams
from sim.systems.sqs import Sqs

_SYSTEMS: Mapping[type, Callable[..., System]] = {
    BullmqSystem: Bullmq,
    CelerySystem: Celery,
    KafkaSystem: kafka,
    KinesisSystem: Kinesis,
    NatsSystem: Nats,
    PostgresSystem: Postgres,
    PubsubSystem: Pubsub,
    RabbitmqSystem: Rabbitmq,
    RabbitmqStreamSystem: RabbitmqStream,
    RedisStreamsSystem: RedisStreams,
    RqSystem: RedisJobs,
    SidekiqSystem: RedisJobs,
    SqsSystem: Sqs,
}


def build(setup: Setup) -> System:
    """The system that ``setup`` names, from its configuration in the scenario."""
    config = setup.scenario.systems[setup.name]
    return _SYSTEMS[type(config)](setup, config)
