"""The work of a real consumer that is written in Python: it takes as long as the plan says, fails
where it is to, and is written down as `sim.validate.fleet` reads it.
"""

import mmap
import os
import signal
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

_FACTOR = struct.Struct("d")


class FailedError(Exception):
    """The handler of a poisonous message raises."""


class Handler:
    """Does the work of one message after the other, also in processes that are forked from this
    one; listens to the standard input."""

    def __init__(self, work: Path, log: Path) -> None:
        """
        Args:
            work: the lines of `sim.validate.plan.work_lines`, one for each message in order.
            log: what happens is appended to it.
        """
        self.work = work
        self.process = os.getpid()
        columns = np.loadtxt(work, np.int64, ndmin=2).reshape(-1, 4)
        self._work_s = columns[:, 1] / 1e6
        self._fails, self._kills = columns[:, 2], columns[:, 3]
        self._log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        # Shared with children.
        self._factor = mmap.mmap(-1, _FACTOR.size)
        self._factor[:] = _FACTOR.pack(1.0)

    def say(self, sign: str, words: str = "") -> None:
        """Write a line down, at once and as one piece."""
        os.write(self._log, f"{sign} {time.time():.6f} {words}".rstrip().encode() + b"\n")

    def wait_for_go(self) -> int:
        """Say that the process is ready, and wait until it is to subscribe.

        Returns:
            Which member of its group it is.

        Raises:
            SystemExit: the standard input ends before; it is not needed.
        """
        self.say("w")
        lines = told()
        for words in lines:
            if words[:1] == ["go"]:
                threading.Thread(target=self._listen, args=(lines,), daemon=True).start()
                return int(words[1])
        raise SystemExit(0)

    def _listen(self, lines: Iterator[list[str]]) -> None:
        for words in lines:
            if words[:1] == ["slow"]:
                self._factor[:] = _FACTOR.pack(float(words[1]))
        _abandoned()

    def do(
        self,
        message: int,
        deliveries: int = 1,
        partition: int = -1,
        offset: int = -1,
        die: Callable[[], None] | None = None,
    ) -> None:
        """Do the work of a message.

        Args:
            message: its row.
            deliveries: how often the broker says that it was delivered.
            partition: where it was read; -1: there are none.
            offset: likewise.
            die: what a message does that kills its process; None: SIGKILL.

        Raises:
            FailedError: it is poisonous.
        """
        started = time.time()
        end = started + self._work_s[message] * _FACTOR.unpack(self._factor)[0]
        while (left := end - time.time()) > 0:
            time.sleep(left)
        harm = max(self._fails[message], self._kills[message])
        if harm and self._failures(message) < harm:
            os.write(self._log, f"f {message} {time.time():.6f} {deliveries}\n".encode())
            if self._kills[message]:
                (die or _die)()
            raise FailedError(f"message {message}")
        done = f"{message} {started:.6f} {time.time():.6f} {deliveries} {partition} {offset}"
        os.write(self._log, f"r {done}\n".encode())

    def _failures(self, message: int) -> int:
        """How often a poisonous message has failed, in all processes; counts one more."""
        file = os.open(f"{self.work}.{message}", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(file, b".")
            return os.fstat(file).st_size - 1
        finally:
            os.close(file)


def told() -> Iterator[list[str]]:
    """Lines of the standard input, in words, as they come.

    Read without `sys.stdin`, whose lock a forked child would inherit from a thread that reads.
    """
    rest = b""
    while data := os.read(0, 4096):
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            yield line.decode().split()


def _abandoned() -> None:
    """Whoever started this process is gone: end as if told to."""
    os.kill(os.getpid(), signal.SIGTERM)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
