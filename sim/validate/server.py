"""A broker as a child process on the loopback: started, waited for, ended by its process id."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from sim.foundation.errors import LabError

HOST = "127.0.0.1"
INSTALLED = Path(os.environ.get("SIM_BROKERS", "build/brokers"))
"""Where `make brokers` puts jars and classes."""
BROKER_PRIORITY, CLIENT_PRIORITY = 2, 1
"""Real-time: a client that loads its code may not keep the broker waiting."""
_READY_S = 90.0
_END_S = 15.0
STEADY = -15
"""Niceness of brokers and clients: other load of the machine does not slow them."""


class Server(Protocol):
    """A broker that runs."""

    address: str
    """``host:port``"""
    pid: int | None
    """Of the process to stop and continue; None: it is not ours."""

    def start(self) -> None:
        """Start it and wait until it answers."""

    def stop(self) -> None:
        """End it and all that it started."""

    def hold(self) -> None:
        """SIGSTOP: alive and silent."""

    def go_on(self) -> None:
        """SIGCONT."""


class ServerProcess:
    """What servers that the lab starts have in common; a subclass says its command."""

    name = "server"

    def __init__(self, folder: Path, port: int | None = None) -> None:
        """
        Args:
            folder: for its data and its log; made, and emptied by `prepare`.
            port: to listen on; a free one if None.
        """
        self.folder = folder
        self.port = free_port() if port is None else port
        self.address = f"{HOST}:{self.port}"
        self.pid: int | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Write its configuration."""

    def command(self) -> Sequence[str]:
        """What to start."""
        raise NotImplementedError

    def environment(self) -> Mapping[str, str]:
        """Of the process."""
        return os.environ

    def answers(self) -> bool:
        """Whether it can be used; asked again and again."""
        with socket.socket() as probe:
            probe.settimeout(0.2)
            return probe.connect_ex((HOST, self.port)) == 0

    def ended(self) -> None:
        """After its process: end what it left behind."""

    def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            LabError: it ends at once, or does not answer in time; with the last lines of its log.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self.prepare()
        log = self.folder / f"{self.name}.log"
        with log.open("wb") as to:
            self._process = subprocess.Popen(
                list(self.command()),
                preexec_fn=steady,
                env=dict(self.environment()),
                stdout=to,
                stderr=to,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self.pid = self._process.pid
        deadline = time.monotonic() + _READY_S
        while not self.answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                last = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
                raise LabError(f"{self.name} did not start; the end of {log}:\n{last}")
            time.sleep(0.05)
        prefer(self.pid, BROKER_PRIORITY)

    def stop(self) -> None:
        """End it by SIGTERM, after 15 s by SIGKILL, with all of its process group."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGCONT)
            os.killpg(self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(_END_S)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        self.ended()

    def hold(self) -> None:
        """SIGSTOP to all of its process group."""
        if self.pid is not None:
            os.killpg(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT likewise."""
        if self.pid is not None:
            os.killpg(self.pid, signal.SIGCONT)


def free_port() -> int:
    """A port of the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def steady() -> None:
    """Put the calling process before the machine's other load, where it may (root)."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, STEADY)


def session(leader: int) -> list[int]:
    """Processes of the session that a process leads."""
    found = [leader]
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[3]) == leader and int(stat.parent.name) != leader:
                found.append(int(stat.parent.name))
    return found


def prefer(leader: int, priority: int) -> None:
    """Give all processes of a session a real-time priority, where one may: they mostly sleep, and
    must wake in time. What they start later has it too.

    Args:
        leader: process that leads the session.
        priority: the higher goes first.
    """
    for pid in session(leader):
        for thread in Path(f"/proc/{pid}/task").glob("*"):
            with suppress(OSError):
                os.sched_setscheduler(int(thread.name), os.SCHED_RR, os.sched_param(priority))


def usual() -> None:
    """Give the calling process the usual priority: to start is much work, and disturbs others."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, 0)
