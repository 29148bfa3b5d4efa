"""What `sim explain` prints, and the line that says how far it is."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from sim.cli.people import width_of
from sim.foundation import files
from sim.foundation.errors import LabError
from sim.report.why import CHART, WHY
from sim.scenario.load import Scenario

if TYPE_CHECKING:
    from sim.causes.trials import Onlooker
    from sim.results.result import Result
    from sim.systems.size import Allowance


def found(words: str, overrides: Sequence[str], folder: Path) -> tuple[Scenario, Path | None]:
    """What is named, a scenario or a stored result.

    Args:
        words: a scenario as for `sim run`; or the folder of a result, or ``scenario/run``.
        overrides: ``path=value``.
        folder: of all results.

    Returns the scenario, and the folder of the result that was run of just that.

    Raises:
        LabError: there is neither.
    """
    from sim.results.folders import MANIFEST
    from sim.results.store import find, read
    from sim.scenario.load import load, override

    if not any((at / MANIFEST).is_file() for at in (Path(words), folder / words)):
        return load(words, overrides), None
    its = find(words, folder)
    return override(read(its).scenario, overrides), None if overrides else its


def repeat_on(
    scenario: Scenario,
    runs: int,
    system: str | None,
    group: str | None,
    out: Console,
    err: Console,
    allowed: "Allowance",
) -> None:
    """Explain a scenario with many seeds, and print what the explanations say together.

    Args:
        scenario: to explain; its seed is that of the first.
        runs: how many.
        system: only this one; None: all.
        group: only this one; None: all.
        out: for the explanation.
        err: for warnings and progress, which is quiet where it is no terminal.
        allowed: memory and time that each may take.

    Raises:
        KeyboardInterrupt: stopped; nothing was written.
    """
    from sim.causes.repeated import paragraphs, repeat, together
    from sim.cli.console import warn

    warn(scenario.warnings, err)
    with _progress(err) as onlooker:
        explanations = repeat(scenario, runs, system, group, onlooker, allowed)
    out.print(f"{scenario.name}: explained {runs} times, with the seeds from {scenario.seed} on.\n")
    for line in paragraphs(together(explanations), width_of(out)):
        out.print(line)


def explain_on(
    scenario: Scenario,
    system: str | None,
    group: str | None,
    as_json: bool,
    to: Path | None,
    result: Path | None,
    out: Console,
    err: Console,
    allowed: "Allowance",
) -> None:
    """Explain a scenario, print it, and write it down.

    Args:
        scenario: to explain.
        system: only this one; None: all.
        group: only this one; None: all.
        as_json: print plain data instead of text.
        to: also write the plain data to this file.
        result: folder of its result, which gets the plain data, a picture and a report with both.
        out: for the explanation.
        err: for warnings and progress, which is quiet where it is no terminal.
        allowed: memory and time that it may take.

    Raises:
        KeyboardInterrupt: stopped; nothing was written.
    """
    from sim.causes.explain import explain
    from sim.causes.words import as_data, paragraphs
    from sim.cli.console import warn

    if to is not None:
        files.check_folder(to.parent)
    warn(scenario.warnings, err)
    with _progress(err) as onlooker:
        explanation = explain(scenario, system, group, onlooker, allowed)
    data = as_data(explanation)
    text = json.dumps(data, indent=2, allow_nan=False)
    written = [] if to is None else [to]
    if to is not None:
        files.write_text(to, f"{text}\n")
    if result is not None:
        files.write_text(result / WHY, f"{text}\n")
        written += [result / WHY, *_illustrated(result, data)]
    if as_json:
        out.print(text)
        return
    for line in paragraphs(explanation, width_of(out)):
        out.print(line)
    for place, path in enumerate(written):
        out.print(f"{'' if place else chr(10)}{path}")


def _illustrated(folder: Path, why: Mapping[str, Any]) -> list[Path]:
    """Draw an explanation into the folder of its result, and write the report again with it."""
    from matplotlib.figure import Figure

    from sim.charts.files import write
    from sim.charts.page import style
    from sim.charts.remedies import remedies, shown
    from sim.results.store import read

    paths: list[Path] = []
    its = read(folder)
    if shown(why):
        files.check_folder(folder / "charts")
        with style():
            figure = remedies(why, title=its.label)[0].figure
            assert isinstance(figure, Figure)
            paths = write(figure, folder / "charts" / CHART)[:1]
    return [*paths, write_report(its, folder)]


def write_report(its: "Result", folder: Path) -> Path:
    """Write the report of a stored result, with its explanation if it has one."""
    from sim.charts import inline
    from sim.charts.remedies import inlined
    from sim.report.page import REPORT, page

    why: Mapping[str, Any] | None = None
    if (folder / WHY).is_file():
        try:
            why = json.loads(files.read_text(folder / WHY))
        except ValueError as error:
            raise LabError(f"{folder / WHY} is not what the lab wrote: {error}") from None
    chart = None if why is None else inlined(why)
    charts = [*inline(its.tables), *([] if chart is None else [chart])]
    path = folder / REPORT
    files.write_text(path, page(its.tables, its.manifest, charts, label=its.label, why=why))
    return path


@contextmanager
def _progress(err: Console) -> Iterator["Onlooker"]:
    """A bar over the runs, and what was taken away in the last one.

    Raises:
        KeyboardInterrupt: stopped meanwhile; it says that nothing was written.
    """
    from sim.causes.trials import Onlooker

    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description:40}"),
        BarColumn(bar_width=24),
        TextColumn("{task.completed:.0f} of {task.total:.0f} runs"),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )
    task = bar.add_task("making the messages", total=1)
    known = 0

    class RunsOnBar(Onlooker):
        def begin(self, what: str, runs: int) -> None:
            nonlocal known
            known += runs
            bar.update(task, total=known, description=what[:40])

        def done(self, what: str) -> None:
            bar.update(task, advance=1, description=what[:40])

    with bar:
        try:
            yield RunsOnBar()
        except KeyboardInterrupt:
            raise KeyboardInterrupt("nothing was written") from None
