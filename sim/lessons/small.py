"""Small scenarios of the notebooks, and tables that say in words what came of them."""

from pathlib import Path

import numpy as np
import pandas as pd

from sim.foundation.errors import LabError, unknown
from sim.foundation.text import duration
from sim.results.result import Result
from sim.scenario.load import Scenario
from sim.scenario.load import load as load_file

HERE = Path(__file__).parent


def load(name: str) -> Scenario:
    """The scenario of a lesson.

    Args:
        name: ``tiny`` or ``jobs``; `text` shows what is in it.

    Raises:
        LabError: there is none of this name.
    """
    return load_file(_file(name))


def text(name: str) -> str:
    """The YAML of the scenario of a lesson.

    Raises:
        LabError: there is none of this name.
    """
    return _file(name).read_text(encoding="utf-8")


def _file(name: str) -> Path:
    files = {path.stem: path for path in sorted(HERE.glob("*.yaml"))}
    if name not in files:
        raise LabError(unknown("lesson", name, list(files)))
    return files[name]


def told(result: Result, *columns: str) -> pd.DataFrame:
    """Some columns of the summary, a row per system, with times in words.

    Args:
        result: of a run.
        columns: of its summary; those that end in ``_s`` are seconds.
    """
    table = result.summary.set_index("system")[list(columns)]
    timed = [column for column in columns if column.endswith("_s")]
    return table.assign(**{column: table[column].map(duration) for column in timed})


def wrong_pairs(result: Result) -> pd.DataFrame:
    """How many pairs of messages each group finished the wrong way round.

    Returns a row per ``system.group``: ``of all pairs``, and those ``of one key``. Every pair is
    looked at, so it is for small runs.
    """
    rows = {}
    for (system, group), its in result.messages.groupby(["system", "group"]):
        done, key = its["done_s"].to_numpy(), its["key"].to_numpy()
        wrong = np.triu(done[:, None] > done[None, :], 1)
        alike = key[:, None] == key[None, :]
        rows[f"{system}.{group}"] = {
            "of all pairs": int(wrong.sum()),
            "of one key": int((wrong & alike).sum()),
        }
    return pd.DataFrame.from_dict(rows, orient="index")
