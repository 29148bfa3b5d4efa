"""What was done to a system, and what it led to: the table ``faults``."""

from collections.abc import Sequence

import pandas as pd

_COLUMNS = {"system": "str", "t_s": "float64", "until_s": "float64", "text": "str"}


def faults_table(system: str, happened: Sequence[tuple[float, float, str]]) -> pd.DataFrame:
    """A row per fault, alarm or consequence, by time: ``t_s`` to ``until_s`` and ``text``.

    Args:
        system: name.
        happened: (t_s, until_s, text) of each; until is inf where it lasts to the end.
    """
    rows = [(system, *one) for one in sorted(happened)]
    return pd.DataFrame(rows, columns=list(_COLUMNS)).astype(_COLUMNS)
