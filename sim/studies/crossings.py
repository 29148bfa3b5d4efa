"""Where the lines of several systems cross, as one key of a sweep grows: which is the cheapest."""

from collections.abc import Iterator, Mapping
from itertools import combinations, pairwise
from typing import NamedTuple

import numpy as np

from sim.foundation.arrays import F64
from sim.foundation.text import names
from sim.studies.design import short_names
from sim.studies.points import COST
from sim.studies.sweeps import Sweep


class Crossing(NamedTuple):
    """Two lines, and where they cross."""

    first: str
    """The lower one before."""
    then: str
    """The lower one after."""
    at: float
    """Value of the key: lines are taken to be straight from one value that was tried to the next,
    as a bill of a fixed part and one for each message is."""


def lines_of(found: Sweep, number: str) -> tuple[F64, Mapping[str, F64]]:
    """[values] of the only key, ascending, and [values] the mean number of each system.

    Args:
        found: a sweep of one numeric key.
        number: that is the same for all groups of a system.
    """
    (one,) = found.varied
    lines: dict[str, F64] = {}
    at = np.empty(0)
    for system, group in found.groups:
        if system not in lines:
            cells = found.cells(number, system, group).sort_values(one.path)
            at = cells[one.path].to_numpy(np.float64)
            lines[system] = cells["mean"].to_numpy(np.float64)
    return at, lines


def crossings(at: F64, lines: Mapping[str, F64]) -> list[Crossing]:
    """Where each two lines cross, in the order of the key.

    Args:
        at: [values] of the key, ascending.
        lines: [values] of each system.
    """
    out = []
    for one, other in combinations(lines, 2):
        above = lines[one] - lines[other]
        apart = np.flatnonzero(above)
        for i, j in pairwise(apart[np.isfinite(above[apart])]):
            if above[i] * above[j] > 0:
                continue
            # Where they are one for a while, they part at its end.
            start = j - 1 if j > i + 1 else i
            part = above[start] / (above[start] - above[j])
            where = float(at[start] + part * (at[j] - at[start]))
            first, then = (other, one) if above[i] > 0 else (one, other)
            out.append(Crossing(first, then, where))
    return sorted(out, key=lambda its: its.at)


def said(found: Sweep, number: str) -> Iterator[str]:
    """Which is the cheapest from which value on, and where the others' lines cross.

    Nothing but of what systems cost, with one numeric key, two systems and two values.
    """
    if number != COST or len(found.varied) != 1 or not found.varied[0].numeric:
        return
    at, lines = lines_of(found, number)
    if len(lines) < 2 or at.size < 2:
        return
    (name,) = short_names(found.varied)
    met = crossings(at, lines)
    best = min(lines, key=lambda system: tuple(lines[system]))
    words = [best]
    for its in met:
        if its.first == best:
            best = its.then
            words.append(f"from about {_about(its.at)} on {best}")
    ends = [found.varied[0].say(value) for value in (at[0], at[-1])]
    over = f"over {name} {ends[0]} to {ends[1]}"
    yield f"The cheapest {over} is {', '.join(words)}"
    pairs = [f"{its.first} and {its.then} at about {_about(its.at)}" for its in met]
    yield f"Lines cross: {names(pairs)}" if pairs else "No two lines cross"


def _about(value: float) -> str:
    """To two digits."""
    rounded = float(f"{value:.2g}")
    return f"{int(rounded):,}" if rounded.is_integer() else f"{rounded:g}"
