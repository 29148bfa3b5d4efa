"""How many messages were processed out of order: columns of the summary."""

from sim.measure.counts import Counted


def sums(counted: Counted) -> dict[str, int]:
    """Columns of the summary.

    - ``violations``: messages first processed after a later message of the same key.
    - ``keys_violated``: keys with such a message.
    """
    return {"violations": counted.violations_in_all, "keys_violated": counted.keys_violated}
