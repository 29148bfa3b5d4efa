"""`sim results`: which there are, and their end."""

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.people import for_people, out, width_of
from sim.foundation.errors import LabError, unknown
from sim.foundation.text import count, tick

if TYPE_CHECKING:
    from sim.results.listing import Listed


@for_people
def results(
    scenario: Annotated[str | None, typer.Argument(help="Only of this scenario.")] = None,
    older: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only those older than this, as in 7d.")
    ] = None,
    larger: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Only those larger, as in 10MB.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Only with this seed.")] = None,
    version: Annotated[str | None, typer.Option(help="Only of this version of the lab.")] = None,
    prune: Annotated[bool, typer.Option("--prune", help="Remove them, after asking.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Remove them without asking.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
    out_: Annotated[Path, typer.Option("--out", help="Folder of all results.")] = Path("results"),
) -> None:
    """The stored results, newest first: of what, when, seed, version, messages, size, outcome.

    Those named `example` are never pruned.
    """
    from sim.results.listing import KEPT, listed
    from sim.results.listing import prune as remove

    if json_ and prune:
        raise LabError("--json lists; go without --prune")
    oldest, least = _bounds(older, larger)
    if scenario is not None and not (out_ / scenario).is_dir():
        raise LabError(f"{out_}: {unknown('scenario', scenario, _with_results(out_))}")
    found = [
        one
        for one in listed(out_, scenario)
        if (oldest is None or one.when < oldest)
        and one.size_bytes > least
        and (seed is None or one.seed == seed)
        and (version is None or one.version == version)
    ]
    if prune:
        found = [one for one in found if one.name != KEPT]
    if json_:
        out.print(json.dumps([_as_data(one) for one in found], indent=2))
        return
    for one in found:
        _print(one)
    size = sum(one.size_bytes for one in found)
    out.print(f"{len(found)} result{'' if len(found) == 1 else 's'}, {tick(size)}B")
    if prune and found:
        if not yes and not sys.stdin.isatty():
            raise LabError("--prune asks first; give --yes where nobody can answer")
        if yes or typer.confirm("Remove them?"):
            for one in found:
                remove(one)
            out.print("removed")


def _with_results(folder: Path) -> list[str]:
    """Scenarios of which results are stored."""
    from sim.results.listing import listed

    return sorted({one.scenario for one in listed(folder)})


def _bounds(older: str | None, larger: str | None) -> tuple[datetime | None, int]:
    from sim.foundation import units

    try:
        oldest = None
        if older is not None:
            oldest = datetime.now(UTC) - timedelta(seconds=units.seconds(older))
        return oldest, -1 if larger is None else units.size_bytes(larger)
    except (ValueError, OverflowError) as error:
        raise LabError(f"--older, --larger: {error}") from None


def _print(one: "Listed") -> None:
    out.print(f"{one.scenario}/{one.name}")
    facts = (
        f"{one.when:%Y-%m-%d %H:%M} UTC, seed {one.seed}, version {one.version}, "
        f"{count(one.messages)} messages, {tick(one.size_bytes)}B"
    )
    for words in (facts, one.headline):
        out.print(fill(words, width_of(out), initial_indent="  ", subsequent_indent="    "))


def _as_data(one: "Listed") -> dict[str, object]:
    return {**one.__dict__, "folder": str(one.folder), "when": one.when.isoformat()}
