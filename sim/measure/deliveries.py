"""How often messages were handed out and processed: columns of the summary."""

from sim.engine.outcome import GroupOutcome
from sim.measure.counts import Counted


def sums(outcome: GroupOutcome, counted: Counted) -> dict[str, int]:
    """Columns of the summary.

    - ``deliveries``: times that a message was handed to a consumer, also one that the group does
      not want.
    - ``extra_deliveries``: deliveries beyond one per message delivered.
    - ``double_effects``: processings beyond one per message.
    """
    return {
        "deliveries": outcome.deliveries,
        "extra_deliveries": outcome.extra_deliveries,
        "double_effects": counted.extra_effects,
    }


def messages_per_call(outcome: GroupOutcome) -> float:
    """Deliveries per receive call or poll that returned messages."""
    return outcome.deliveries / max(1, outcome.calls)
