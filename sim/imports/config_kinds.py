"""The kinds of files that `sim import config` knows, each with what recognises it."""

from collections.abc import Callable
from typing import NamedTuple

from sim.imports import (
    config_aws,
    config_celery,
    config_containers,
    config_kafka,
    config_rabbitmq,
    config_spring,
    config_terraform,
)
from sim.imports.config_file import Source
from sim.imports.config_parts import FileReading
from sim.imports.measured import complaint


class FileKind(NamedTuple):
    """A kind of file."""

    name: str
    """In a list."""
    recognises: Callable[[Source], bool]
    """Whether a file is one; the first that says so reads it."""
    read: Callable[[Source], FileReading]


KINDS = (
    FileKind("Terraform (.tf)", config_terraform.recognises, config_terraform.read),
    FileKind("celeryconfig.py", config_celery.recognises, config_celery.read),
    FileKind("RabbitMQ's definitions", config_rabbitmq.recognises, config_rabbitmq.read),
    FileKind("CloudFormation or SAM", config_aws.is_template, config_aws.template),
    FileKind("serverless.yml", config_aws.is_serverless, config_aws.serverless),
    FileKind("compose", config_containers.is_compose, config_containers.compose),
    FileKind(
        "Kubernetes (KEDA, Strimzi)", config_containers.is_kubernetes, config_containers.kubernetes
    ),
    FileKind("Spring Boot", config_spring.recognises, config_spring.read),
    FileKind("Kafka Connect", config_kafka.is_connect, config_kafka.connect),
    FileKind("a Kafka broker", config_kafka.is_broker, config_kafka.broker),
    FileKind("the JSON of `aws sqs get-queue-attributes`", config_aws.is_attributes,
         config_aws.attributes),
    FileKind("a Kafka client (properties, or JSON of librdkafka)", config_kafka.is_client,
         config_kafka.client),
)  # fmt: skip
"""In the order in which they are asked."""

KNOWN = ", ".join(kind.name for kind in KINDS)
_FORMATS = {
    "python": "Python without a setting of Celery",
    "json": "JSON",
    "yaml": "YAML",
    "hcl": "HCL",
    "properties": "lines of keys and values, or text",
}


def read(source: Source) -> FileReading:
    """What a file says.

    Raises:
        LabError: it is of no kind that the lab knows, or it is unreadable or wrong.
    """
    for kind in KINDS:
        if kind.recognises(source):
            try:
                return kind.read(source)
            except (AttributeError, KeyError, TypeError):  # a list where a mapping should be
                message = f"it has keys of {kind.name}, and another shape inside"
                raise complaint(source.path, message) from None
    what = _FORMATS[source.format]
    raise complaint(source.path, f"an unknown kind of file ({what}); known: {KNOWN}")
