"""Whole files as people have them: each is recognised, taken over, and its secrets are not shown.

A file of each kind, and its siblings, with what stands in such files besides: addresses, passwords,
classes, metadata, other services.
"""

import json
from typing import Any, NamedTuple

import pytest

from helpers.configs import imported
from sim.scenario.load import Scenario

SECRET = "hunter2-Zq"
ARN = "arn:aws:sqs:eu-central-1:123456789012:mails"


class Case(NamedTuple):
    """A file, and what is to come of it."""

    name: str
    text: str
    kind: str
    """In the first sentence of what is said."""
    at: tuple[str, ...]
    """A part of the scenario, from its systems."""
    has: dict[str, Any]
    """Attributes of that part."""
    left: str
    """A key that is listed as not taken over, with a reason."""


SPRING = f"""\
spring:
  application: {{name: mail-service}}
  datasource: {{url: jdbc:x, password: {SECRET}}}
  kafka:
    bootstrap-servers: broker-1:9093
    properties: {{security.protocol: SASL_SSL, sasl.jaas.config: "x password='{SECRET}'"}}
    consumer:
      group-id: mails
      auto-offset-reset: latest
      enable-auto-commit: false
      max-poll-records: 20
      value-deserializer: org.springframework.kafka.support.serializer.JsonDeserializer
      properties: {{max.poll.interval.ms: 120000, spring.json.trusted.packages: "a.b"}}
    listener: {{ack-mode: batch, concurrency: 4}}
server: {{port: 8080}}
"""

SPRING_PROPERTIES = f"""\
spring.application.name=mail-service
spring.kafka.bootstrap-servers=broker-1:9093
spring.kafka.ssl.key-store-password={SECRET}
spring.kafka.consumer.group-id=mails
spring.kafka.consumer.max-poll-records=20
spring.kafka.consumer.properties.session.timeout.ms=20000
spring.kafka.listener.concurrency=4
"""

SPRING_RABBIT = f"""\
spring:
  rabbitmq:
    host: mq
    password: {SECRET}
    listener: {{simple: {{concurrency: 3, prefetch: 7}}}}
"""

CONSUMER = f"""\
bootstrap.servers=broker-1.internal:9093
security.protocol=SASL_SSL
sasl.jaas.config=x required username="u" password="{SECRET}";
group.id=mails
value.deserializer=io.confluent.kafka.serializers.KafkaAvroDeserializer
schema.registry.url=https://u:{SECRET}@registry:8081
enable.auto.commit=false
max.poll.records=20
group.instance.id=mails-1
"""

PRODUCER = f"""\
bootstrap.servers=broker-1.internal:9093
ssl.keystore.password={SECRET}
key.serializer=org.apache.kafka.common.serialization.StringSerializer
acks=all
linger.ms=10
"""

LIBRDKAFKA = json.dumps(
    {
        "bootstrap.servers": "broker-1:9093",
        "sasl.password": SECRET,
        "group.id": "mails",
        "enable.auto.commit": False,
        "session.timeout.ms": 20000,
    }
)

BROKER = f"""\
process.roles=broker,controller
node.id=1
listeners=SASL_SSL://:9093
ssl.keystore.password={SECRET}
num.partitions=6
offsets.retention.minutes=1440
"""

CELERY = f"""\
from os import environ
broker_url = "redis://:{SECRET}@redis:6379/0"
result_backend = environ["RESULTS"]
broker_transport_options = {{"visibility_timeout": 5400, "global_keyprefix": "mail-"}}
task_acks_late = True
worker_prefetch_multiplier = 2
task_default_queue = "mails"
"""

DEFINITIONS = json.dumps(
    {
        "rabbit_version": "4.1.0",
        "users": [{"name": "mail", "password_hash": SECRET}],
        "vhosts": [{"name": "/"}],
        "policies": [
            {
                "vhost": "/",
                "name": "bound",
                "pattern": "^mails$",
                "apply-to": "queues",
                "priority": 1,
                "definition": {"delivery-limit": 4, "max-length": 5000},
            }
        ],
        "queues": [
            {
                "name": "mails",
                "vhost": "/",
                "durable": True,
                "arguments": {"x-queue-type": "quorum", "x-max-in-memory-length": 10},
            }
        ],
        "exchanges": [],
        "bindings": [],
    }
)

COMPOSE = f"""\
services:
  db: {{image: "postgres:16", environment: {{POSTGRES_PASSWORD: {SECRET}}}}}
  broker:
    image: apache/kafka:4.1.0
    environment:
      KAFKA_NUM_PARTITIONS: 6
      KAFKA_SSL_KEY_PASSWORD: {SECRET}
      KAFKA_OFFSETS_RETENTION_MINUTES: "1440"
"""

ATTRIBUTES = json.dumps(
    {
        "Attributes": {
            "QueueArn": ARN,
            "KmsMasterKeyId": SECRET,
            "VisibilityTimeout": "75",
            "ReceiveMessageWaitTimeSeconds": "20",
            "RedrivePolicy": json.dumps({"deadLetterTargetArn": f"{ARN}-d", "maxReceiveCount": 4}),
        }
    }
)

TERRAFORM = f"""\
provider "aws" {{ secret_key = "{SECRET}" }}

resource "aws_sqs_queue" "mails" {{
  name                       = "mails"
  visibility_timeout_seconds = 75
  kms_master_key_id          = "{SECRET}"
  redrive_policy = jsonencode({{ deadLetterTargetArn = "{ARN}-d", maxReceiveCount = 4 }})
}}
"""

CLOUDFORMATION = json.dumps(
    {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Resources": {
            "Mails": {
                "Type": "AWS::SQS::Queue",
                "Properties": {
                    "QueueName": "mails",
                    "VisibilityTimeout": 75,
                    "KmsMasterKeyId": SECRET,
                    "RedrivePolicy": {"deadLetterTargetArn": f"{ARN}-d", "maxReceiveCount": 4},
                },
            },
        },
    }
)

SAM = f"""\
Transform: AWS::Serverless-2016-10-31
Resources:
  Mails: {{Type: AWS::SQS::Queue, Properties: {{QueueName: mails, VisibilityTimeout: 75}}}}
  Send:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.13
      Environment: {{Variables: {{TOKEN: {SECRET}}}}}
      Timeout: 15
      Events:
        Mail: {{Type: SQS, Properties: {{Queue: !GetAtt Mails.Arn, BatchSize: 5}}}}
"""

SERVERLESS = f"""\
service: mail
provider: {{name: aws, runtime: nodejs22.x, environment: {{TOKEN: {SECRET}}}}}
functions:
  send:
    handler: h.send
    timeout: 15
    events:
      - sqs: {{arn: "{ARN}", batchSize: 5}}
"""

CONNECT = f"""\
bootstrap.servers=broker-1:9093
group.id=connect-mails
config.storage.topic=c
ssl.truststore.password={SECRET}
consumer.max.poll.records=20
"""

KUBERNETES = f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: mails}}
spec:
  replicas: 3
  template:
    spec:
      containers:
        - name: mails
          image: mails:1
          env:
            - {{name: KAFKA_MAX_POLL_RECORDS, value: "20"}}
            - {{name: KAFKA_SASL_PASSWORD, value: {SECRET}}}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {{name: mails}}
spec:
  scaleTargetRef: {{name: mails}}
  maxReplicaCount: 12
  triggers:
    - type: kafka
      metadata: {{bootstrapServers: b:9092, consumerGroup: mails, topic: t, lagThreshold: "50"}}
"""

GROUP = {"max_poll_records": 20}
QUEUE = ("sqs", "queues", "mails")

CASES = [
    Case(
        "application.yml", SPRING, "a Spring configuration", ("kafka", "groups", "mails"),
        GROUP | {"consumers": 4, "max_poll_interval_ms": 120_000, "auto_offset_reset": "latest"},
        "spring.kafka.consumer.value-deserializer",
    ),
    Case(
        "application.properties", SPRING_PROPERTIES, "a Spring configuration",
        ("kafka", "groups", "mails"), GROUP | {"consumers": 4, "session_timeout_ms": 20_000},
        "spring.kafka.bootstrap-servers",
    ),
    Case(
        "application-prod.yaml", SPRING_RABBIT, "a Spring configuration",
        ("rabbitmq", "queues", "queue"), {"consumers": 3, "prefetch_count": 7},
        "spring.rabbitmq.password",
    ),
    Case(
        "consumer.properties", CONSUMER, "a Kafka consumer", ("kafka", "groups", "mails"),
        GROUP | {"enable_auto_commit": False, "group_instance_id": "mails-1"}, "sasl.jaas.config",
    ),
    Case(
        "producer.properties", PRODUCER, "a Kafka producer", ("kafka", "producer"),
        {"acks": "all", "linger_ms": 10}, "ssl.keystore.password",
    ),
    Case(
        "conf.json", LIBRDKAFKA, "a Kafka consumer", ("kafka", "groups", "mails"),
        {"client": "librdkafka", "session_timeout_ms": 20_000}, "sasl.password",
    ),
    Case(
        "server.properties", BROKER, "Kafka's brokers", ("kafka", "brokers"),
        {"offsets_retention_minutes": 1_440}, "ssl.keystore.password",
    ),
    Case(
        "celeryconfig.py", CELERY, "a Celery configuration", ("celery", "config"),
        {"task_acks_late": True, "worker_prefetch_multiplier": 2}, "broker_url",
    ),
    Case(
        "definitions.json", DEFINITIONS, "RabbitMQ's definitions",
        ("rabbitmq", "queues", "mails", "arguments"),
        {"delivery_limit": 4, "max_length": 5_000}, "users",
    ),
    Case(
        "docker-compose.yml", COMPOSE, "a compose file", ("kafka", "topic"), {"partitions": 6},
        "KAFKA_SSL_KEY_PASSWORD",
    ),
    Case(
        "attributes.json", ATTRIBUTES, "an SQS queue", QUEUE,
        {"visibility_timeout": 75, "receive_message_wait_time_seconds": 20}, "KmsMasterKeyId",
    ),
    Case(
        "main.tf", TERRAFORM, "a Terraform configuration", QUEUE,
        {"visibility_timeout": 75}, "kms_master_key_id",
    ),
    Case(
        "template.json", CLOUDFORMATION, "a CloudFormation or SAM template", QUEUE,
        {"visibility_timeout": 75}, "KmsMasterKeyId",
    ),
    Case(
        "template.yaml", SAM, "a CloudFormation or SAM template", QUEUE,
        {"visibility_timeout": 75}, "Runtime",
    ),
    Case(
        "connect.properties", CONNECT, "a Kafka Connect worker or connector",
        ("kafka", "groups", "connect"), {"max_poll_records": 20}, "ssl.truststore.password",
    ),
    Case(
        "deployment.yaml", KUBERNETES, "Kubernetes manifests", ("kafka", "groups", "mails"),
        {"consumers": 1}, "KAFKA_SASL_PASSWORD",
    ),
    Case("serverless.yml", SERVERLESS, "a Serverless Framework service", QUEUE, {}, "handler"),
]  # fmt: skip


def part(scenario: Scenario, at: tuple[str, ...]) -> Any:
    """The part of a scenario at a path from its systems."""
    found: Any = scenario.systems[at[0]]
    for key in at[1:]:
        found = found[key] if isinstance(found, dict) else getattr(found, key)
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_file_is_recognised_and_taken_over_without_its_secrets(case, tmp_path):
    made, scenario = imported(tmp_path, (case.name, case.text))
    assert f"{case.name} is {case.kind}" in made.said
    assert "0 keys taken over" not in made.said
    found = part(scenario, case.at)
    assert {name: getattr(found, name) for name in case.has} == case.has
    (line,) = (line for line in made.unsaid if case.left in line.partition(": ")[0])
    assert len(line.partition(": ")[2].split()) > 2
    of_failures = "has an effect only with a 'publisher'"
    assert all(of_failures in line for line in scenario.warnings)
    assert SECRET not in made.yaml + made.said + "\n".join(made.unsaid)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_key_is_listed_once_at_most(case, tmp_path):
    made, _ = imported(tmp_path, (case.name, case.text))
    listed = [
        key
        for line in made.unsaid
        for key in line.partition(": ")[0].split(", ")
        if key.endswith(")") and " (line " in key
    ]
    assert len(listed) == len(set(listed))


def test_a_scaled_object_becomes_an_autoscaler(tmp_path):
    made, scenario = imported(tmp_path, ("deployment.yaml", KUBERNETES))
    assert "2 keys taken over (2 of an autoscaler)" in made.said
    (fault,) = scenario.faults
    assert (fault.target, fault.scaler.lag_threshold) == ("kafka.mails", 50)
    assert fault.scaler.max_replica_count == 12
