"""What the products have in common: named groups of readers, each with its jobs."""

import re
from typing import Annotated, Literal, Protocol

from pydantic import AfterValidator, Field, WithJsonSchema

from sim.foundation.config import Config
from sim.foundation.units import PositiveCount, Seconds
from sim.ledger.policy import LedgerPolicy

_NAME = re.compile(r"[A-Za-z0-9_-]+")


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError("a name consists of letters, digits, '_' and '-'")
    return text


Name = Annotated[
    str,
    AfterValidator(_name),
    WithJsonSchema({"type": "string", "pattern": f"^{_NAME.pattern}$"}),
]
"""Name of a system, group, queue, job or dimension; without dots, which separate names."""

Jobs = list[str]
"""Names of entries of `workload.service`."""


Selection = dict[Name, list[str]]
"""Values, by dimension of `workload.keys`, of messages: those that have one of each."""


class LogReaders(Config):
    """Readers of a log: they read everything, whatever of it they want."""

    does: Jobs = Field(min_length=1)
    """Jobs of `workload.service` done for each message."""
    ledger: LedgerPolicy | None = None
    """Keeps books of the lifecycle in `workload.keys`: naive, idempotent, strict; null: none."""
    only: Selection | None = None
    """Values, by dimension of `workload.keys`, of the messages that matter to them; they read the
    others too, and throw them away. Null: all matter."""
    discard: Seconds = 0.00001
    """Time to look at a message that is thrown away (an assumption)."""


class OnFailure(Config):
    """What a consumer does when its handler raises: the application's own retries."""

    attempts: PositiveCount | None = None
    """How often a message is tried in all before `then`; null: for ever."""
    backoff: Seconds = 1.0
    """Wait between two attempts."""
    then: Literal["skip", "dead-letter", "stop"] = "skip"
    """After the last attempt: go on without it; put it into a dead-letter topic or queue; stop."""


class Readers(Protocol):
    """A consumer group, or the workers of a queue."""

    @property
    def does(self) -> Jobs:
        """The jobs done for each message, in this order."""

    @property
    def members(self) -> int:
        """How many consumers or workers."""

    @property
    def ledger(self) -> LedgerPolicy | None:
        """How they keep the books, if they do."""
