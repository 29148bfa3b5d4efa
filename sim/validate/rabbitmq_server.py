"""RabbitMQ of the Debian package `rabbitmq-server` as a child process on the loopback.

The node and its `epmd` listen on 127.0.0.1 only, and both are processes of ours: a node left alone
starts an `epmd` that outlives it.
"""

import os
import secrets
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from sim.validate.real import BrokerMissingError
from sim.validate.server import HOST, ServerProcess, free_port

_SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")


class RabbitmqServer(ServerProcess):
    """One node without plugins; its data are in its folder."""

    name = "rabbitmq"

    def __init__(self, folder: Path, port: int | None = None) -> None:
        """
        Args:
            folder: for its data and its log; made, and emptied by `prepare`.
            port: to listen on; a free one if None.

        Raises:
            BrokerMissingError: it is not installed.
        """
        super().__init__(folder.absolute(), port)
        if not _SERVER.exists() or shutil.which("epmd") is None:
            raise BrokerMissingError("RabbitMQ is not installed: `make brokers`")
        self._names = free_port()
        self._between = free_port()
        self._epmd: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Write its configuration, and start the `epmd` of its own."""
        base = self.folder / "node"
        shutil.rmtree(base, ignore_errors=True)
        base.mkdir(parents=True)
        (base / "plugins").write_text("[].\n")
        (base / "rabbitmq.conf").write_text(f"listeners.tcp.default = {HOST}:{self.port}\n")
        cookie = base / ".erlang.cookie"
        cookie.write_text(secrets.token_hex(16))
        cookie.chmod(0o400)
        self._epmd = subprocess.Popen(
            ["epmd", "-address", HOST, "-port", str(self._names)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def command(self) -> Sequence[str]:
        """The package's script, which becomes the node."""
        return [str(_SERVER)]

    def environment(self) -> Mapping[str, str]:
        """Where everything is, and that the script is not to stay in front of the node."""
        base = self.folder / "node"
        return {
            **os.environ,
            "ERL_EPMD_ADDRESS": HOST,
            "ERL_EPMD_PORT": str(self._names),
            "HOME": str(base),
            "RABBITMQ_CONFIG_FILE": str(base / "rabbitmq"),
            "RABBITMQ_DIST_PORT": str(self._between),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(base / "plugins"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_LOG_BASE": str(base / "log"),
            "RABBITMQ_MNESIA_BASE": str(base / "mnesia"),
            "RABBITMQ_NODENAME": f"lab{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": HOST,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_PID_FILE": str(base / "pid"),
            # No busy waiting of the schedulers: on two processors it takes the clients' time.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-start_epmd false +sbwt none "
            "-kernel inet_dist_use_interface {127,0,0,1}",
            "RUNNING_UNDER_SYSTEMD": "true",
        }

    def answers(self) -> bool:
        """Whether a client can connect."""
        if not super().answers():
            return False
        import pika

        try:
            pika.BlockingConnection(pika.URLParameters(self.url)).close()
        except (pika.exceptions.AMQPError, OSError):
            return False
        return True

    @property
    def url(self) -> str:
        """For clients."""
        return url(self.address)

    def ended(self) -> None:
        """End its `epmd`, and take its data away."""
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait()
            self._epmd = None
        shutil.rmtree(self.folder / "node", ignore_errors=True)


def url(address: str) -> str:
    """For clients of the broker at ``host:port``."""
    return f"amqp://guest:guest@{address}/%2F"
