"""`sim sweep`: what it prints and writes."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from textwrap import fill
from time import monotonic
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from sim.cli import stopping
from sim.cli.people import (
    Dask,
    Seed,
    Sets,
    err,
    for_people,
    out,
    overrides,
    runs_bar,
    width_of,
)
from sim.foundation import files
from sim.foundation.text import duration

if TYPE_CHECKING:
    from rich.progress import ProgressColumn

    from sim.scenario.load import Scenario
    from sim.studies.sweeps import Heard, Sweep
    from sim.studies.time_left import TimeLeft

_KEPT = "runs that were done are kept, and the same command goes on"
_MEASURES = {
    "lost": "lost",
    "dead_lettered": "dead_lettered",
    "unfinished": "unfinished",
    "duplicates_applied": "double_effects",
    "out_of_order": "violations",
    "lag": "max_lag",
    "age_of_oldest": "max_time_lag_s",
    "time_to_drain": "drain_s",
}
"""What a scenario may be about -> its column of the summary."""


class Designs(StrEnum):
    """Which settings are tried."""

    GRID = "grid"
    LHS = "lhs"
    SOBOL = "sobol"


@for_people
def sweep(
    scenario: str,
    vary: Annotated[
        list[str],
        typer.Option(
            "--vary",
            metavar="PATH=VALUES",
            help="Values, as in a.b=1,2,4, or a range with levels: a.b=10ms..1s:log:7. Repeatable.",
        ),
    ],
    replications: Annotated[
        int, typer.Option(min=1, help="Runs of each setting, each with the next seed.")
    ] = 1,
    design: Annotated[
        Designs, typer.Option(help="Every value with every other; or --points drawn evenly.")
    ] = Designs.GRID,
    points: Annotated[
        int | None, typer.Option(min=2, help="Settings of lhs or sobol (a power of two).")
    ] = None,
    show: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER",
            help="The number of the summary that is told and drawn, such as latency_p99_s; if not "
            "given, what the scenario is about. The dataset has all.",
        ),
    ] = None,
    set_: Sets = None,
    seed: Seed = None,
    out_: Annotated[Path, typer.Option("--out", help="Folder of all results.")] = Path("results"),
    charts: Annotated[bool, typer.Option(help="Draw the picture.")] = True,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes; one a core if not given.")
    ] = None,
    dask: Dask = None,
) -> None:
    """Run a scenario with many settings: a dataset, what matters in words, and a picture.

    Every run is kept as soon as it is done. Stopped or killed, the same command goes on; with more
    values or replications, it makes only those that are new.
    """
    from sim.cli.console import warn
    from sim.scenario.load import load
    from sim.studies.design import design as designed
    from sim.studies.design import read
    from sim.studies.sweeps import check_number, place_of
    from sim.studies.sweeps import sweep as run_all

    loaded = load(scenario, overrides(set_, seed))
    number = show or _about(loaded)
    check_number(number)
    its = designed(read(vary, loaded), design.value, points, loaded.seed)
    warn(loaded.warnings, err)
    with progress(loaded.name, err) as heard:
        found = run_all(loaded, its, replications, out_, heard, jobs, dask)
    place = place_of(loaded, its, replications, out_)
    _tell(found, number, place, charts, out)


def _about(scenario: "Scenario") -> str:
    """The number that a scenario is about."""
    shown = scenario.shown
    return _MEASURES.get(shown.shows.measure, "latency_p99_s") if shown else "latency_p99_s"


def _tell(found: "Sweep", number: str, place: Path, charts: bool, out: Console) -> None:
    from sim.studies.sweep_words import findings, table
    from sim.studies.sweeps import ASKED, DATASET

    out.print(f"{found.scenario.about or found.scenario.name}\n")
    lines = list(table(found, number))
    for line in lines:
        out.print(line)
    said = list(findings(found, number))
    for words in said:
        out.print(fill(f"{words}.", width_of(out)))
    files.write_text(
        place / f"{number}.txt",
        "".join(f"{words}.\n" for words in said) + "\n" + "".join(f"{line}\n" for line in lines),
    )
    out.print()
    for name in (DATASET, ASKED, f"{number}.txt"):
        out.print(str(place / name))
    if charts:
        from sim.studies.sweep_pictures import picture

        drawn = picture(found, number)
        if drawn is not None:
            with files.replacing(place / f"{number}.png") as new:
                drawn.save(new)
            out.print(str(place / f"{number}.png"))


def _left_column() -> "ProgressColumn":
    """How long it still takes; the class is made here, since what it is of is slow to import."""
    from rich.progress import ProgressColumn, Task
    from rich.text import Text

    class Left(ProgressColumn):
        max_refresh = 0.5

        def render(self, task: Task) -> Text:
            left: TimeLeft | None = task.fields.get("left")
            seconds = None if left is None else left.seconds(monotonic())
            return Text("" if seconds is None else f"{duration(round(seconds))} left")

    return Left()


@contextmanager
def progress(name: str, err: Console) -> Iterator["Heard"]:
    """A bar over the runs; where there is no terminal, a line a minute."""
    bar = runs_bar(err, _left_column())
    task = bar.add_task(name, total=None, left=None)
    stopping.keeps(_KEPT)
    told_s = monotonic()

    def heard(there: int, of: int, left: "TimeLeft") -> None:
        nonlocal told_s
        now_s = monotonic()
        left.told(there, now_s)
        bar.update(task, completed=there, total=of, left=left)
        if bar.disable and now_s - told_s >= 60:
            told_s, seconds = now_s, left.seconds(now_s)
            if seconds is not None:
                err.print(f"{there} of {of} runs, {duration(round(seconds))} left")

    with bar:
        yield heard
