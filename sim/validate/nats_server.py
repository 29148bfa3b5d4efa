"""NATS of the Debian package `nats-server` as a child process on the loopback."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from sim.validate.real import BrokerMissingError
from sim.validate.server import HOST, ServerProcess

_SBIN = "/usr/sbin"
"""Where Debian has it, which is not on everybody's path."""


class NatsServer(ServerProcess):
    """One server with JetStream, which keeps its streams in its folder."""

    name = "nats"

    def __init__(self, folder: Path, port: int | None = None) -> None:
        """
        Args:
            folder: for its streams and its log.
            port: to listen on; a free one if None.

        Raises:
            BrokerMissingError: it is not installed.
        """
        super().__init__(folder, port)
        found = shutil.which("nats-server") or shutil.which("nats-server", path=_SBIN)
        if found is None:
            raise BrokerMissingError("NATS is not installed: `make brokers`")
        self._program = found

    def command(self) -> Sequence[str]:
        """Its defaults, but for JetStream."""
        return [
            self._program, "--addr", HOST, "--port", str(self.port), "--jetstream",
            "--store_dir", str(self.folder / "streams"),
        ]  # fmt: skip


def url(address: str) -> str:
    """For clients of the server at ``host:port``."""
    return f"nats://{address}"
