"""What `sim drain` prints."""

from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

from rich.console import Console

from sim.cli.people import width_of
from sim.foundation.errors import LabError

if TYPE_CHECKING:
    from sim.imports.measured import Measured


def lag_of(export: str, query: str | None, since_s: float | None) -> "Measured":
    """Lag from a file, or from a Prometheus.

    Args:
        export: the file or the address.
        query: what to ask of the address; None: lag, as exporters call it.
        since_s: how far back, s; None: as far as it usually is.

    Raises:
        LabError: there is none to be had; or a file was asked.
    """
    from sim.imports.prometheus_server import SINCE_S, ask, is_address
    from sim.imports.read import read

    if is_address(export):
        return ask(export, query, SINCE_S if since_s is None else since_s)
    if query is not None or since_s is not None:
        raise LabError("--query and --since go with the address of a Prometheus, not with a file")
    return read(Path(export))


def drain_on(
    measured: "Measured",
    by_s: float | None,
    retention_s: float | None,
    window_s: float | None,
    consumers: int | None,
    at: str | None,
    arrivals_per_s: float | None,
    out: Console,
) -> None:
    """Say what becomes of the backlog of each group or queue of an export.

    Args:
        measured: the export.
        by_s: within this time it is to be drained, s; None: nobody asked.
        retention_s: a message is deleted at this age, s; None: nobody asked.
        window_s: rates are taken from so long before the last sample on, s; None: since it turned.
        consumers: how many work; None: as many as the export says.
        at: a time in the export, as of which to answer; None: its last sample.
        arrivals_per_s: messages that arrive in a second from then on; None: as many as did.
        out: for the answer.

    Raises:
        LabError: the export has too few samples, or does not reach to that time.
    """
    from sim.studies.draining import outlooks
    from sim.studies.draining_words import told

    width = width_of(out)
    moment = None if at is None else measured.moment(at)
    out.print(measured.source)
    stands = False
    for its in outlooks(measured, consumers, window_s, moment, arrivals_per_s):
        stands = stands or bool(its.still)
        first, *others = told(its, by_s, retention_s)
        out.print(f"\n{first}")
        for words in others:
            out.print(fill(f"{words}.", width, initial_indent="  ", subsequent_indent="    "))
    if stands:
        out.print(
            "\nWhat moves a partition that stands still: scenarios/explain_an_incident.md, 4."
        )
    out.print(
        "\nIntervals are of 95 %, from the pieces of that stretch; they hold while its rates do."
    )
