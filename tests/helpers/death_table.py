"""What a producer process leaves in the log when it ends without waiting for its records.

One row is one way to end (rules KP-15 and LP-04 to LP-06), as measured with confluent-kafka 2.16 on
librdkafka's own mock cluster: 1,000 keyed records handed over within 0.5 ms on open connections,
requests answered in well under 1 ms. ``test_real_client.py`` measures it again, and the model of
the client is held to the same rows.

All records of a partition are in one batch, which is in the log as a whole or not at all; the
range of the row where linger and death coincide stands for that.
"""

from enum import StrEnum
from typing import NamedTuple

RECORDS = 1_000
"""Records that the process hands to its client, as fast as it can, before it ends."""
PARTITIONS = 4
BROKERS = 3


class How(StrEnum):
    """How the process ended, and what it had installed to be called then."""

    EXIT = "exit"
    """Leaves its main function; no flush."""
    EXIT_ATEXIT_FLUSH = "exit, atexit flush"
    FLUSH_EXIT = "flush, exit"
    SIGTERM = "SIGTERM"
    """No handler."""
    SIGTERM_ATEXIT_FLUSH = "SIGTERM, atexit flush"
    """No handler, but a flush registered with atexit, which a signal does not run."""
    SIGTERM_HANDLER_FLUSH = "SIGTERM, handler that flushes"
    SIGKILL = "SIGKILL"


class Row(NamedTuple):
    """One way to end, and how many of `RECORDS` are in the log afterwards."""

    how: How
    linger_ms: float
    """``linger.ms`` of the client; all else is at librdkafka's defaults."""
    kill_after_ms: float
    """From the last ``produce()`` to the signal, or to the end of the main function."""
    min_in_log: int
    max_in_log: int
    teardown_ms: float = 10
    """Normal exit only: how long the client outlives the main function.

    0 for a client that is local to it. One in a global variable lives until the interpreter clears
    its modules: 6 ms later in a bare script, 12 with numpy imported, 44 with pandas (Python 3.11).
    """

    def __str__(self) -> str:
        end = f", teardown {self.teardown_ms:g} ms" if self.how == How.EXIT else ""
        return f"{self.how}, linger {self.linger_ms:g} ms, after {self.kill_after_ms:g} ms{end}"


DEATH_TABLE = (
    Row(How.EXIT, 5_000, 0, 0, 0),
    Row(How.EXIT, 50, 0, 0, 0),
    Row(How.EXIT, 5, 0, RECORDS, RECORDS),
    Row(How.EXIT, 5, 0, 0, 0, teardown_ms=0),
    Row(How.EXIT_ATEXIT_FLUSH, 5_000, 0, RECORDS, RECORDS),
    Row(How.FLUSH_EXIT, 5_000, 0, RECORDS, RECORDS),
    Row(How.SIGTERM, 5_000, 20, 0, 0),
    Row(How.SIGTERM_ATEXIT_FLUSH, 5_000, 20, 0, 0),
    Row(How.SIGTERM_HANDLER_FLUSH, 5_000, 20, RECORDS, RECORDS),
    Row(How.SIGKILL, 5_000, 20, 0, 0),
    Row(How.SIGKILL, 5, 0, 0, 0),
    Row(How.SIGKILL, 5, 2, 0, 0),
    Row(How.SIGKILL, 5, 5, 0, RECORDS),
    Row(How.SIGKILL, 5, 20, RECORDS, RECORDS),
)
