"""What the command prints: the description of a scenario, progress, the summary and the finding."""

from collections.abc import Sequence
from math import isinf
from pathlib import Path
from time import perf_counter

from rich import box
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from sim.metrics import Tables
from sim.scenario import Scenario
from sim.text import count, duration

WIDTH = 100


class _Rate(ProgressColumn):
    """Messages settled a second of real time, over all groups."""

    def render(self, task: Task) -> Text:
        """The column's text."""
        return Text(f"{count(task.speed)} msg/s" if task.speed else "")


def print_summary(tables: Tables, title: str, out: Console) -> None:
    """A row per group, in at most 100 columns; then what the numbers say."""
    from sim.findings import finding

    table = Table(
        box=box.SIMPLE_HEAD,
        title=title,
        title_justify="left",
        pad_edge=False,
        padding=(0, 0, 0, 1),
        show_edge=False,
    )
    table.add_column("system / group", no_wrap=True, overflow="ellipsis")
    for heading in (
        "processed",
        "lost",
        "max lag",
        "behind by",
        "drained in",
        "p99",
        "twice",
        "violations",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    system = None
    for row in tables.summary.to_dict("records"):
        if row["system"] != system:
            system = row["system"]
            table.add_row(Text(str(system), style="bold"))
        table.add_row(
            f"  {row['group']}",
            count(row["processed"]),
            count(row["lost"] + row["dead_lettered"]),
            count(row["max_lag"]),
            duration(row["max_time_lag_s"]),
            "never" if isinf(row["drain_s"]) else duration(row["drain_s"]),
            duration(row["latency_p99_s"]),
            count(row["double_effects"]),
            count(row["violations"]),
        )
    width = min(WIDTH, out.width) if out.is_terminal else WIDTH
    page = Console(file=out.file, width=width, highlight=False)
    page.print(table)
    page.print()
    page.print(finding(tables.summary, duration_s=tables.duration_s))


def describe(scenario: Scenario, out: Console, err: Console) -> None:
    """Print a scenario as it will run, with what it comes to."""
    from io import StringIO

    from ruamel.yaml import YAML

    _warn(scenario, err)
    buffer = StringIO()
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.dump(scenario.model_dump(mode="json", by_alias=True), buffer)
    out.print(buffer.getvalue(), markup=False, end="")
    out.print(f"# content hash {scenario.hash}")


def _warn(scenario: Scenario, err: Console) -> None:
    for warning in scenario.warnings:
        err.print(f"warning: {warning}", style="yellow", markup=False)


def run_one(
    words: str,
    scenario: Scenario,
    overrides: Sequence[str],
    folder: Path,
    name: str | None,
    charts: bool,
    out: Console,
    err: Console,
) -> None:
    """Run a scenario, write its result, and print the table, the finding and where the charts are.

    Args:
        words: how the scenario was named; with ``overrides``, what repeats the run.
        scenario: to run.
        overrides: ``path=value``.
        folder: of all results.
        name: of the run, or None.
        charts: whether to draw them.
        out: for the results.
        err: for progress and warnings; progress is quiet when it is not a terminal.
    """
    from sim.lab import run
    from sim.results import Store, manifest

    _warn(scenario, err)
    store = Store(folder, scenario, name)
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description:24}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[now]:>12}"),
        _Rate(),
        TimeRemainingColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )
    tasks: dict[str, int] = {}

    def progress(system: str, now_s: float, settled: int, total: int) -> None:
        if system not in tasks:
            bar.update(preparing, visible=False)
            tasks[system] = bar.add_task(system, total=total, now="")
        bar.update(tasks[system], completed=settled, now=duration(now_s))  # type: ignore[arg-type]

    with bar:
        preparing = bar.add_task("making the messages", total=None, now="")
        done = run(scenario, progress, store)
    temporary = store.begin()
    paths: list[Path] = []
    began = perf_counter()
    if charts:
        from sim.charts import write_all

        paths = write_all(done.tables, temporary / "charts", title=scenario.about or scenario.name)
    wall_s = {**done.wall_s, "charts": perf_counter() - began}
    command = ["sim", "run", words]
    for override in overrides:
        command += ["--set", override]
    written = store.write(temporary, done.tables, manifest(scenario, command, wall_s))
    print_summary(done.tables, scenario.about or scenario.name, out)
    out.print()
    for path in paths:
        if path.suffix == ".png":
            out.print(str(written / "charts" / path.name), markup=False)
    out.print(str(written / "summary.csv"), markup=False)
