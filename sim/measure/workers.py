"""What the consumers of a group did with their time: the table ``workers``."""

from collections.abc import Mapping

import pandas as pd


def workers_table(who: Mapping[str, str], spent_s: Mapping[str, float]) -> pd.DataFrame:
    """A row per ``activity`` of `sim.engine.outcome.GroupOutcome.spent_by_consumers`.

    ``total_s``: seconds, summed over the consumers. ``share``: of all of their time.
    """
    whole_s = sum(spent_s.values()) or 1.0
    return pd.DataFrame(
        [
            {**who, "activity": activity, "total_s": total_s, "share": total_s / whole_s}
            for activity, total_s in spent_s.items()
        ]
    )
