"""Real processes of a group, as faults see them: the code that strikes simulated consumers
(`sim.injection`) kills, stops and starts these, on a clock that is the wall's.

What a client process does. It is started before its time and says so, so that nobody waits for a
JVM or for imports while the scenario runs. It reads lines from its standard input: ``go MEMBER``,
subscribe now, as this member of the group; ``slow FACTOR``, work so many times as long from now
on. It appends to the file that it was given, a line at a time and unbuffered, with times of the
wall clock in s:

- ``w T``: ready, and waiting for its ``go``;
- ``r ID STARTED DONE DELIVERIES PARTITION OFFSET``: a message was processed to its end;
- ``f ID T DELIVERIES``: its handler raised, or was about to kill its process;
- ``e T WORDS``: something else happened: an assignment, a connection lost;
- ``x T``: the end of its own accord.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Self

import numpy as np

from sim.engine.system import Fleet, Sought
from sim.foundation.arrays import F64, Bools
from sim.foundation.errors import LabError
from sim.validate.plan import Plan
from sim.validate.server import CLIENT_PRIORITY, prefer, usual

Command = Sequence[str]
"""Words of a command."""
_PART = 1 << 16
_READY_S = 60.0
_END_S = 10.0


class WallClock:
    """The stage of a real run: to advance it is to wait."""

    def __init__(self, began_s: float) -> None:
        """
        Args:
            began_s: second 0 of the scenario on the wall's clock.
        """
        self.began_s = began_s
        self.late_s = 0.0
        """The most that an event came late, s."""

    def advance(self, until_s: float) -> None:
        """Wait until the scenario's time is ``until_s``."""
        wait_s = self.began_s + until_s - time.time()
        if wait_s > 0:
            time.sleep(wait_s)
        self.late_s = max(self.late_s, -wait_s)


@dataclass
class RealClient:
    """A process, and the file that it writes."""

    process: subprocess.Popen[bytes]
    log: Path
    what: str = "a client"
    """In words, for errors."""
    member: int = -1
    """Which of the group it is; -1: it waits for its ``go``."""
    lines: list[list[str]] = field(default_factory=list)
    """Its whole lines so far, in words."""
    read: int = 0
    """Bytes of these."""

    @classmethod
    def started(cls, command: Command, log: Path, what: str = "the producer") -> Self:
        """Start a process.

        Args:
            command: what to start.
            log: the file that it writes; what it says besides goes to the same with ``.err``.
            what: it is, in words.
        """
        with log.with_suffix(".err").open("wb") as errors:
            process = subprocess.Popen(
                list(command),
                preexec_fn=usual,
                stdin=subprocess.PIPE,
                stdout=errors,
                stderr=errors,
                start_new_session=True,
            )
        return cls(process, log, what)

    def await_ready(self) -> None:
        """Wait until it says that it is.

        Raises:
            LabError: it has ended, or takes too long; with its last words.
        """
        deadline = time.monotonic() + _READY_S
        while not self.said("w"):
            if not self.runs or time.monotonic() > deadline:
                self.end()
                errors = self.log.with_suffix(".err")
                last = "\n".join(errors.read_text(errors="replace").splitlines()[-5:])
                raise LabError(f"{self.what} did not start; the end of {errors}:\n{last}")
            time.sleep(0.02)

    def calm(self) -> None:
        """Give it and its children a real-time priority, where one may: they mostly sleep, and must
        wake in time."""
        prefer(self.process.pid, CLIENT_PRIORITY)

    def end(self, within_s: float = _END_S) -> None:
        """SIGTERM, and SIGKILL if it has not ended in time; the rest of what it wrote is read."""
        self.send(signal.SIGCONT)
        self.send(signal.SIGTERM, whole=False)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(within_s)
        self.send(signal.SIGKILL)
        self.process.wait()
        if self.process.stdin is not None:
            with suppress(BrokenPipeError):
                self.process.stdin.close()
        self.update()

    def update(self) -> None:
        """Read what it has written since.

        A file may end in zeros: those who map it into their memory have made it larger.
        """
        if not self.log.exists():
            return
        new = b""
        with self.log.open("rb") as file:
            file.seek(self.read)
            while part := file.read(_PART):
                text, zero, _ = part.partition(b"\0")
                new += text
                if zero:
                    break
        whole = new.rfind(b"\n") + 1
        self.read += whole
        self.lines += [line.split() for line in new[:whole].decode().splitlines() if line.strip()]

    def said(self, sign: str) -> bool:
        """Whether it has written a line that begins so."""
        self.update()
        return any(line[0] == sign for line in self.lines)

    @property
    def runs(self) -> bool:
        """Whether the process is there, stopped or not."""
        return self.process.poll() is None

    def tell(self, line: str) -> None:
        """Write a line to its standard input; the dead do not listen."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(f"{line}\n".encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            pass

    def send(self, what: signal.Signals, whole: bool = True) -> None:
        """A signal to the process, or to the ``whole`` group of processes that it leads."""
        if self.runs:
            (os.killpg if whole else os.kill)(self.process.pid, what)


class RealFleet(Fleet):
    """The processes of one group; a `sim.engine.system.Fleet`."""

    def __init__(
        self, plan: Plan, group: str, command: Callable[[Path], Command], folder: Path
    ) -> None:
        """
        Args:
            plan: for its messages.
            group: name.
            command: of a process, given the file that it writes.
            folder: for what the processes write.
        """
        self.plan = plan
        self.planned = plan.groups[group]
        self.command = command
        self.folder = folder
        self.clients: list[RealClient] = []
        """All that were ever started, in order."""
        self.places: list[RealClient | None] = [None] * self.planned.most
        self.lives = [0] * self.planned.most
        self.factors = [1.0] * self.planned.most
        self.paused: dict[int, float] = {}
        """[consumer] until when, on the wall's clock."""
        self.due: dict[int, float] = {}
        """[consumer] when a new process is to be started."""
        self.buried: list[RealClient] = []
        """Those that have ended, and are known to."""
        self.after_poison_s = float(self.planned.poison.restart_after_s.min(initial=inf))
        self.clock = WallClock(inf)
        """Set when the run begins."""

    # What faults ask for.

    @property
    def size(self) -> int:
        """Number of places."""
        return len(self.places)

    @property
    def useful(self) -> int | None:
        """Partitions, of a log."""
        return self.plan.product.partitions

    def alive(self, consumer: int) -> bool:
        """Whether its process runs, or is to at the beginning."""
        client = self.places[consumer]
        return client is not None and client.runs

    def life(self, consumer: int) -> int:
        """Counts the processes of a place."""
        return self.lives[consumer]

    def crash(self, consumer: int) -> None:
        """SIGKILL."""
        self._send(consumer, signal.SIGKILL)
        client = self.places[consumer]
        if client is not None:
            client.process.wait()
            self.buried.append(client)

    def terminate(self, consumer: int) -> None:
        """SIGTERM."""
        self._send(consumer, signal.SIGTERM, whole=False)

    def restart(self, consumer: int) -> None:
        """Let a process that waits subscribe in this place."""
        client = next((c for c in self.clients if c.member < 0 and c.runs and c.said("w")), None)
        if client is None:
            client = self._start()
            client.await_ready()
            client.calm()
        client.member = consumer
        self.places[consumer] = client
        self.lives[consumer] += 1
        self.factors[consumer] = 1.0
        client.tell(f"go {consumer}")

    def pause(self, consumer: int, for_s: float) -> None:
        """SIGSTOP; `tick` continues it when the time is over."""
        self._send(consumer, signal.SIGSTOP)
        self.paused[consumer] = time.time() + for_s

    def slow(self, consumer: int, factor: float) -> None:
        """Tell it to work ``factor`` times as long."""
        self.factors[consumer] = factor
        client = self.places[consumer]
        if client is not None:
            client.tell(f"slow {factor:.6g}")

    def cut_off(self, consumer: int) -> None:
        """Cannot be done to a real process; the plan has said so."""

    def reconnect(self, consumer: int) -> None:
        """Likewise."""

    def seek(self, to_s: float) -> Sought:
        """Likewise."""
        return Sought(0, 0)

    def backlog(self) -> int:
        """Messages created and not processed yet."""
        return self._waiting().size

    def age_s(self) -> float:
        """Age of the oldest of these, s."""
        waiting = self._waiting()
        return float(self._now_s - waiting[0]) if waiting.size else 0.0

    def orphans(self) -> Bools:
        """None are known."""
        return np.zeros(0, np.bool_)

    def busy(self) -> int:
        """Not known: 0."""
        return 0

    # What the run asks for.

    def hire(self, spares: int) -> None:
        """Start the processes and some to spare, and wait until all are ready.

        Raises:
            LabError: one of them ended.
        """
        for _ in range(self.planned.members + spares):
            self._start()
        for client in self.clients:
            client.await_ready()
        for consumer in range(self.planned.members):
            self.restart(consumer)

    def processed(self) -> set[int]:
        """Messages that were processed at least once, so far."""
        found: set[int] = set()
        for client in self.clients:
            client.update()
            found.update(int(line[1]) for line in client.lines if line[0] == "r" and len(line) == 7)
        return found

    def tick(self) -> None:
        """Continue whoever was stopped for long enough; start again who died of a message."""
        now_s = time.time()
        for consumer, until_s in list(self.paused.items()):
            if now_s >= until_s:
                del self.paused[consumer]
                self._send(consumer, signal.SIGCONT)
        for consumer, client in enumerate(self.places):
            if client is not None and not client.runs and client not in self.buried:
                self.buried.append(client)
                if client.process.returncode == -signal.SIGKILL and self.after_poison_s < inf:
                    self.due[consumer] = now_s + self.after_poison_s
        for consumer, due_s in list(self.due.items()):
            if now_s >= due_s:
                del self.due[consumer]
                if not self.alive(consumer):
                    self.restart(consumer)

    def calm(self) -> None:
        """Give all processes a real-time priority."""
        for client in self.clients:
            client.calm()

    def dismiss(self) -> None:
        """SIGTERM to all at once, SIGKILL to those that do not end."""
        for client in self.clients:
            client.send(signal.SIGCONT)
            client.send(signal.SIGTERM, whole=False)
        deadline = time.monotonic() + _END_S
        for client in self.clients:
            client.end(max(0.1, deadline - time.monotonic()))

    @property
    def _now_s(self) -> float:
        return time.time() - self.clock.began_s

    def _waiting(self) -> F64:
        created_s = self.plan.messages.created_s
        n = int(np.searchsorted(created_s, self._now_s, side="right"))
        waits = np.ones(len(self.plan.messages), np.bool_)
        waits[list(self.processed())] = False
        return created_s[:n][waits[:n]]

    def _send(self, consumer: int, what: signal.Signals, whole: bool = True) -> None:
        client = self.places[consumer]
        if client is not None:
            client.send(what, whole)

    def _start(self) -> RealClient:
        log = self.folder / f"{self.planned.name}-{len(self.clients)}.log"
        client = RealClient.started(self.command(log), log, f"a process of {self.planned.name!r}")
        self.clients.append(client)
        return client
