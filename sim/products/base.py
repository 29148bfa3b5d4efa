"""What the products have in common: named groups of readers, each with its jobs."""

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Protocol

from pydantic import AfterValidator, WithJsonSchema

from sim.config import Config
from sim.units import PositiveCount, Seconds

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


LedgerPolicy = Literal["naive", "idempotent", "strict"]
"""What a ledger does with what reaches it: see `sim.ledger`."""


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


class HasReaders(Protocol):
    """A system under test, whatever its product."""

    readers_at: ClassVar[str]
    """Key of the configuration under which they stand."""

    @property
    def readers(self) -> Mapping[str, Readers]:
        """Groups or queues by name."""
