"""Limits that act on the members of a group: how often each did, and when."""

from sim.engine.acted_kernel import Acted, note
from sim.foundation.arrays import I64

MAX_POLL, SESSION, TAKEOVER = "max poll", "session", "takeover"
"""A member went too long without a poll, and was put out; a silent one was, when its session ended;
a lease that nobody renewed was taken."""
CHILDREN = "children"
"""Leases of shards that took the place of others had no owner until a worker looked."""
BACKOFF, ATTEMPTS = "backoff", "attempts"
"""A member waited before it tried a record again; it had tried one often enough."""
RETRIES, TIMEOUT, AGE = "retries", "timeout", "age"
"""A batch that failed was handed over again, and what is behind it waited; one took too long; a
record was too old to be handed over."""
RETRY_TOPIC = "retry topic"
"""A record that failed was put into a retry topic, and waited there."""
AGAIN = "again"
"""Records were processed and not committed when a member lost its partitions: they come again."""
EXPIRED = "expired"
"""Committed offsets were deleted, for the group had been without members for long."""
METADATA = "metadata"
"""A client did not know yet of partitions that had been added."""


class GroupActs:
    """What acted on a group."""

    def __init__(self) -> None:
        self.of: dict[str, dict[str, Acted]] = {}
        """By what it was (`MAX_POLL`, …) and whom it struck."""
        self.expired: list[tuple[float, I64]] = []
        """(s, [partitions] what was committed) of offsets that were deleted; below 0: was not."""

    def note(
        self, what: str, from_s: float, until_s: float, times: int = 1, target: str = ""
    ) -> None:
        """It acted so often, from one time to another, s; ``target``: whom it struck, if anyone."""
        acted = self.of.setdefault(what, {}).setdefault(target, Acted())
        note(acted, from_s, until_s, times)
