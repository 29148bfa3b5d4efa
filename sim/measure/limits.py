"""Which limits acted: the table ``limits``."""

from collections.abc import Mapping, Sequence

import pandas as pd

from sim.engine.waits import Limit


def limits_table(who: Mapping[str, str], limits: Sequence[Limit]) -> pd.DataFrame:
    """A row per `sim.engine.waits.Limit`, its fields as columns, in order of ``first_s``."""
    ordered = sorted(limits, key=lambda limit: (limit.first_s, limit.key, limit.target))
    return pd.DataFrame([{**who, **limit._asdict()} for limit in ordered])
