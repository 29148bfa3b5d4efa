"""`sim compare`: several results on the same axes."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sim.cli import as_json
from sim.cli.people import Json, for_people, out
from sim.foundation import files
from sim.foundation.errors import LabError

NARROWEST_IN = 1.9


class Against(StrEnum):
    """What harm is weighed against."""

    LATENCY = "latency"
    THROUGHPUT = "throughput"


@for_people
def compare(
    results: Annotated[list[str], typer.Argument(metavar="RESULT...")],
    out_: Annotated[Path, typer.Option("--out", help="Folder of all results.")] = Path("results"),
    to: Annotated[Path, typer.Option(help="Folder for the charts.")] = Path("results/compare"),
    width: Annotated[
        str | None,
        typer.Option(metavar="WIDTH", help="For print, as in 89mm, 183mm or 7in: PDF as well."),
    ] = None,
    price: Annotated[
        Against, typer.Option(help="What the plane of harms sets against them.")
    ] = Against.LATENCY,
    json_: Json = False,
) -> None:
    """Put several results side by side on the same axes, and what they pay against what they get.

    Results are named by what differs between their scenarios, if that is little.
    """
    from sim.charts import compare as draw
    from sim.cli.console import print_difference, print_result
    from sim.results.result import labels_of
    from sim.results.store import find, read

    width_in = _inches(width)
    if width_in is not None and width_in < NARROWEST_IN:
        raise LabError(f"--width {width}: too narrow for letters that can be read; 50mm will do")
    found = [read(find(result, out_)) for result in results]
    files.check_folder(to)
    labels = labels_of(found)
    for label, result in zip(labels, found, strict=True) if not json_ else ():
        print_result(result.tables, label, out)
    if len(found) == 2 and not json_:
        print_difference(found[0], found[1], out)
    runs = [(label, result.tables) for label, result in zip(labels, found, strict=True)]
    column = "throughput" if price is Against.THROUGHPUT else "latency_p99_s"
    drawn = draw(runs, to, width_in=width_in, price=column)
    if json_:
        return as_json.say(as_json.of_comparison(found, labels, drawn))
    for path in drawn:
        out.print(str(path))


def _inches(width: str | None) -> float | None:
    from sim.foundation import units

    try:
        return None if width is None else units.inches(width)
    except ValueError as error:
        raise LabError(f"--width: {error}") from None
