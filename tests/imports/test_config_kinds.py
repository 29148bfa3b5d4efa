"""A file is recognised before it is judged."""

from pathlib import Path

import pytest

from sim.imports import config_kinds
from sim.imports.config_file import Source


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("celeryconfig.py", "task_acks_late = 1\n", "celeryconfig.py"),
        ("a.tf", "", "Terraform (.tf)"),
        ("a.json", '{"queues": [], "vhosts": []}', "RabbitMQ's definitions"),
        ("a.json", '{"Resources": {}, "Transform": ""}', "CloudFormation or SAM"),
        ("s.yml", "{service: s, provider: {}, functions: {}}", "serverless.yml"),
        ("c.yml", "services: {a: {image: b}}", "compose"),
        ("k.yml", "apiVersion: v1\nkind: Pod", "Kubernetes (KEDA, Strimzi)"),
        ("a.yml", "spring.kafka.client-id: x", "Spring Boot"),
        ("w.properties", "offset.storage.topic=x", "Kafka Connect"),
        ("server.properties", "node.id=1", "a Kafka broker"),
        ("a.json", '{"VisibilityTimeout": "1"}', "the JSON of `aws sqs get-queue-attributes`"),
        ("a.json", '{"group.id": "g"}', "a Kafka client (properties, or JSON of librdkafka)"),
    ],
)
def test_each_kind_is_known_by_its_keys(name, text, kind):
    source = Source(Path(name), text)
    found = next(one.name for one in config_kinds.KINDS if one.recognises(source))
    assert found == kind
