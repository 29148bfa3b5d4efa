"""What the processes that send to a real broker, and are written in Python, have in common."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

from sim.validate.handler import told


class Sending:
    """The messages of a plan and their times, and what became of them, as `sim.validate.replay`
    reads it."""

    def __init__(self, messages: Path, log: Path) -> None:
        """
        Args:
            messages: the lines of `sim.validate.plan.message_lines`.
            log: what happens is appended to it.
        """
        self._at_s: list[float] = []
        self._size: list[int] = []
        for line in messages.read_text(encoding="utf-8").splitlines():
            _, at_s, size, _ = line.split(",", 3)
            self._at_s.append(float(at_s))
            self._size.append(int(size))
        self._sent: dict[int, float] = {}
        self._log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def __len__(self) -> int:
        return len(self._at_s)

    def wait_for_go(self) -> Sequence[float]:
        """Say that the process is ready, and wait for ``go T``, the scenario's second 0.

        Returns:
            [messages] when each is to be sent, s since 1970.

        Raises:
            SystemExit: the standard input ends before; it is not needed.
        """
        self.say("w")
        for words in told():
            if words[:1] == ["go"]:
                return [float(words[1]) + at_s for at_s in self._at_s]
        raise SystemExit(0)

    def body(self, message: int) -> bytes:
        """Content of a message: its row, filled up with blanks to its size."""
        return str(message).encode().ljust(self._size[message])

    def say(self, sign: str, words: str = "") -> None:
        """Write a line down, as one piece."""
        os.write(self._log, f"{sign} {time.time():.6f} {words}".rstrip().encode() + b"\n")

    def sent(self, message: int) -> None:
        """It is handed to the client now, if it was not before."""
        self._sent.setdefault(message, time.time())

    def acknowledged(self, message: int) -> None:
        """The broker has it, as far as the client knows."""
        line = f"a {message} {self._sent.pop(message):.6f} {time.time():.6f} -\n"
        os.write(self._log, line.encode())

    def ends(self, error: str = "-") -> None:
        """There will be no more acknowledgements."""
        for message, sent in self._sent.items():
            os.write(self._log, f"a {message} {sent:.6f} - {error}\n".encode())
        self._sent.clear()
        self.say("x")
