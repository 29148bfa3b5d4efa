"""`sim docs`: the reference of every key, for a browser or as Markdown."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from sim.cli.people import for_people, out
from sim.foundation import files
from sim.foundation.errors import LabError


@for_people
def docs(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DIR", help="Write the page here.")
    ] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print it as Markdown instead.")
    ] = False,
) -> None:
    """Every key of a scenario: type, unit, default, source, as one HTML page with a search."""
    from sim.report import keys_page
    from sim.scenario.reference import parts

    if (output is None) is not markdown:
        raise LabError("give a folder, as in -o build/docs, or --markdown")
    if output is None:
        sys.stdout.write(keys_page.markdown(parts()))
        return
    files.check_folder(output)
    path = output / keys_page.PAGE
    files.write_text(path, keys_page.html(parts()))
    out.print(str(path))
