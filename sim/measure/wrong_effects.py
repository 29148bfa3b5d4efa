"""What bugs spoilt, and what seeks back put right or found gone: columns of the summary."""

from sim.engine.outcome import Effects
from sim.injection.replay import Replay, righted


def sums(history: Effects | None, replay: Replay) -> dict[str, int]:
    """Columns of the summary.

    - ``wrong_effects``: messages whose last effect falls into a bug of the group.
    - ``righted_effects``: messages with a wrong effect that is not their last.
    - ``unrecoverable``: messages that a seek asked for and that had been deleted.

    Args:
        history: every effect of the group; None only if it had no bug.
        replay: what its bugs and seeks came to.
    """
    after_bugs = righted(history, replay)
    return {
        "wrong_effects": after_bugs.wrong,
        "righted_effects": after_bugs.right,
        "unrecoverable": replay.gone,
    }
