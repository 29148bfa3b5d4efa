"""Errors for people, and where the command prints."""

import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Annotated, ParamSpec

import typer
from rich.console import Console

from sim.cli import stopping
from sim.foundation import files
from sim.foundation.errors import LabError
from sim.foundation.terminal import terminal, visible

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn

P = ParamSpec("P")

Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Override anything in the scenario."),
]
Seed = Annotated[int | None, typer.Option(help="Override the scenario's seed.")]
Dask = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="Run on this Dask cluster, as in tcp://host:8786."),
]
Json = Annotated[bool, typer.Option("--json", help="Print it as a line of JSON.")]

out = terminal(soft_wrap=True)
err = terminal(stderr=True, soft_wrap=True)


def overrides(sets: list[str] | None, seed: int | None) -> list[str]:
    """What `Sets` and `Seed` were given, as `sim.scenario.load.load` takes it."""
    return [*(sets or []), *([] if seed is None else [f"seed={seed}"])]


def width_of(console: Console, most: int = 80) -> int:
    """Columns to print in: those of a terminal, at most so many, which files and pipes get."""
    return min(most, console.width) if console.is_terminal else most


def for_people(command: Callable[P, None]) -> Callable[P, None]:
    """Errors that a person can act on as one message and exit code 2; Ctrl+C as 130."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except LabError as error:
            raise _refused(str(error), error.code) from None
        except BrokenPipeError:
            raise _refused("", 1) from None
        except OSError as error:
            whose = f"{error.filename}: " if error.filename else ""
            code = 1 if error.errno in files.FULL else 2
            raise _refused(f"{whose}{error.strerror or error}", code) from None
        except MemoryError:
            raise _refused("there is too little memory for this; try a smaller scale", 1) from None
        except KeyboardInterrupt as stopped:
            err.print(stopping.say(str(stopped)))
            raise typer.Exit(stopping.EXIT_CODE) from None

    return wrapped


def _refused(message: str, code: int) -> typer.Exit:
    """Say why a command ends; whoever reads may be gone, or have no room for it."""
    try:
        if message:
            err.print(visible(message), style="red")
        sys.stdout.flush()
    except OSError:
        # What is still to be written would be tried again at the end, with a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return typer.Exit(code)


def runs_bar(err: Console, left: "ProgressColumn") -> "Progress":
    """A bar over runs, quiet where there is no terminal; ``left`` tells how long it will take."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("runs"),
        left,
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )
