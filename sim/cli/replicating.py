"""What `sim run --replications` and `--precision` print and write."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

from rich.console import Console

from sim.cli.people import runs_bar, width_of
from sim.foundation import files
from sim.foundation.errors import LabError
from sim.scenario.load import Scenario

if TYPE_CHECKING:
    from sim.studies.replications import Heard, Replications


def many(replications: int | None, precision: str | None, *, alone: bool) -> bool:
    """Whether a scenario is to be run many times.

    Args:
        replications: how often.
        precision: or until what share.
        alone: whether something is asked for that goes with a single run.

    Raises:
        LabError: that does not go together.
    """
    if replications is None and precision is None:
        return False
    if alone:
        raise LabError("--replications and --precision go without --check, --books and --name")
    if replications is not None and precision is not None:
        raise LabError("--replications says how many runs, --precision asks: give one of them")
    _share(precision)
    return True


def _share(words: str | None) -> float:
    """A share as people write it: ``5%`` or ``0.05``; None is 0."""
    try:
        given = 0.0 if words is None else float(words.removesuffix("%"))
        share = given / 100 if words and words.endswith("%") else given
    except ValueError:
        share = -1.0
    if words is not None and not 0 < share < 1:
        raise LabError(f"--precision takes a share between 0 and 1, such as 5%, not {words!r}")
    return share


def replicate_on(
    scenarios: Sequence[Scenario],
    runs: int | None,
    precision: str | None,
    folder: Path,
    charts: bool,
    out: Console,
    err: Console,
    cluster: str | None = None,
) -> None:
    """Run each scenario many times, and print and write what the runs say together.

    Args:
        scenarios: to run; its seed is that of the first run of each.
        runs: how many; None: as many as it takes.
        precision: otherwise; a share as it was written.
        folder: of all results.
        charts: whether to draw the picture.
        out: for the results.
        err: for warnings and progress, which is quiet where it is no terminal.
        cluster: as in `sim.studies.points.compute`.

    Raises:
        LabError: a run is refused or fails, or the cluster cannot be had.
        KeyboardInterrupt: stopped; runs that were done are kept.
    """
    from sim.cli.console import warn
    from sim.studies.points import edition
    from sim.studies.replications import replicate, replicate_until
    from sim.studies.words import findings, table

    for scenario in scenarios:
        warn(scenario.warnings, err)
        place = folder / scenario.name / "replications" / f"{scenario.hash}"
        kept = place / "runs" / edition(scenario)
        with _progress(scenario.name, err) as heard:
            if runs is not None:
                found = replicate(scenario, runs, kept, heard, cluster=cluster)
            else:
                found = replicate_until(scenario, _share(precision), kept, heard, cluster=cluster)
        out.print(f"{scenario.about or scenario.name}\n")
        for line in table(found):
            out.print(line)
        said = list(findings(found))
        for words in said:
            out.print("\n" + fill(f"{words}.", width_of(out)))
        out.print()
        for path in _write(found, said, place, charts):
            out.print(str(path))


def _write(found: "Replications", said: list[str], place: Path, charts: bool) -> Iterator[Path]:
    from sim.results.difference import ABOUT

    for name in ("summary", "intervals", "differences"):
        path = place / f"{name}.csv"
        with files.replacing(path) as new:
            getattr(found, name).to_csv(new, index=False)
        yield path
    path = place / ABOUT
    content = found.scenario.model_dump(mode="json", by_alias=True)
    about = {"versions": {"queue-log-lab": version("queue-log-lab")}, "content": content}
    files.write_text(path, json.dumps(about, indent=2) + "\n")
    yield path
    path = place / "findings.txt"
    files.write_text(path, "".join(f"{words}.\n" for words in said))
    yield path
    if charts:
        from sim.charts.bands import time_lag_bands
        from sim.charts.picture import Picture

        path = place / "time_lag.png"
        with files.replacing(path) as new:
            Picture.of(
                time_lag_bands, found.bands(), found.duration_s, title=f"{said[0]}.",
                runs=found.runs,
            ).save(new)  # fmt: skip
        yield path


@contextmanager
def _progress(name: str, err: Console) -> Iterator["Heard"]:
    from rich.progress import TimeRemainingColumn

    bar = runs_bar(err, TimeRemainingColumn())
    task = bar.add_task(name, total=None)

    def heard(done: int, of: int) -> None:
        bar.update(task, completed=done, total=of)

    with bar:
        yield heard
