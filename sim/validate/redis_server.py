"""Redis of the Debian package `redis-server` as a child process on the loopback."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from sim.validate.real import BrokerMissingError
from sim.validate.server import HOST, ServerProcess


class RedisServer(ServerProcess):
    """One server that keeps everything in memory."""

    name = "redis"

    def __init__(self, folder: Path, port: int | None = None) -> None:
        """
        Args:
            folder: for its log.
            port: to listen on; a free one if None.

        Raises:
            BrokerMissingError: it is not installed.
        """
        super().__init__(folder, port)
        if shutil.which("redis-server") is None:
            raise BrokerMissingError("Redis is not installed: `make brokers`")

    def command(self) -> Sequence[str]:
        """Nothing is written to disk."""
        return [
            "redis-server", "--port", str(self.port), "--bind", HOST, "--save", "",
            "--appendonly", "no",
        ]  # fmt: skip
