"""Apache Kafka on the loopback: one node that is broker and controller (KRaft)."""

import shutil
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import uuid4

from sim.foundation.errors import LabError
from sim.validate.real import BrokerMissingError
from sim.validate.server import HOST, INSTALLED, ServerProcess, free_port

LIBS = INSTALLED / "kafka" / "libs"
"""Jars of broker and clients."""
CLASSES = INSTALLED / "kafka" / "classes"
"""The lab's own consumer, compiled."""
_SHORT_LIVED = ("-XX:TieredStopAtLevel=1", "-Xmx128m", "-Xshare:auto")
"""Of clients: to compile what runs for a minute takes more than it gives."""
_QUIET = (
    "-XX:+UseSerialGC",
    "-Dlog4j2.level=WARN",
    "-Dorg.apache.logging.log4j.simplelog.StatusLogger.level=OFF",
)


def installed() -> str:
    """The version of the jars.

    Raises:
        BrokerMissingError: there is no Java, or no jar.
    """
    if shutil.which("java") is None:
        raise BrokerMissingError("there is no java, which Kafka needs: install a JDK, 17 or newer")
    found = sorted(LIBS.glob("kafka-clients-*.jar"))
    if not found or not (CLASSES / "RealConsumer.class").exists():
        raise BrokerMissingError(f"there is no Kafka in {LIBS.parent}: `make brokers` installs it")
    return found[-1].stem.removeprefix("kafka-clients-")


def java(*arguments: str, options: Sequence[str] = _SHORT_LIVED) -> list[str]:
    """A command of the JVM with Kafka's jars and the lab's consumer.

    Args:
        arguments: class and its arguments.
        options: of the JVM.
    """
    path = f"{CLASSES.resolve()}:{LIBS.resolve()}/*"
    return ["java", *_QUIET, *options, "-cp", path, *arguments]


class KafkaServer(ServerProcess):
    """One node."""

    name = "kafka"

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        """
        Args:
            folder: for its configuration, log and data.
            settings: of the broker, besides what makes it a node.
        """
        super().__init__(folder)
        self.settings = dict(settings)
        self.controller = free_port()

    def prepare(self) -> None:
        """Write its configuration and format its storage."""
        data = self.folder / "data"
        shutil.rmtree(data, ignore_errors=True)
        settings = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.bootstrap.servers": f"{HOST}:{self.controller}",
            "listeners": f"PLAINTEXT://{HOST}:{self.port},CONTROLLER://{HOST}:{self.controller}",
            "advertised.listeners": f"PLAINTEXT://{HOST}:{self.port}",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": str(data.resolve()),
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "8",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            "auto.create.topics.enable": "false",
            **self.settings,
        }
        config = self.folder / "server.properties"
        config.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        formatted = subprocess.run(
            java(
                "kafka.tools.StorageTool",
                "format",
                "--standalone",
                *("-t", uuid4().hex[:22]),
                *("-c", str(config)),
            ),
            capture_output=True,
            text=True,
        )
        if formatted.returncode:
            raise LabError(f"Kafka's storage cannot be formatted:\n{formatted.stderr[-500:]}")

    def command(self) -> Sequence[str]:
        """The broker."""
        return java("kafka.Kafka", str(self.folder / "server.properties"), options=["-Xmx512m"])

    def answers(self) -> bool:
        """Whether it says which brokers there are."""
        with socket.socket() as probe:
            if probe.connect_ex((HOST, self.port)):
                return False
        from confluent_kafka import KafkaException
        from confluent_kafka.admin import AdminClient

        try:
            admin = AdminClient({"bootstrap.servers": self.address, "log_level": 0})
            return bool(admin.list_topics(timeout=2).brokers)
        except KafkaException:
            time.sleep(0.2)
            return False
