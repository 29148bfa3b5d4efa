"""`sim diff`: what it prints."""

from collections.abc import Iterator, Mapping
from math import isfinite, isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.people import for_people, out

if TYPE_CHECKING:
    from sim.results.difference import Side

_MOST = 60
"""Letters of a value that are shown."""


@for_people
def diff(
    one: Annotated[str, typer.Argument(metavar="RESULT")],
    other: Annotated[str, typer.Argument(metavar="RESULT")],
    out_: Annotated[Path, typer.Option("--out", help="Folder of all results.")] = Path("results"),
) -> None:
    """What two results differ in: keys, seeds and versions, and what came of it.

    Where both have replications, with the interval of the differences between runs of one seed.
    """
    from sim.results.difference import side

    for line in lines(side(one, out_), side(other, out_)):
        out.print(line)


def lines(one: "Side", other: "Side") -> Iterator[str]:
    """The answer, in 80 columns but for names and values that are longer."""
    from sim.results.difference import keys, only, outcomes

    yield f"{one.label}  ->  {other.label}"
    yield ""
    changed = keys(one, other)
    yield "Scenario:" if changed else "Scenario: the same"
    for path, old, new in changed:
        yield f"  {path}: {_short(old)} -> {_short(new)}"
    yield f"Seeds: {_seeds(one)}" + ("" if _seeds(one) == _seeds(other) else f" -> {_seeds(other)}")
    versions = [
        f"{name} {one.versions.get(name, 'none')} -> {other.versions.get(name, 'none')}"
        for name in {**one.versions, **other.versions}
        if one.versions.get(name) != other.versions.get(name)
    ]
    yield f"Versions: {', '.join(versions) if versions else 'the same'}"
    for side, words in ((only(one, other), one.label), (only(other, one), other.label)):
        if side:
            yield f"Only in {words}: {', '.join(side)}"
    yield ""
    found = outcomes(one, other)
    if found.empty:
        alone = len(only(one, other)) == one.runs.groupby(["system", "group"]).ngroups
        same = "the same, in every number of every group that both have"
        yield f"Outcome: {'no group is in both' if alone else same}"
        return
    yield _heading(found["pairs"].max())
    for (system, group), its in found.groupby(["system", "group"], sort=False):
        yield f"{system}.{group}"
        for row in its.to_dict("records"):
            yield _row(row)


def _heading(pairs: int) -> str:
    if pairs > 1:
        return f"Outcome: means, and by how much {pairs} runs of one seed differ, with 95 %:"
    if pairs == 1:
        return "Outcome, of one run each with the same seed; --replications says how sure it is:"
    return "Outcome, of runs with other seeds: a part of this is luck"


def _row(row: Mapping[Any, Any]) -> str:
    number = str(row["number"])
    old, new = (_figure(number, row[of]) for of in ("one", "other"))
    from sim.studies.words import NAMES

    called = {**NAMES, "latency_max_s": "longest"}
    words = f"  {called.get(number, number):<16} {old:>14} -> {new:<14}"
    if isfinite(row["low"]):
        low, high = (_signed(number, row[end]) for end in ("low", "high"))
        words += f" {_signed(number, row['mean'])} ({low} to {high})"
    return words.rstrip()


def _figure(number: str, value: float) -> str:
    from sim.studies.words import figure

    return "n/a" if isnan(value) else figure(number, value)


def _signed(number: str, value: float) -> str:
    from sim.studies.words import figure

    return f"{'-' if value < 0 else '+'}{figure(number, abs(value))}"


def _seeds(side: "Side") -> str:
    seeds = sorted(int(seed) for seed in side.runs["seed"].unique())
    whole = len(seeds) > 1 and seeds == list(range(seeds[0], seeds[-1] + 1))
    return f"{seeds[0]} to {seeds[-1]}" if whole else ", ".join(map(str, seeds))


def _short(value: str | None) -> str:
    words = "not set" if value is None else value
    return words if len(words) <= _MOST else f"{words[: _MOST - 1]}…"
