"""Some messages with what became of each: the table ``messages``."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sim.engine.outcome import Fate, GroupOutcome
from sim.traffic.messages import Messages

SAMPLE = 2_000
"""Messages kept of each group, evenly spaced."""


def messages_table(
    who: Mapping[str, str], messages: Messages, order_by: Sequence[str], outcome: GroupOutcome
) -> pd.DataFrame:
    """A row per message of the sample.

    ``message`` is its row among the group's, ``key`` that within which order matters, ``done_s``
    when it was first processed (inf: never), ``effects`` how often it was, and ``fate`` in words.
    """
    rows = np.arange(0, len(messages), -(-len(messages) // SAMPLE) or 1)
    key_of, names = messages.keys_by(order_by)
    words = np.array([fate.label for fate in Fate])
    return pd.DataFrame(
        {
            **who,
            "message": rows,
            "created_s": messages.created_s[rows],
            "key": [names[key] for key in key_of[messages.entity[rows]]],
            "done_s": outcome.done_s[rows],
            "effects": outcome.effects[rows],
            "fate": words[outcome.fate[rows]],
        }
    )
