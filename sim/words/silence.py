"""What a run did not do of what it was asked, such as a fault that never struck, for warnings.

What the scenario alone tells is in `sim.scenario.silences`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from sim.foundation.text import count, duration, names
from sim.scenario.faults.base import Fault

if TYPE_CHECKING:
    from sim.measure.tables import Tables


def never_struck(fault: Fault, due_s: Sequence[float], ended_s: float) -> str:
    """That a fault did nothing to a system, and why.

    Args:
        fault: which; its target matches something of the system.
        due_s: the times at which it was to strike, s.
        ended_s: when the run was over, s.
    """
    if fault.condition is not None:
        why = "its condition never held"
    elif not due_s:
        why = "at its rate, it came up at no time"
    elif min(due_s) >= ended_s:
        why = (
            f"it was due at {duration(min(due_s))}, and all was done at {duration(ended_s)}"
            if len(due_s) == 1
            else f"all was done at {duration(ended_s)}, before the first time that came up"
        )
    else:
        why = "at its time, there was nothing for it to strike"
    return f"{fault.fault!r} never struck: {why}"


def poisoned_nothing(fault: Fault) -> str:
    """That no message was made poisonous."""
    return f"{fault.fault!r} never struck: no such message was created at or after its time"


def none_was_slow(share: float, messages: int) -> str:
    """That the slow share of a job drew none of a group's messages."""
    return f"none of {count(messages)} messages drew this share, {share:g}: no message was slow"


def none_was_poisonous(share: float, messages: int) -> str:
    """That the poisonous share of a job drew none of a group's messages."""
    return (
        f"none of {count(messages)} messages drew this share, {share:g}: no message was poisonous"
    )


def silences_table(system: str, said: Sequence[str]) -> pd.DataFrame:
    """[silences] the table of what is said of a system: a ``text`` each, once."""
    texts = list(dict.fromkeys(said))
    return pd.DataFrame({"system": [system] * len(texts), "text": texts}, dtype="str")


def warnings_of(tables: "Tables") -> list[str]:
    """What is said of the systems of a run: a text each, with those of which it is true."""
    if not len(tables.silences):
        return []
    ran = len(tables.summary["system"].unique())
    out = []
    for text, rows in tables.silences.groupby("text", sort=False):
        whose = "" if ran == 1 else f" (in {names([str(name) for name in rows['system']])})"
        out.append(f"{text}{whose}")
    return out
