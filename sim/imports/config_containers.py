"""What runs in containers: compose files, and Kubernetes manifests with KEDA's and Strimzi's.

How images take keys from the environment: apache/kafka and cp-kafka `KAFKA_…`, cp-kafka-connect
`CONNECT_…` (one underscore is a dot, two are one underscore, three a hyphen;
https://docs.confluent.io/platform/current/installation/docker/config-reference.html), bitnami
`KAFKA_CFG_…`, Spring `SPRING_KAFKA_…` (relaxed binding). The first is checked with
`KafkaDockerWrapper` of apache/kafka; that the other images do the same is assumed. KEDA:
https://keda.sh/docs/latest/reference/scaledobject-spec, …/scalers/apache-kafka, …/scalers/aws-sqs;
its defaults, a `lagThreshold` of 10 and a `queueLength` of 5, in `pkg/scalers/kafka_scaler.go` and
`aws_sqs_queue_scaler.go` of kedacore/keda.
"""

import re
from collections.abc import Iterator
from typing import Any

from sim.foundation.config import keys
from sim.imports.config_file import Setting, Source, Tree
from sim.imports.config_kafka import broker_pieces, connect_reading
from sim.imports.config_parts import BROKERS, CONSUMER, NO_EFFECT, TOPIC, FileReading, Piece
from sim.imports.config_spring import of_settings
from sim.imports.made import system_name
from sim.scenario.faults.groups import Scaler

_OF_IMAGES = {
    "KAFKA_CLUSTER_ID", "KAFKA_HEAP_OPTS", "KAFKA_JMX_PORT", "KAFKA_OPTS", "KAFKA_LOG4J_LOGGERS",
    "KAFKA_LOG4J_ROOT_LOGLEVEL", "KAFKA_JMX_OPTS", "KAFKA_JMX_HOSTNAME",
}  # fmt: skip


def is_compose(source: Source) -> bool:
    """Services with images or builds."""
    return any(
        isinstance(tree.at("services"), dict)
        and any(
            isinstance(one, dict) and {"image", "build", "environment"} & set(one)
            for one in tree.at("services").values()
        )
        for tree in source.trees
    )


def compose(source: Source) -> FileReading:
    """Services by what their environment configures."""
    reading = FileReading("a compose file")
    for tree in source.trees:
        for name, service in (tree.at("services") or {}).items():
            if not isinstance(service, dict):
                continue
            at = ("services", name)
            many = tree.at(*at, "deploy", "replicas") or service.get("scale")
            given = list(_environment(tree, (*at, "environment")))
            _service(str(name), given, many, reading)
    if not reading.pieces:
        reading.notes.append("no service has keys of a product of the lab in its environment")
    return reading


def _environment(tree: Tree, at: tuple[str | int, ...]) -> Iterator[Setting]:
    """`NAME: value`, `- NAME=value`, or Kubernetes' `- {name, value}`."""
    found = tree.at(*at)
    if isinstance(found, dict):
        yield from tree.settings(*at)
        return
    for i, one in enumerate(found if isinstance(found, list) else ()):
        line = tree.line(*at, i)
        if isinstance(one, str):
            name, _, value = one.partition("=")
            yield Setting(name, value, line)
        elif isinstance(one, dict) and isinstance(one.get("name"), str) and "value" in one:
            yield Setting(one["name"], one["value"], tree.line(*at, i, "name"))


def _dotted(name: str) -> str:
    """A key of Kafka of a variable's name."""
    marked = name.replace("___", "-").replace("__", "\0")
    return marked.replace("_", ".").replace("\0", "_").lower()


def _service(name: str, given: list[Setting], many: Any, reading: FileReading) -> None:
    broker: list[Setting] = []
    connect: list[Setting] = []
    spring: list[Setting] = []
    for setting in given:
        key = setting.key
        value = "" if setting.value is None else str(setting.value)
        own = setting._replace(value=value, said=key)
        if key in _OF_IMAGES:
            reading.leave(setting, "of the image")
        elif key.startswith("KAFKA_CFG_"):
            broker.append(own._replace(key=_dotted(key.removeprefix("KAFKA_CFG_"))))
        elif key.startswith("KAFKA_"):
            broker.append(own._replace(key=_dotted(key.removeprefix("KAFKA_"))))
        elif key.startswith("CONNECT_"):
            connect.append(own._replace(key=_dotted(key.removeprefix("CONNECT_"))))
        elif key.startswith(("SPRING_KAFKA_", "SPRING_RABBITMQ_")):
            spring.append(own._replace(key=_spring(key)))
        else:
            reading.leave(setting, "of a program that the lab does not know")
    if broker and _any_broker(broker):
        broker_pieces(broker, reading)
    else:
        for setting in broker:
            reading.leave(setting, "of a program that the lab does not know")
    for found in (
        connect_reading(connect) if connect else None,
        of_settings(spring, FileReading("")) if spring else None,
    ):
        if found is not None:
            _replicated(found, many)
            reading.pieces += found.pieces
            reading.notes += found.notes
            for why, those in found.left.items():
                reading.left.setdefault(why, []).extend(those)


def _any_broker(settings: list[Setting]) -> bool:
    roots = ("num.", "log.", "offsets.", "broker.", "node.", "process.", "default.", "min.insync",
             "advertised.", "listeners", "zookeeper.", "controller.", "group.",
             "transaction.", "auto.create", "replica.")  # fmt: skip
    return any(setting.key.startswith(roots) for setting in settings)


_SPRING_HEADS = ("CONSUMER", "PRODUCER", "LISTENER", "PROPERTIES", "SIMPLE", "DIRECT")


def _spring(name: str) -> str:
    """`SPRING_KAFKA_CONSUMER_GROUP_ID` as `spring.kafka.consumer.groupid`."""
    words = name.split("_")
    made = [words[0], words[1]]
    rest = words[2:]
    while rest and rest[0] in _SPRING_HEADS:
        made.append(rest.pop(0))
    last = ".".join(rest) if "PROPERTIES" in made else "".join(rest)
    return ".".join([*made, last]).lower()


def _replicated(found: FileReading, many: Any) -> None:
    """As many times the consumers as the service has replicas."""
    if not isinstance(many, int) or many < 1:
        return
    for piece in found.pieces:
        if "consumers" in piece.lab or piece.part is CONSUMER:
            piece.lab = {**piece.lab, "consumers": piece.lab.get("consumers", 1) * many}


def is_kubernetes(source: Source) -> bool:
    """A document with `apiVersion` and a `kind`."""
    return any(
        isinstance(tree.data, dict) and "apiVersion" in tree.data and "kind" in tree.data
        for tree in source.trees
    )


def kubernetes(source: Source) -> FileReading:
    """Objects that configure a product of the lab."""
    reading = FileReading("Kubernetes manifests")
    replicas: dict[str, int] = {}
    for tree in source.trees:
        kind = tree.at("kind")
        if kind in ("ScaledObject", "ScaledJob"):
            _keda(tree, reading)
        elif kind == "KafkaTopic":
            _topic(tree, reading)
        elif kind == "Kafka":
            own = list(tree.settings("spec", "kafka", "config"))
            broker_pieces(own, reading)
            many = tree.at("spec", "kafka", "replicas")
            if isinstance(many, int) and reading.pieces:
                reading.pieces[-1].lab = {"count": many}
        elif kind == "ConfigMap":
            _service(str(tree.at("metadata", "name")), list(tree.settings("data")), None, reading)
        elif kind == "Secret":
            reading.leave(Setting("Secret", None, tree.line("kind")), "secrets are not read")
        elif isinstance(tree.data, dict):
            many = tree.at("spec", "replicas")
            name = str(tree.at("metadata", "name"))
            replicas[name] = many if isinstance(many, int) else 1
            for path in _containers(tree):
                _service(name, list(_environment(tree, (*path, "env"))), many, reading)
    return reading


def _containers(tree: Tree) -> Iterator[tuple[str | int, ...]]:
    for at in (
        ("spec", "template", "spec", "containers"),
        ("spec", "containers"),
        ("spec", "jobTemplate", "spec", "template", "spec", "containers"),
    ):
        found = tree.at(*at)
        for i, _ in enumerate(found if isinstance(found, list) else ()):
            yield (*at, i)


def _topic(tree: Tree, reading: FileReading) -> None:
    """Strimzi's topic."""
    settings = list(tree.settings("spec", "config"))
    for setting in tree.settings("spec"):
        if setting.key == "partitions":
            settings.append(setting)
        elif setting.key == "replicas":
            settings.append(setting._replace(key="replication.factor", said="replicas"))
    reading.pieces.append(Piece(TOPIC, ("kafka", "topic"), settings))


_SCALER_KEYS = {key for key in keys(Scaler) if not re.search("_|^tolerance|^stabil", key)}
_TRIGGERS = {"kafka": "kafka", "apache-kafka": "kafka", "aws-sqs-queue": "sqs"}


def _keda(tree: Tree, reading: FileReading) -> None:
    """A ScaledObject as an autoscaler of its group or queue."""
    scaler: dict[str, Any] = {}
    for setting in tree.settings("spec"):
        if setting.key in _SCALER_KEYS and isinstance(setting.value, int):
            scaler[setting.key] = setting.value
        elif setting.key not in ("scaleTargetRef", "triggers", "advanced"):
            reading.leave(setting, NO_EFFECT)
    down = ("advanced", "horizontalPodAutoscalerConfig", "behavior", "scaleDown")
    window = tree.at("spec", *down, "stabilizationWindowSeconds")
    if isinstance(window, int):
        scaler["stabilization"] = window
    done = False
    for i, trigger in enumerate(tree.at("spec", "triggers") or ()):
        kind = str(trigger.get("type")) if isinstance(trigger, dict) else ""
        at: tuple[str | int, ...] = ("spec", "triggers", i, "metadata")
        if kind not in _TRIGGERS or done:
            why = "one trigger scales in the lab" if done else "a trigger that the lab has not"
            reading.leave(Setting(kind, None, tree.line("spec", "triggers", i)), why)
            continue
        done = True
        _trigger(tree, at, _TRIGGERS[kind], scaler, reading)


def _trigger(
    tree: Tree, at: tuple[str | int, ...], system: str, scaler: dict[str, Any], reading: FileReading
) -> None:
    said = "lagThreshold" if system == "kafka" else "queueLength"
    made: dict[str, Any] = {said: 10 if system == "kafka" else 5}  # KEDA's defaults
    name = "readers" if system == "kafka" else "queue"
    for setting in tree.settings(*at):
        word = str(setting.value)
        if setting.key == "consumerGroup":
            name = system_name(word, name)
        elif setting.key == "queueURL":
            name = system_name(word.rpartition("/")[2], name)
        elif setting.key in (said, "allowIdleConsumers") and word.lower() in ("true", "false"):
            made[setting.key] = word.lower() == "true"
        elif setting.key == said and word.isdigit():
            made[said] = int(word)
        else:
            reading.leave(setting, NO_EFFECT)
    section = "groups" if system == "kafka" else "queues"
    key = "consumers" if system == "kafka" else "workers"
    at_group = (system, section, name)
    first = max(1, int(scaler.get("minReplicaCount", 0)))
    # Nothing of a product's own keys: only how many there are at first.
    reading.pieces.append(Piece(BROKERS, (), [], {}, {at_group: {key: first}}))
    reading.faults.append(
        {
            "at": 0,
            "fault": "autoscale",
            "target": f"{system}.{name}",
            "scaler": {**made, **scaler},
        }
    )
