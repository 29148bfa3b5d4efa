"""The products that the lab knows, each configured by its own documented keys and defaults."""

from typing import Annotated

from pydantic import Field

from sim.products.celery import CelerySystem
from sim.products.kafka import KafkaSystem
from sim.products.kinesis import KinesisSystem
from sim.products.rabbitmq import RabbitmqSystem
from sim.products.rabbitmq_stream import RabbitmqStreamSystem
from sim.products.sqs import SqsSystem

System = Annotated[
    CelerySystem | KafkaSystem | KinesisSystem | RabbitmqSystem | RabbitmqStreamSystem | SqsSystem,
    Field(discriminator="product"),
]
"""Any system under test; `product` says which."""
