"""A real client that inserts: `python -m sim.validate.postgres_sender SPEC.json MESSAGES LOG`.

The spec has ``server`` (a URL), ``insert`` (`sim.validate.postgres_statements.insert`),
``connections`` and ``batch``. Each connection has one statement under way at a time, with what is
waiting.
"""

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psycopg

from sim.validate.sender import Sending


class PostgresSender:
    """Connections that share one list of messages to insert, oldest first."""

    def __init__(self, spec: dict[str, Any], sending: Sending) -> None:
        """
        Args:
            spec: see the module.
            sending: has the messages and their times.
        """
        self.spec = spec
        self.sending = sending
        self.lock = threading.Lock()
        self.next = 0
        self.databases = [
            psycopg.connect(spec["server"], autocommit=True, prepare_threshold=0)
            for _ in range(spec["connections"])
        ]

    def run(self) -> None:
        """Until everything is inserted."""
        for database in self.databases:  # prepared before its time
            database.execute(self.spec["insert"], {"bodies": []})
        self.due = self.sending.wait_for_go()
        threads = [
            threading.Thread(target=self._work, args=(database,), daemon=True)
            for database in self.databases
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.sending.ends()

    def _work(self, database: Any) -> None:
        while batch := self._next():
            for message in batch:
                self.sending.sent(message)
            bodies = [self.sending.body(message).decode() for message in batch]
            database.execute(self.spec["insert"], {"bodies": bodies})
            for message in batch:
                self.sending.acknowledged(message)

    def _next(self) -> list[int]:
        """What is to be sent now; waits until there is something. Empty at the end."""
        batch: list[int] = []
        with self.lock:
            if self.next == len(self.due):
                return batch
            # Who waits for the next message has the lock, and the others wait behind it.
            while (left := self.due[self.next] - time.time()) > 0:
                time.sleep(left)
            now = time.time()
            while (
                len(batch) < self.spec["batch"]
                and self.next < len(self.due)
                and self.due[self.next] <= now
            ):
                batch.append(self.next)
                self.next += 1
        return batch


if __name__ == "__main__":
    PostgresSender(
        json.loads(Path(sys.argv[1]).read_text()), Sending(Path(sys.argv[2]), Path(sys.argv[3]))
    ).run()
