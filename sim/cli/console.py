"""What the command prints: the description of a scenario, progress, the summary and the finding."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from sim.cli import as_json as as_data
from sim.cli.artist import Order, artist, draw
from sim.cli.people import width_of
from sim.cli.stopping import KEPT
from sim.foundation.errors import LabError, NoRoomError
from sim.foundation.terminal import terminal
from sim.foundation.text import count, duration, messages
from sim.scenario.load import Scenario

if TYPE_CHECKING:
    import pandas as pd

    from sim.advice.advise import Watch
    from sim.imports.read import Measured
    from sim.lab import OnLedger
    from sim.ledger.book import Ledger
    from sim.measure.tables import Tables
    from sim.results.result import Result
    from sim.results.store import Store
    from sim.systems.size import Allowance
    from sim.traffic.messages import Messages
    from sim.validate.validate import Validation

WIDTH = 100
_LONG_S = 120.0
"""Computing time of which one is told before, s."""


class _Rate(ProgressColumn):
    """Messages settled a second of real time, over all groups."""

    def render(self, task: Task) -> Text:
        """The column's text."""
        return Text(f"{count(task.speed)} msg/s" if task.speed else "")


def print_result(tables: "Tables", title: str, out: Console) -> None:
    """The summary and the findings, in at most 100 columns."""
    from sim.words.opening import print_summary

    print_summary(tables, title, terminal(file=out.file, width=width_of(out, WIDTH)))


def print_needs(said: Sequence[str], out: Console) -> None:
    """What became of the needs, a paragraph a system, in at most 100 columns."""
    if said:
        out.print("\nNeeds:")
    for words in said:
        out.print(fill(words, width_of(out, WIDTH), initial_indent="  ", subsequent_indent="    "))


def print_costs(scenario: Scenario, tables: "Tables", label: str, out: Console) -> None:
    """What each system would cost a month, in at most 100 columns."""
    from sim.costs.bill import usd_per_month
    from sim.words.worth import usd

    each = [f"{name} {usd(its)}" for name, its in usd_per_month(scenario, tables).items()]
    words = f"Cost, USD a month: {', '.join(each)} (list prices; of what: sim cost {label})"
    out.print(f"\n{fill(words, width_of(out, WIDTH), subsequent_indent='  ')}")


def print_validation(found: "Validation", out: Console) -> None:
    """What was measured beside what the lab says, a line a figure."""
    from sim.validate.page import rows

    out.print()
    for line in rows(found.table):
        out.print(line)


def print_difference(before: "Result", after: "Result", out: Console) -> None:
    """What was set otherwise than in an earlier run, and what came of it; nothing if too much was.

    In at most 100 columns.
    """
    from sim.words.differences import changes, effects

    changed = changes(before.content, after.content)
    if not changed:
        return
    out.print(f"\nAgainst {before.label}:")
    moved = effects(before.summary, after.summary)
    for words in (*changed, *(moved or ["no number that matters is noticeably another"])):
        lines = fill(words, width_of(out, WIDTH), initial_indent="  ", subsequent_indent="    ")
        out.print(lines)


def describe(scenario: Scenario, out: Console, err: Console) -> None:
    """Print a scenario as it will run, with what it comes to."""
    from sim.foundation.document import dumped

    warn(scenario.warnings, err)
    out.print(dumped(scenario.model_dump(mode="json", by_alias=True)), end="")
    out.print(f"# content hash {scenario.hash}")


def warn(warnings: Iterable[str], err: Console) -> None:
    """Print warnings, each on a line."""
    for warning in warnings:
        err.print(f"warning: {warning}", style="yellow")


def describe_measured(measured: "Measured", out: Console) -> None:
    """Print what an export of lag holds: a line per group or queue and measure."""
    out.print(measured.source)
    for (name, measure), rows in measured.samples.groupby(["name", "measure"], sort=False):
        say = count if measure == "lag" else duration
        span = f"{rows['at'].iloc[0]:%Y-%m-%d %H:%M:%S} to {rows['at'].iloc[-1]:%Y-%m-%d %H:%M:%S}"
        what = "messages waiting" if measure == "lag" else "age of the oldest"
        top = say(rows["value"].max())
        out.print(f"  {name}: {what}, {len(rows)} samples, {span} UTC, max {top}")
    for note in measured.notes:
        out.print(f"  note: {note}")


@contextmanager
def _books_file(scenario: Scenario, path: Path | None) -> Iterator["OnLedger | None"]:
    """What writes each ledger to ``path``, which appears when all are written."""
    if path is None:
        yield None
        return
    if not any(r.ledger for system in scenario.systems.values() for r in system.readers.values()):
        raise LabError(f"--books {path}: no system of {scenario.name} keeps a ledger")
    from sim.ledger.sqlite import Books

    with Books(path) as books:

        def write(system: str, group: str, ledger: "Ledger", messages: "Messages") -> None:
            several = len(scenario.systems[system].readers) > 1
            states = messages.states or _numbered_states(messages)
            names = next(iter(messages.dims.values()))
            books.write(f"{system}.{group}" if several else system, ledger, states, entities=names)

        yield write


def _write_metrics(scenario: Scenario, buffer: "pd.DataFrame", path: Path) -> None:
    """The producers' gauges as OpenMetrics text, for Prometheus and Datadog tooling."""
    from sim.measure.openmetrics import alarm, buffer_remaining, write

    remaining, over = [], []
    for name, rows in buffer.groupby("system", sort=False):
        one = buffer_remaining(
            rows["t_s"].to_numpy("float64"), {str(name): rows["remaining"].to_numpy("int64")}
        )
        process = scenario.systems[str(name)].publishing
        assert process is not None
        remaining.append(one)
        over.append(alarm(one, process.alarm_over))
    first, first_alarm = remaining[0], over[0]
    write(
        path,
        [
            replace(first, series=tuple(s for gauge in remaining for s in gauge.series)),
            replace(
                first_alarm,
                help="1 while the producer's alarm on its buffer is on.",
                series=tuple(s for gauge in over for s in gauge.series),
            ),
        ],
    )


def _numbered_states(messages: "Messages") -> list[str]:
    assert messages.seq is not None
    return [f"state {i}" for i in range(int(messages.seq.max(initial=0)) + 1)]


def advise_on(
    scenario: Scenario,
    most_workers: int | None,
    as_json: bool,
    out: Console,
    err: Console,
    allowed: "Allowance | None" = None,
    output: Path | None = None,
    only: Sequence[str] = (),
    without: Sequence[str] = (),
) -> None:
    """Try the presets, and print the ranked table and which way to go.

    Args:
        scenario: its workload, faults and needs.
        most_workers: of a job; None: as many as `advise` takes.
        as_json: print plain data instead.
        out: for the answer.
        err: for progress and warnings; progress is quiet when it is not a terminal.
        allowed: what it may take; None: what is free.
        output: scenario file for the first, whose configuration goes beside it; None: none.
        only: what to try; none: everything.
        without: what not to try.

    Raises:
        KeyboardInterrupt: stopped; nothing was written.
    """
    import json

    from sim.advice.advise import advise, as_data
    from sim.advice.words import closing, notes, table
    from sim.advice.written import write

    warn(scenario.warnings, err)
    with _advice_progress(err) as watch:
        try:
            advice = advise(
                scenario, most_workers, watch, allowed=allowed, only=only, without=without
            )
        except KeyboardInterrupt:
            raise KeyboardInterrupt("nothing was written") from None
    written = [] if output is None else write(advice, output)
    if as_json:
        out.print(json.dumps(as_data(advice, closing(advice)), indent=2))
        return
    if scenario.needs is None:
        err.print(
            f"warning: {scenario.name} states no `needs`: all that counts is that everything is "
            "processed, and the price",
            style="yellow",
        )
    page = terminal(file=out.file, width=width_of(out, WIDTH))
    page.print(table(advice))
    page.print()
    page.print(closing(advice))
    page.print()
    for note in notes(advice):
        page.print(note, style="dim")
    for path in written:
        out.print(str(path))


@contextmanager
def _advice_progress(err: Console) -> Iterator["Watch"]:
    """A bar over the systems, and what is being tried."""
    from sim.advice.advise import Watch

    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description:52}"),
        BarColumn(bar_width=24),
        TextColumn("{task.completed:.0f} of {task.total:.0f} systems"),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )
    task = bar.add_task("making the messages", total=1)

    class OnBar(Watch):
        def begin(self, titles: Sequence[str]) -> None:
            bar.update(task, total=len(titles))

        def tries(self, title: str, workers: Mapping[str, int]) -> None:
            team = "+".join(str(n) for n in workers.values())
            bar.update(task, description=f"{title}: {team}"[:52])

        def done(self, title: str) -> None:
            bar.advance(task)

    with bar:
        yield OnBar()


def run_one(
    words: str,
    scenario: Scenario,
    overrides: Sequence[str],
    folder: Path,
    name: str | None,
    charts: bool,
    books: Path | None,
    out: Console,
    err: Console,
    allowed: "Allowance | None" = None,
    check_needs: bool = False,
    as_json: bool = False,
) -> bool:
    """Run a scenario, write its result, and print the table, the finding and where the charts are.

    Args:
        words: how the scenario was named; with ``overrides``, what repeats the run.
        scenario: to run.
        overrides: ``path=value``.
        folder: of all results.
        name: of the run, or None.
        charts: whether to draw them.
        books: SQLite file for the books of its ledgers, or None.
        out: for the results.
        err: for progress and warnings; progress is quiet when it is not a terminal.
        allowed: what the run may take; None: as `sim.lab.run`.
        check_needs: whether to write what became of its needs, for CI.
        as_json: whether to print a line of JSON in place of the words.

    Returns whether every system meets the needs, as far as the run shows.
    """
    from sim.results.store import Store, manifest, newest
    from sim.systems.size import USUAL, check, free_bytes, memory, size

    allowed = allowed or USUAL
    warn(scenario.warnings, err)
    # Before there is a folder, and a process that draws.
    expected = size(scenario)
    check(scenario, expected, allowed, free_bytes())
    if expected.seconds > _LONG_S:
        err.print(
            f"{scenario.name}: some {messages(expected.messages)}, {memory(expected.bytes)}, "
            f"{duration(expected.seconds)} of computing (estimated)"
        )
    store = Store(folder, scenario, name)
    if not charts and (store.folder / "charts").is_dir():
        err.print(
            f"warning: {store.label} has charts; this run draws none, and takes its place",
            style="yellow",
        )
    command = ["sim", "run", words]
    for override in overrides:
        command += ["--set", override]
    title = scenario.about or scenario.name
    with (
        closing(store),
        _saying_what_is_kept(store),
        artist() if charts else nullcontext(draw) as drawing,
        _Bar(err) as bar,
    ):
        from sim.lab import run

        with _books_file(scenario, books) as on_ledger:
            done = run(scenario, bar.told, store, on_ledger, allowed)
        from sim.words.needs_of_run import needs_as_data, needs_as_junit, said_of_needs
        from sim.words.silence import warnings_of

        bar.says("drawing the charts" if charts else "writing the report")
        temporary = store.begin()
        needs = done.needs
        said = said_of_needs(needs)
        about = manifest(scenario, command, done.wall_s, done.warnings, said)
        drawn = drawing(Order(done.tables, temporary, title, store.label, about, charts))
        if len(done.tables.buffer):
            _write_metrics(scenario, done.tables.buffer, temporary / "metrics.txt")
        if check_needs:
            data = json.dumps(needs_as_data(scenario, needs), indent=2, allow_nan=False)
            (temporary / "needs.json").write_text(f"{data}\n", encoding="utf-8")
            (temporary / "needs.xml").write_text(needs_as_junit(scenario, needs), encoding="utf-8")
        earlier = newest(store.folder.parent, but=store.folder)
        written = store.write(temporary, done.tables, drawn.about)
    if as_json:
        warn(warnings_of(done.tables), err)
        as_data.say(as_data.of_run(done, store.label, written))
        return not any(judged.unmet for judged in needs)
    print_result(done.tables, title, out)
    print_needs(said, out)
    print_costs(scenario, done.tables, store.label, out)
    warn(warnings_of(done.tables), err)
    if earlier is not None:
        _print_what_moved(earlier, done, out)
    out.print()
    for path in drawn.charts:
        if path.suffix == ".png":
            out.print(str(written / "charts" / path.name))
    out.print(str(written / drawn.report))
    for file in ("summary.csv", *(("needs.json", "needs.xml") if check_needs else ())):
        out.print(str(written / file))
    return not any(judged.unmet for judged in needs)


@contextmanager
def _saying_what_is_kept(store: "Store") -> Iterator[None]:
    """A full disk ends a run, not what it has computed: whoever wants the room must know of it."""
    try:
        yield
    except NoRoomError as error:
        if store.partial.is_dir():
            raise NoRoomError(f"{error}; {KEPT}, from {store.partial}") from None
        raise


def _print_what_moved(earlier: Path, done: "Result", out: Console) -> None:
    from sim.results.store import read, read_manifest
    from sim.words.differences import changes

    with suppress(LabError):  # one that this version of the lab cannot read
        # A run that is repeated has no changes, and its tables need not be read.
        if changes(read_manifest(earlier).get("content", {}), done.content):
            print_difference(read(earlier), done, out)


class _Bar:
    """How far a run is, in a line for each system; quiet where `err` is no terminal."""

    def __init__(self, err: Console) -> None:
        self._bar = Progress(
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
        self._tasks: dict[str, TaskID] = {}
        self._without_end: TaskID | None = None

    def __enter__(self) -> "_Bar":
        self._bar.start()
        self.says("making the messages")
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def says(self, what: str) -> None:
        """What is being done, of which it is not known how far it is."""
        self._without_end = self._bar.add_task(what, total=None, now="")

    def told(self, system: str, now_s: float, settled: int, total: int) -> None:
        """As `sim.lab.Progress`; systems that run side by side tell it at the same time."""
        preparing, self._without_end = self._without_end, None
        if preparing is not None:
            self._bar.update(preparing, visible=False)
        if system not in self._tasks:
            self._tasks[system] = self._bar.add_task(system, total=total, now="")
        self._bar.update(self._tasks[system], completed=settled, now=duration(now_s))
