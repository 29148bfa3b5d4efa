"""PostgreSQL of the Debian package `postgresql` as a child process on the loopback.

It refuses to run as root; who is root starts it as the package's user, `postgres`.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from sim.foundation.errors import LabError
from sim.validate.real import BrokerMissingError
from sim.validate.server import HOST, ServerProcess

INSTALLED = Path("/usr/lib/postgresql")
"""A folder for each version, by its number."""
_USER = "postgres"
_CONNECTIONS = 200


class PostgresServer(ServerProcess):
    """One server with a cluster of its own in its folder, and its defaults but for connections."""

    name = "postgres"

    def __init__(self, folder: Path, port: int | None = None) -> None:
        """
        Args:
            folder: for its data and its log; made, and emptied by `prepare`.
            port: to listen on; a free one if None.

        Raises:
            BrokerMissingError: it is not installed.
        """
        super().__init__(folder.absolute(), port)
        found = sorted(INSTALLED.glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
        if not found:
            raise BrokerMissingError("PostgreSQL is not installed: `make brokers`")
        self._programs = found[-1].parent
        self._data = self.folder / "data"

    def prepare(self) -> None:
        """Make its cluster, where anybody on this machine is trusted.

        Raises:
            LabError: `initdb` failed; with its last line.
        """
        shutil.rmtree(self._data, ignore_errors=True)
        self._data.mkdir(mode=0o700)
        if os.geteuid() == 0:
            shutil.chown(self.folder, _USER)
            shutil.chown(self._data, _USER)
        made = subprocess.run(
            [
                *_not_as_root(), str(self._programs / "initdb"), "--auth=trust", "--username=lab",
                "--encoding=UTF8", "--no-locale", f"--pgdata={self._data}",
            ],
            capture_output=True, text=True, check=False, cwd=self.folder,
        )  # fmt: skip
        if made.returncode:
            said = (made.stderr.strip() or made.stdout.strip()).splitlines()
            raise LabError(f"initdb failed: {said[-1] if said else ''}")

    def command(self) -> Sequence[str]:
        """It listens on the loopback, and has no socket in the file system."""
        settings = {
            "listen_addresses": HOST,
            "port": self.port,
            "unix_socket_directories": "",
            "max_connections": _CONNECTIONS,
        }
        given = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        return [*_not_as_root(), str(self._programs / "postgres"), "-D", str(self._data), *given]

    def answers(self) -> bool:
        """Whether a client can connect."""
        if not super().answers():
            return False
        import psycopg

        try:
            psycopg.connect(self.url).close()
        except psycopg.OperationalError:
            return False
        return True

    @property
    def url(self) -> str:
        """For clients."""
        return url(self.address)

    def ended(self) -> None:
        """Take its data away."""
        shutil.rmtree(self._data, ignore_errors=True)


def url(address: str) -> str:
    """For clients of the server at ``host:port``."""
    return f"postgresql://lab@{address}/postgres"


def _not_as_root() -> Sequence[str]:
    """What a command begins with to be run as another user; nothing where this is not root."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={_USER}", f"--regid={_USER}", "--clear-groups"]
