"""Are the tables still those that are committed, byte for byte? (`make same`)

    python tests/tools/same_tables.py                  # every shipped scenario: a minute or two
    python tests/tools/same_tables.py head_of_line     # one of them

Runs scenarios into a temporary folder and compares each table with `results/<scenario>/example`.
What differs is printed with its scenario, table and columns, and the exit code is 1. A change that
is meant to change nothing leaves all as they are; one that is meant to is followed by
`make examples`, and its tables are committed with it.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[2]
RUN = "example"
SHOWN = 3
"""So many columns of a table that differs are named."""


def tables(run: Path) -> list[str]:
    """Names of the files of a stored run that hold its tables."""
    return sorted([path.name for path in run.glob("*.parquet")] + ["summary.csv"])


def differences(kept: Path, now: Path) -> list[str]:
    """In words, each table of a scenario that is not the same byte for byte.

    Args:
        kept: folder of the run that is committed.
        now: folder of the run that was just made.
    """
    if not kept.exists():
        return [f"no {kept}: `make examples` makes one"]
    found = []
    for name in sorted({*tables(kept), *tables(now)}):
        if not (now / name).exists():
            found.append(f"{name}: is not written any more")
        elif not (kept / name).exists():
            found.append(f"{name}: is new")
        elif (kept / name).read_bytes() != (now / name).read_bytes():
            found.append(f"{name}: {_what(_frame(kept / name), _frame(now / name))}")
    return found


def _frame(path: Path) -> pd.DataFrame:
    return pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)


def _what(kept: pd.DataFrame, now: pd.DataFrame) -> str:
    """How two tables differ, in words."""
    if list(kept.columns) != list(now.columns):
        gone, new = set(kept.columns) - set(now.columns), set(now.columns) - set(kept.columns)
        return f"other columns (gone: {sorted(gone)}; new: {sorted(new)})"
    if len(kept) != len(now):
        return f"{len(now):,} rows instead of {len(kept):,}"
    said = [words for c in kept if (words := _column(str(c), kept[c], now[c]))]
    rest = f" and {len(said) - SHOWN} more columns" if len(said) > SHOWN else ""
    return "; ".join(said[:SHOWN]) + rest if said else "the same values, written otherwise"


def _column(name: str, kept: pd.Series, now: pd.Series) -> str:
    """How two columns differ, in words; nothing, if they do not."""
    if kept.equals(now):
        return ""
    if kept.dtype != now.dtype:
        return f"{name} is {now.dtype} instead of {kept.dtype}"
    other = ~((kept == now) | (kept.isna() & now.isna())).to_numpy()
    row = int(np.flatnonzero(other)[0])
    return (
        f"{name} in {other.sum():,} of {len(kept):,} rows, first in row {row}: "
        f"{now.iloc[row]} instead of {kept.iloc[row]}"
    )


def main(arguments: Sequence[str]) -> int:
    """Run, compare and print; 0: all are the same."""
    shipped = sorted(path.stem for path in (ROOT / "scenarios").glob("*.yaml"))
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("scenario", nargs="*", help="all shipped ones, if none is named")
    names = parser.parse_args(arguments).scenario or shipped
    with tempfile.TemporaryDirectory() as out:
        command = ["run", *names, "--no-charts", "--name", RUN, "--out", out]
        run = subprocess.run(
            [sys.executable, "-m", "sim", *command], cwd=ROOT, capture_output=True, text=True
        )
        if run.returncode != 0:
            print(run.stderr or run.stdout, file=sys.stderr)
            return run.returncode
        differ = compared = 0
        for name in names:
            now = Path(out) / name / RUN
            compared += len(tables(now))
            found = differences(ROOT / "results" / name / RUN, now)
            differ += len(found)
            print(*(f"{name}: {words}" for words in found), sep="\n", end="\n" * bool(found))
    print(f"{compared} tables of {len(names)} scenarios: {differ or 'none'} differ")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
