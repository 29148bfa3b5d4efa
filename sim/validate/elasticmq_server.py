"""ElasticMQ, which speaks the protocol of Amazon SQS, as a child process on the loopback."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from sim.validate.real import BrokerMissingError
from sim.validate.server import HOST, INSTALLED, ServerProcess


class ElasticmqServer(ServerProcess):
    """One server that keeps everything in memory."""

    name = "elasticmq"

    def __init__(self, folder: Path, port: int | None = None) -> None:
        """
        Args:
            folder: for its configuration and its log.
            port: to listen on; a free one if None.

        Raises:
            BrokerMissingError: it, or Java, is not installed.
        """
        super().__init__(folder, port)
        self._jars = INSTALLED / "elasticmq" / "libs"
        if shutil.which("java") is None or not any(self._jars.glob("elasticmq-server_*.jar")):
            raise BrokerMissingError("ElasticMQ is not installed: `make brokers`")

    @property
    def version(self) -> str:
        """By the name of its jar."""
        (jar,) = self._jars.glob("elasticmq-server_*.jar")
        return jar.stem.rpartition("-")[2]

    def prepare(self) -> None:
        """Write its configuration: SQS's own limits, and nothing beside the queues."""
        (self.folder / "elasticmq.conf").write_text(
            'include classpath("application.conf")\n'
            f'node-address {{ protocol = http, host = "{HOST}", port = {self.port},'
            ' context-path = "" }\n'
            f"rest-sqs {{ enabled = true, bind-port = {self.port},"
            f' bind-hostname = "{HOST}", sqs-limits = strict }}\n'
            "rest-stats { enabled = false }\n"
        )

    def command(self) -> Sequence[str]:
        """One process with a small heap."""
        return [
            "java", "-XX:+UseSerialGC", "-Xmx256m",
            f"-Dconfig.file={self.folder / 'elasticmq.conf'}",
            "-cp", f"{self._jars}/*", "org.elasticmq.server.Main",
        ]  # fmt: skip
