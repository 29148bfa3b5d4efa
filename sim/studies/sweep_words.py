"""What a sweep says, in words: how a number follows a key, or which of several keys matters."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from sim.foundation.text import names, share
from sim.studies import crossings
from sim.studies.design import Varied, short_names
from sim.studies.sweeps import Sweep
from sim.studies.words import NAMES, figure

MOST_GROUPS = 4
"""Of which tables are printed; the dataset has all."""
_MOST_COLUMNS = 5
_SAME = 1.05
"""A number that changes by less than this factor hardly moves."""
_LITTLE = 0.1
"""Of the variance; with less, no key is named."""


def called(number: str) -> str:
    """What a number of the summary is called."""
    return NAMES.get(number, number)


def _who(who: tuple[str, str]) -> str:
    return ".".join(who)


def title(found: Sweep, number: str) -> str:
    """The first finding, as the title of a picture."""
    return f"{next(findings(found, number))}."


def findings(found: Sweep, number: str) -> Iterator[str]:
    """Sentences: of each group that the settings change, the most changed first; and before them,
    of what systems cost, which is the cheapest.

    Args:
        found: the sweep.
        number: a column of the summary.
    """
    yield from crossings.said(found, number)
    depends = found.depends(number)
    for who in depends:
        if len(found.varied) == 1:
            yield from _follows(found, number, who)
        else:
            yield _matters(found, number, who)
            yield _extremes(found, number, who)
    same = [_who(who) for who in found.groups if who not in depends]
    if same:
        shown = [*same[:3], *([f"{len(same) - 3} more"] if len(same) > 3 else [])]
        yield f"No setting changes {called(number)} of {names(shown)}"


def _follows(found: Sweep, number: str, who: tuple[str, str]) -> Iterator[str]:
    """How the number of a group goes with the one key that was varied."""
    (one,), (name,) = found.varied, short_names(found.varied)
    cells = found.cells(number, *who)
    mean = cells["mean"].to_numpy()
    at = [one.say(value) for value in cells[one.path]]
    what = f"{called(number)} of {_who(who)}"
    least, most = int(np.nanargmin(mean)), int(np.nanargmax(mean))
    if not one.numeric:
        yield (
            f"{what} is least with {name} {at[least]}, {figure(number, mean[least])}, and most "
            f"with {at[most]}, {figure(number, mean[most])}"
        )
        return
    order = np.argsort(cells[one.path].to_numpy(), kind="stable")
    first, last = int(order[0]), int(order[-1])
    words = [figure(number, mean[i]) for i in (first, last)]
    low, high = sorted((mean[first], mean[last]))
    if words[0] == words[1] or (low > 0 and high / low < _SAME):
        said = f"{what} is {words[0]} at {name} {at[first]} and {words[1]} at {at[last]}"
    else:
        verb = "falls" if mean[last] < mean[first] else "rises"
        said = (
            f"{what} {verb} from {words[0]} at {name} {at[first]} to {words[1]} at {at[last]}"
            f"{_often(found, number, who, first, last)}"
        )
    if least not in (first, last) and mean[least] * _SAME < low:
        said += f"; it is least at {at[least]}: {figure(number, mean[least])}"
    if most not in (first, last) and mean[most] > _SAME * high:
        said += f"; it is most at {at[most]}: {figure(number, mean[most])}"
    yield said


def _often(found: Sweep, number: str, who: tuple[str, str], first: int, last: int) -> str:
    """In how many of the runs it goes that way."""
    if found.replications == 1:
        return ""
    its = found.of(*who).pivot(index="replication", columns="point", values=number)
    one, other = its[first], its[last]
    often = max(int((one < other).sum()), int((one > other).sum()))
    return f", in {often} of {found.replications} runs"


def _matters(found: Sweep, number: str, who: tuple[str, str]) -> str:
    effects = found.effects(number, *who)
    path = dict(zip((one.path for one in found.varied), short_names(found.varied), strict=True))
    row = effects.iloc[0]
    what = f"{called(number)} of {_who(who)}"
    if row["share"] < _LITTLE:
        return f"No key alone has much to do with {what}"
    part = f" ({share(row['share'], 1)} of its variance)" if np.isfinite(row["share"]) else ""
    return (
        f"{what} depends most on {path[row['path']]}{part}: a median of "
        f"{figure(number, row['low'])} at {row['from']}, {figure(number, row['high'])} at "
        f"{row['to']}"
    )


def _extremes(found: Sweep, number: str, who: tuple[str, str]) -> str:
    cells = found.cells(number, *who).dropna(subset="mean")
    said = []
    mean = cells["mean"].to_numpy()
    for at in (int(mean.argmin()), int(mean.argmax())):
        row = cells.iloc[at]
        said.append(f"{figure(number, row['mean'])} with {_setting(found, row)}")
    return f"{called(number)} of {_who(who)} is least, {said[0]}; and most, {said[1]}"


def _setting(found: Sweep, row: pd.Series) -> str:
    return ", ".join(
        f"{name} {one.say(row[one.path])}"
        for name, one in zip(short_names(found.varied), found.varied, strict=True)
    )


def table(found: Sweep, number: str) -> Iterator[str]:
    """Lines for a terminal of 80 columns, a block a group.

    One key: a line a value, with its interval. Two in a grid: a line for each value of one, a
    column for each of the other. Else: a line a key, and what it does.

    Args:
        found: the sweep.
        number: a column of the summary.
    """
    depends = found.depends(number)
    n = found.replications
    of = f", mean of {n} runs" if n > 1 else ""
    for who in depends[:MOST_GROUPS]:
        yield f"{called(number)} of {_who(who)}{of}"
        if len(found.varied) == 1:
            yield from _column(found, number, who)
        elif len(found.varied) == 2 and found.design.kind == "grid":
            yield from _matrix(found, number, who)
        else:
            yield from _effects(found, number, who)
        yield ""
    if (rest := len(depends) - MOST_GROUPS) > 0:
        yield f"and {rest} more groups, in the files below"
    if not depends:
        yield f"{called(number)}: no setting changes it, in any group"


def _column(found: Sweep, number: str, who: tuple[str, str]) -> Iterator[str]:
    (one,), (name,) = found.varied, short_names(found.varied)
    for row in found.cells(number, *who).to_dict("records"):
        line = f"  {_short(f'{name} {one.say(row[one.path])}', 32):<32} "
        line += f"{figure(number, row['mean']):>14}"
        if np.isfinite(row["low"]):
            line += f"  {figure(number, row['low'])} to {figure(number, row['high'])}"
        yield line


def _matrix(found: Sweep, number: str, who: tuple[str, str]) -> Iterator[str]:
    down, across = sorted(found.varied, key=lambda one: -len(one.levels))
    name = dict(zip((one.path for one in found.varied), short_names(found.varied), strict=True))
    cells = found.cells(number, *who).pivot(index=down.path, columns=across.path, values="mean")
    its = _order(across, list(cells.columns))
    some = np.linspace(0, len(its) - 1, min(len(its), _MOST_COLUMNS)).round().astype(int)
    of = f" ({len(some)} of {len(its)} values)" if len(some) < len(its) else ""
    its = [its[i] for i in some]
    yield f"  {_short(name[down.path], 16):<16}  {name[across.path]}{of}"
    yield " " * 18 + "".join(f"{_short(across.say(value), 11):>12}" for value in its)
    for value in _order(down, list(cells.index)):
        row = cells.loc[[value], its].to_numpy(np.float64)[0]
        figures = "".join(f"{_short(figure(number, float(mean)), 11):>12}" for mean in row)
        yield f"  {_short(down.say(value), 16):<16}{figures}"


def _order(one: Varied, values: list[float | str]) -> list[float | str]:
    known = [level.value for level in one.levels]
    return sorted(values, key=known.index) if not one.numeric else sorted(values)


def _effects(found: Sweep, number: str, who: tuple[str, str]) -> Iterator[str]:
    path = dict(zip((one.path for one in found.varied), short_names(found.varied), strict=True))
    for row in found.effects(number, *who).to_dict("records"):
        part = f" {share(row['share'], 1)} of the variance" if np.isfinite(row["share"]) else ""
        yield f"  {_short(path[row['path']], 50)}:{part}"
        least, most = figure(number, row["low"]), figure(number, row["high"])
        yield f"    median {least} at {row['from']}, {most} at {row['to']}"


def _short(words: str, most: int) -> str:
    return words if len(words) <= most else f"{words[: most - 1]}…"
