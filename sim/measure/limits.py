"""Which limits acted: the table ``limits``."""

from collections.abc import Mapping, Sequence

import pandas as pd

from sim.engine.waits import Limit
from sim.foundation.arrays import F64

MUCH = 0.25
"""Share of its messages' time from which on a part of it is a reason for being late."""
COLUMNS = tuple(name for name in Limit._fields if name != "part")


def limits_table(
    who: Mapping[str, str], limits: Sequence[Limit], total_s: F64 | None = None
) -> pd.DataFrame:
    """A row per `sim.engine.waits.Limit`, its fields as columns, in order of ``first_s``.

    Args:
        who: system and group.
        limits: those that acted.
        total_s: [parts] where the time of the group's messages went, s: those of a ``part`` that
            is not `MUCH` of it are left out; None: it was not measured.
    """
    told = [its for its in limits if its.part is None or total_s is None or _is_much(total_s, its)]
    ordered = sorted(told, key=lambda limit: (limit.first_s, limit.key, limit.target))
    rows = [{**who, **{name: getattr(limit, name) for name in COLUMNS}} for limit in ordered]
    return pd.DataFrame(rows, columns=[*who, *COLUMNS])


def _is_much(total_s: F64, limit: Limit) -> bool:
    assert limit.part is not None
    return bool(total_s[limit.part] >= MUCH * total_s.sum())
