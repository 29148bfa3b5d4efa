"""How many messages were processed, lost, dead-lettered or left: the table ``fates``.

Each message has one fate per group, `sim.engine.outcome.Fate`; which one is decided where it
happens, in the room of the log or the queue. Here they are counted.
"""

from collections.abc import Mapping

import pandas as pd

from sim.engine.outcome import Fate

RARE = (Fate.LOST_TRANSACTION_ABORTED,)
"""Fates of settings that few have."""


def sums(fates: Mapping[Fate, int]) -> dict[str, int]:
    """Columns of the summary.

    - ``produced``: messages meant for the group.
    - ``processed``: those with an effect.
    - ``lost``: those that can never be processed, at whatever place they were lost.
    - ``dead_lettered``: those put aside after failing too often.
    - ``unfinished``: those that still waited or were in work when the run ended.
    The first is the sum of the others, which `sim.measure.counts.count` asserts.
    """
    return {
        "produced": sum(fates.values()),
        "processed": fates[Fate.PROCESSED],
        "lost": sum(n for fate, n in fates.items() if fate.lost),
        "dead_lettered": fates[Fate.DEAD_LETTERED],
        "unfinished": fates[Fate.UNFINISHED],
    }


def fates_table(who: Mapping[str, str], fates: Mapping[Fate, int]) -> pd.DataFrame:
    """A row per fate: ``fate``, the ``place`` where it was lost if it was, and ``messages``.

    `RARE` ones have a row only where there are any.
    """
    return pd.DataFrame(
        [
            {**who, "fate": "lost" if fate.lost else fate.label, "place": fate.place, "messages": n}
            for fate, n in fates.items()
            if n or fate not in RARE
        ]
    )
