"""Every product that the lab knows: a system under test is one of them."""

from typing import Annotated

from pydantic import Field

from sim.scenario.products.celery import CelerySystem
from sim.scenario.products.kafka import KafkaSystem
from sim.scenario.products.kinesis import KinesisSystem
from sim.scenario.products.rabbitmq import RabbitmqSystem
from sim.scenario.products.rabbitmq_stream import RabbitmqStreamSystem
from sim.scenario.products.sqs import SqsSystem

System = Annotated[
    CelerySystem | KafkaSystem | KinesisSystem | RabbitmqSystem | RabbitmqStreamSystem | SqsSystem,
    Field(discriminator="product"),
]
"""Any system under test; `product` says which."""
