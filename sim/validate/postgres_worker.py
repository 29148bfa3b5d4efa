"""A real worker of a queue in PostgreSQL.

    python -m sim.validate.postgres_worker SPEC.json WORK LOG


The spec has ``server`` (a URL), ``fetch`` and ``complete`` (`sim.validate.postgres_statements`),
``transaction`` (whether one is open from the fetch to the end of the work), ``poll_s`` (the wait
after a fetch that found nothing) and ``listen`` (the channel that ends this wait; "": none).
SIGTERM ends it once it has completed what it holds.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psycopg

from sim.validate.handler import FailedError, Handler


class PostgresWorker:
    """Fetches, works and completes, one statement at a time."""

    def __init__(self, spec: dict[str, Any], handler: Handler) -> None:
        """
        Args:
            spec: see the module.
            handler: does the work.
        """
        self.spec = spec
        self.handler = handler
        self.database = psycopg.connect(
            spec["server"], autocommit=not spec["transaction"], prepare_threshold=0
        )
        self.holds = False
        self.stopping = False

    def stop(self, *_: object) -> None:
        """At SIGTERM."""
        self.stopping = True
        if not self.holds:
            self.handler.say("x")
            raise SystemExit(0)

    def run(self) -> None:
        """Until SIGTERM."""
        if self.spec["listen"]:
            self.database.execute(f"LISTEN {self.spec['listen']}")
            if self.spec["transaction"]:
                self.database.commit()
        self._fetch()  # prepared before its time: there is nothing yet
        self.handler.wait_for_go()
        signal.signal(signal.SIGTERM, self.stop)
        self.handler.say("e", "subscribed")
        while not self.stopping:
            self.holds = True
            rows = self._fetch()
            if rows:
                self._process(rows)
            self.holds = False
            if not rows:
                self._wait()
        self.handler.say("x")

    def _wait(self) -> None:
        """For the time of the next fetch, or until an INSERT notifies."""
        if not self.spec["listen"]:
            time.sleep(self.spec["poll_s"])
            return
        for _ in self.database.notifies(timeout=self.spec["poll_s"], stop_after=1):
            pass

    def _fetch(self) -> Sequence[tuple[int, int, str]]:
        """By their ids: an UPDATE returns its rows in any order."""
        began = time.time()
        rows: list[tuple[int, int, str]] = self.database.execute(self.spec["fetch"]).fetchall()
        if not rows:
            self._rollback()
            return rows
        self.handler.say("c", f"fetch {time.time() - began:.6f}")
        if self.spec["transaction"]:
            return [(at, self._taken(at), body) for at, _, body in sorted(rows)]
        return sorted(rows)

    def _taken(self, row: int) -> int:
        """How often a row was taken, by any worker: a transaction that is rolled back leaves no
        trace of it in the table, so they note it in a file."""
        file = os.open(f"{self.handler.work}.row{row}", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            return os.write(file, b".") and os.fstat(file).st_size
        finally:
            os.close(file)

    def _process(self, rows: Sequence[tuple[int, int, str]]) -> None:
        done = []
        for at, deliveries, body in rows:
            try:
                self.handler.do(int(body), deliveries)
            except FailedError:
                continue
            done.append((at, deliveries))
        if not done:
            self._rollback()
            return
        ids, counts = map(list, zip(*done, strict=True))
        self._timed(lambda: self._complete(ids, counts))

    def _complete(self, ids: Sequence[int], counts: Sequence[int]) -> None:
        self.database.execute(self.spec["complete"], {"ids": ids, "counts": counts})
        if self.spec["transaction"]:
            self.database.commit()

    def _rollback(self) -> None:
        """Rows that are not completed are free again, where a transaction held them."""
        if self.spec["transaction"]:
            self.database.rollback()

    def _timed(self, statement: Callable[[], None]) -> None:
        began = time.time()
        statement()
        self.handler.say("c", f"complete {time.time() - began:.6f}")


if __name__ == "__main__":
    PostgresWorker(
        json.loads(Path(sys.argv[1]).read_text()), Handler(Path(sys.argv[2]), Path(sys.argv[3]))
    ).run()
