"""What `sim new` asks, and writes."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from sim.cli.importing import must_be_new
from sim.cli.people import for_people, out
from sim.foundation import files
from sim.foundation.errors import LabError

_PRODUCTS = "kafka sqs"
_RATE, _WORK, _LASTS, _CONSUMERS = "50/s", "20 ms", "10m", "enough"
"""What is taken where nothing is said."""


@for_people
def new(
    name: Annotated[str, typer.Argument(metavar="[NAME]")] = "mine",
    from_: Annotated[
        list[str] | None,
        typer.Option("--from", metavar="PRODUCT", help="A system of it; may be given again."),
    ] = None,
    rate: Annotated[str | None, typer.Option(help="Messages: 50/s, 3M/h.")] = None,
    work: Annotated[str | None, typer.Option(help="Time that one takes: 20 ms.")] = None,
    lasts: Annotated[str | None, typer.Option(help="How long they come: 10m.")] = None,
    peak: Annotated[
        str | None, typer.Option(metavar="RATE", help="Messages in the middle of it: 500/s.")
    ] = None,
    peak_lasts: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="How long that is: 2m; a fifth of it if not given."),
    ] = None,
    consumers: Annotated[
        str | None, typer.Option(metavar="N", help="Of each system; enough if not given.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file; NAME.yaml if not given.")
    ] = None,
) -> None:
    """A first scenario of your own, from five questions or flags: a short file with comments."""
    from sim.scenario.first_draft import Asked, draft, drafts

    name = name.removesuffix(".yaml")  # the file is often meant
    file = Path(f"{name}.yaml") if output is None else output
    must_be_new(file)
    said = " ".join(from_ or []) or _ask(f"Which systems ({', '.join(drafts())})?", _PRODUCTS)
    asked = Asked(
        name=name,
        file=str(file),
        products=list(dict.fromkeys(said.replace(",", " ").split())),
        rate=rate or _ask("How many messages?", _RATE),
        work=work or _ask("How long does one take?", _WORK),
        lasts=lasts or _ask("For how long do they come?", _LASTS),
        peak=peak,
        peak_lasts=peak_lasts,
        consumers=_whole(consumers or _ask("How many consumers has each system?", _CONSUMERS)),
    )
    files.write_text(file, draft(asked))
    out.print(f"{file}; now: sim run {file}")


def _ask(words: str, otherwise: str) -> str:
    """What a person answers; where nobody is there, what is taken otherwise."""
    return (
        str(typer.prompt(words, default=otherwise, err=True)) if sys.stdin.isatty() else otherwise
    )


def _whole(text: str) -> int | None:
    """How many consumers; None: enough.

    Raises:
        LabError: neither.
    """
    if text == _CONSUMERS:
        return None
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise LabError(f"consumers: expected a whole number of 1 or more, not {text!r}")
    return int(text)
