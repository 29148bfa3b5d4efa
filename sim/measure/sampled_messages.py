"""Some messages with what became of each: the table ``messages``."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from sim.engine.outcome import Became, Fate
from sim.foundation.arrays import F64, I32, I64, U8, U16
from sim.traffic.messages import Messages

if TYPE_CHECKING:
    import pandas as pd

SAMPLE = 2_000
"""Messages kept of each group, evenly spaced."""


class SampledMessages:
    """Every so-manieth of a group's messages, which come in pieces or all at once."""

    def __init__(self, total: int) -> None:
        """``total``: how many messages there will be."""
        self.step = -(-total // SAMPLE) or 1
        self._seen = 0
        self._rows: list[I64] = []
        self._created_s: list[F64] = []
        self._entity: list[I32] = []
        self._became: list[tuple[U8, F64, U16]] = []

    def add(self, messages: Messages, became: Became, final: int) -> None:
        """Take what is due of the first ``final`` messages, which come after those before."""
        rows = np.arange(-self._seen % self.step, final, self.step)
        self._rows.append(self._seen + rows)
        self._created_s.append(messages.created_s[rows])
        self._entity.append(messages.entity[rows])
        self._became.append((became.fate[rows], became.done_s[rows], became.effects[rows]))
        self._seen += final

    def table(self, who: Mapping[str, str], key_of: I32, names: Sequence[str]) -> "pd.DataFrame":
        """A row per message of the sample.

        ``message`` is its row among the group's, ``key`` that within which order matters,
        ``done_s`` when it was first processed (inf: never), ``effects`` how often it was, and
        ``fate`` in words.

        Args:
            who: system and group.
            key_of: [entities] the key of each, within which order matters.
            names: [keys]
        """
        import pandas as pd  # while messages are counted, nobody needs it

        words = np.array([fate.label for fate in Fate])
        fate, done_s, effects = (np.concatenate(c) for c in zip(*self._became, strict=True))
        return pd.DataFrame(
            {
                **who,
                "message": np.concatenate(self._rows),
                "created_s": np.concatenate(self._created_s),
                "key": [names[key] for key in key_of[np.concatenate(self._entity)]],
                "done_s": done_s,
                "effects": effects,
                "fate": words[fate],
            }
        )
