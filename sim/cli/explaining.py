"""What `sim explain` prints, and the line that says how far it is."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from sim.foundation import files
from sim.scenario.load import Scenario

if TYPE_CHECKING:
    from sim.causes.trials import Onlooker
    from sim.systems.size import Allowance

WIDTH = 80


def scenario_of(words: str, overrides: Sequence[str], folder: Path) -> Scenario:
    """The scenario that is named by its file or name, or that a stored result was run of.

    Args:
        words: a scenario as for `sim run`; or a folder of a result, or ``scenario/run``.
        overrides: ``path=value``.
        folder: of all results.

    Raises:
        LabError: there is neither.
    """
    from sim.results.folders import MANIFEST
    from sim.results.store import find, read
    from sim.scenario.load import load, override

    if any((at / MANIFEST).is_file() for at in (Path(words), folder / words)):
        return override(read(find(words, folder)).scenario, overrides)
    return load(words, overrides)


def explain_on(
    scenario: Scenario,
    system: str | None,
    group: str | None,
    as_json: bool,
    to: Path | None,
    out: Console,
    err: Console,
    allowed: "Allowance",
) -> None:
    """Explain a scenario, and print it or write it as JSON.

    Args:
        scenario: to explain.
        system: only this one; None: all.
        group: only this one; None: all.
        as_json: print plain data instead of text.
        to: also write the plain data to this file.
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
        try:
            found = explain(scenario, system, group, onlooker, allowed)
        except KeyboardInterrupt:
            raise KeyboardInterrupt("nothing was written") from None
    data = json.dumps(as_data(found), indent=2, allow_nan=False)
    if as_json:
        out.print(data)
    else:
        for line in paragraphs(found, min(WIDTH, out.width) if out.is_terminal else WIDTH):
            out.print(line)
    if to is not None:
        files.write_text(to, f"{data}\n")
        if not as_json:
            out.print(f"\n{to}")


@contextmanager
def _progress(err: Console) -> Iterator["Onlooker"]:
    """A bar over the runs, and what was taken away in the last one."""
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
        yield RunsOnBar()
