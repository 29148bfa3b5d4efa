"""What `sim drain` prints."""

from pathlib import Path
from textwrap import fill

from rich.console import Console

from sim.cli.people import width_of


def drain_on(
    export: Path,
    by_s: float | None,
    retention_s: float | None,
    window_s: float | None,
    consumers: int | None,
    out: Console,
) -> None:
    """Say what becomes of the backlog of each group or queue of an export.

    Args:
        export: the file.
        by_s: within this time it is to be drained, s; None: nobody asked.
        retention_s: a message is deleted at this age, s; None: nobody asked.
        window_s: rates are taken from so long before the last sample on, s; None: since it turned.
        consumers: how many work; None: as many as the export says.
        out: for the answer.

    Raises:
        LabError: the export cannot be read, or has too few samples.
    """
    from sim.imports.read import read
    from sim.studies.draining import outlooks
    from sim.studies.draining_words import told

    measured = read(export)
    width = width_of(out)
    out.print(measured.source)
    for its in outlooks(measured, consumers, window_s):
        first, *others = told(its, by_s, retention_s)
        out.print(f"\n{first}")
        for words in others:
            out.print(fill(f"{words}.", width, initial_indent="  ", subsequent_indent="    "))
    out.print(
        "\nIntervals are of 95 %, from the pieces of that stretch; they hold while its rates do."
    )
