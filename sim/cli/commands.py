"""The command ``sim``: thin; every verb hands over to the modules that know."""

import gc
import os
import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli import as_json, stopping
from sim.cli.comparing import compare
from sim.cli.costing import cost
from sim.cli.differing import diff
from sim.cli.documenting import docs
from sim.cli.importing import imports, must_be_new
from sim.cli.paging import page
from sim.cli.people import Dask, Json, Seed, Sets, err, for_people, out, overrides
from sim.cli.shelving import results
from sim.cli.sizing import size
from sim.cli.starting import new
from sim.cli.sweeping import sweep
from sim.foundation import files
from sim.foundation.errors import LabError
from sim.foundation.kernels import built

if TYPE_CHECKING:
    from sim.systems.size import Allowance

app = typer.Typer(
    name="sim",
    help="The queue-versus-log lab: one workload through message queues and logs, side by side.",
    epilog="Exit codes: 0 done; 1 a need is not met (run --check); 2 a mistake in what was asked, "
    "told in a line; 130 stopped by Ctrl+C.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)

MaxMemory = Annotated[
    str | None,
    typer.Option(
        "--max-memory",
        metavar="SIZE",
        help="Memory that a run may take; what is free if not given.",
    ),
]
MaxTime = Annotated[
    str | None,
    typer.Option(
        "--max-time", metavar="TIME", help="Computing time that a run may take; 1h if not given."
    ),
]


class Format(StrEnum):
    """Of a picture in a file."""

    PNG = "png"
    SVG = "svg"
    PDF = "pdf"


_OBJECTS = 100_000
"""Objects that are made before some are looked at for garbage: imports make very many and none."""
PLAIN_SCALE = 0.01
"""Of a run whose kernels are plain Python."""


def _say_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        sys.stdout.write(f"sim {version('queue-log-lab')}\n")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="Say it, and exit."),
    ] = False,
) -> None:
    """What every command takes."""


@app.command("list")
@for_people
def list_(json_: Json = False) -> None:
    """The scenarios: those in ./scenarios, and those that come with the lab."""
    from sim.scenario.shelf import about, available

    found = []
    for path in available():
        words = about(path)
        if words is None:  # it has none of its own, or cannot be read
            from sim.scenario.load import load

            try:
                words = load(path).about
            except LabError as error:
                words = str(error).splitlines()[0]
        if json_:
            found.append({"name": path.stem, "about": words, "file": str(path)})
        else:
            out.print(f"{path.stem:32} {words}")
    if json_:
        as_json.say(found)


app.command()(new)


@app.command()
@for_people
def show(scenario: str, set_: Sets = None, seed: Seed = None) -> None:
    """What a scenario comes to, with its base, its defaults and its overrides filled in."""
    from sim.cli.console import describe
    from sim.scenario.load import load

    describe(load(scenario, overrides(set_, seed)), out, err)


@app.command()
@for_people
def schema() -> None:
    """The JSON Schema of scenario files, for editors."""
    import json

    from sim.scenario.load import Scenario

    sys.stdout.write(json.dumps(Scenario.json_schema(), indent=2) + "\n")


app.command()(docs)


@app.command()
@for_people
def run(
    scenarios: Annotated[list[str], typer.Argument(metavar="SCENARIO...")],
    set_: Sets = None,
    seed: Seed = None,
    out_: Annotated[Path, typer.Option("--out", help="Folder of all results.")] = Path("results"),
    name: Annotated[
        str | None, typer.Option(help="Name of the run; its seed and content when not given.")
    ] = None,
    charts: Annotated[bool, typer.Option(help="Draw the charts.")] = True,
    books: Annotated[
        Path | None, typer.Option(help="Write the books of its ledgers to this SQLite file.")
    ] = None,
    max_memory: MaxMemory = None,
    max_time: MaxTime = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="For CI: write needs.json and needs.xml (JUnit) beside the result, and exit "
            "with 1 if a system does not meet the scenario's needs.",
        ),
    ] = False,
    replications: Annotated[
        int | None, typer.Option(min=2, help="Run it so often, each with the next seed: intervals.")
    ] = None,
    precision: Annotated[
        str | None, typer.Option(help="The same, until means are known within, say, 5%.")
    ] = None,
    dask: Dask = None,
    json_: Json = False,
) -> None:
    """Run scenarios, by name or file: a table, a finding in words, and charts."""
    from sim.cli.console import run_one
    from sim.cli.replicating import many, replicate_on
    from sim.scenario.load import load

    allowed = _allowed(max_memory, max_time)

    # What was imported stays: collections pass over it, of which a run makes two for each system.
    gc.freeze()
    given = overrides(set_, seed)
    if not built() and not any(override.startswith("scale=") for override in given):
        given.append(f"scale={PLAIN_SCALE}")
        err.print(
            f"warning: the kernels are not compiled, and a hundred times slower: scale is "
            f"{PLAIN_SCALE}; `make setup` compiles them where there is a C compiler",
            style="yellow",
        )
    loaded = [load(scenario, given) for scenario in scenarios]
    if books is not None and len(loaded) > 1:
        raise LabError("--books takes one scenario at a time")
    for scenario in loaded if check else ():
        if scenario.needs is None:
            raise LabError(f"--check: {scenario.file or scenario.name} states no `needs`")
    if many(replications, precision, alone=check or bool(books or name)):
        if json_:
            raise LabError("--replications and --precision print text; go without --json")
        return replicate_on(loaded, replications, precision, out_, charts, out, err, dask)
    if dask is not None:
        raise LabError("--dask goes with --replications or --precision: one run has one machine")
    met = [
        run_one(words, scenario, given, out_, name, charts, books, out, err, allowed, check, json_)
        for words, scenario in zip(scenarios, loaded, strict=True)
    ]
    if check and not all(met):
        raise typer.Exit(1)


@app.command()
@for_people
def advise(
    scenario: str,
    max_workers: Annotated[
        int | None,
        typer.Option(
            "--max-workers",
            metavar="N",
            min=1,
            help="Most workers of a job; 64, or twice those busy on average, if not given.",
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SYSTEM,...",
            help="Try these alone: products (kafka,sqs), where they run (redis, aws), presets, "
            "`yours`; may be given again.",
        ),
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option(metavar="SYSTEM,...", help="Do not try these; likewise.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Write the first of them as a scenario, and its configuration beside it.",
        ),
    ] = None,
    set_: Sets = None,
    seed: Seed = None,
    max_memory: MaxMemory = None,
) -> None:
    """Which systems meet the `needs` of a scenario, with how many workers, at what price.

    Yours are judged as they are; others are tried with the fewest workers that do.
    """
    from sim.cli.console import advise_on
    from sim.scenario.load import load

    must_be_new(output)
    gc.freeze()  # as in `run`
    advise_on(
        load(scenario, overrides(set_, seed)),
        max_workers,
        json_,
        out,
        err,
        _allowed(max_memory, None),
        output,
        only or (),
        without or (),
    )


app.command()(size)


@app.command()
@for_people
def explain(
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO|RESULT")],
    system: Annotated[str | None, typer.Option(help="Only this system.")] = None,
    group: Annotated[str | None, typer.Option(help="Only groups or queues of this name.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the JSON to this file as well.")
    ] = None,
    set_: Sets = None,
    seed: Seed = None,
    out_: Annotated[Path, typer.Option("--out", help="Folder of all results.")] = Path("results"),
    max_memory: MaxMemory = None,
    max_time: MaxTime = None,
    replications: Annotated[
        int | None, typer.Option(min=2, help="So often, each with the next seed: how sure it is.")
    ] = None,
) -> None:
    """Why a scenario goes wrong: what it goes away without, each shown by a run.

    Of a result, its report shows it from then on.
    """
    from sim.cli.explaining import explain_on, found, repeat_on

    gc.freeze()  # as in `run`
    its, result = found(scenario, overrides(set_, seed), out_)
    if replications is not None:
        if json_ or output is not None:
            raise LabError("--replications prints text; go without --json and --output")
        allowed = _allowed(max_memory, max_time)
        return repeat_on(its, replications, system, group, out, err, allowed)
    whole = system is None and group is None
    explain_on(
        its,
        system,
        group,
        json_,
        output,
        result if whole else None,
        out,
        err,
        _allowed(max_memory, max_time),
    )


@app.command()
@for_people
def validate(
    scenario: str,
    against: Annotated[str, typer.Option(metavar="BROKER", help="kafka, rabbitmq, redis or sqs.")],
    brokers: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="One that runs; if not given, it is started."),
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="How often it is done for real.")] = 2,
    set_: Sets = None,
    seed: Seed = None,
    out_: Annotated[Path, typer.Option("--out", help="Folder of what is written.")] = Path(
        "build/validate"
    ),
) -> None:
    """Do a scenario in real time on a real broker, and lay it over what the lab says of it."""
    from sim.cli.console import print_validation
    from sim.scenario.load import load
    from sim.validate.page import write
    from sim.validate.validate import validate as hold_against

    loaded = load(scenario, overrides(set_, seed))
    folder = out_ / f"{loaded.name}-{against}"
    files.check_folder(folder)
    found = hold_against(loaded, against, brokers, repeats, folder / "runs", out.print)
    print_validation(found, out)
    for path in write(found, folder):
        out.print(str(path))


@app.command()
@for_people
def plot(
    result: str,
    out_: Annotated[Path, typer.Option("--out")] = Path("results"),
    overlay: Annotated[
        Path | None,
        typer.Option(help="Lay this export of lag over it; `sim import lag` says what it holds."),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(help="Moment in the export when the run begins; its first sample if not."),
    ] = None,
    group: Annotated[
        list[str] | None,
        typer.Option(help="With --overlay: this group alone; may be given again."),
    ] = None,
    formats: Annotated[
        list[Format] | None,
        typer.Option("--format", help="Of the pictures; may be given again. [default: png]"),
    ] = None,
) -> None:
    """Draw the charts of a result again: a folder, scenario/run, or a scenario's newest run."""
    from sim.charts import write_all, write_measured
    from sim.imports.read import read as read_measured
    from sim.results.store import find, read

    folder = find(result, out_)
    files.check_folder(folder / "charts")
    if group and overlay is None:
        raise LabError("--group goes with --overlay")
    measured = None if overlay is None else read_measured(overlay)
    found = read(folder)
    to, label = folder / "charts", found.label
    kinds = tuple(dict.fromkeys(formats or [Format.PNG]))
    if measured is None:
        paths = write_all(found.tables, to, title=label, formats=kinds)
    else:
        paths = write_measured(
            found.tables, measured, start, to, title=label, formats=kinds, groups=group or ()
        )
    for path in paths:
        out.print(str(path))


app.add_typer(imports, name="import")
app.command()(sweep)
app.command()(page)
app.command()(results)
app.command()(diff)
app.command()(cost)


@app.command()
@for_people
def drain(
    export: Annotated[
        str,
        typer.Argument(
            help="File of kafka-consumer-groups, CloudWatch, Grafana or Prometheus; or the address "
            "of a Prometheus: http://host:9090."
        ),
    ],
    by: Annotated[
        str | None, typer.Option(metavar="TIME", help="How many consumers drain it in that time?")
    ] = None,
    retention: Annotated[
        str | None, typer.Option(metavar="TIME", help="At this age a message is deleted.")
    ] = None,
    consumers: Annotated[
        int | None, typer.Option(min=1, help="How many work now, if the export does not say.")
    ] = None,
    window: Annotated[
        str | None, typer.Option(metavar="TIME", help="Look so far back; else: since it turned.")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="MOMENT",
            help="As of then, UTC: 20:14, or 2024-05-01T20:14:00Z; else: its last sample.",
        ),
    ] = None,
    arrivals: Annotated[
        str | None, typer.Option(metavar="RATE", help="If so many come from then on: 300/s.")
    ] = None,
    query: Annotated[
        str | None, typer.Option(metavar="PROMQL", help="What to ask of Prometheus; else: lag.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Ask Prometheus so far back; else: 6h.")
    ] = None,
) -> None:
    """When today's backlog is gone, or when it was, and who drains it in time: from its lag."""
    from sim.cli.draining import drain_on, lag_of

    by_s, kept_s, back_s, since_s = (
        _parsed(option, given, "seconds")
        for option, given in (
            ("--by", by), ("--retention", retention), ("--window", window), ("--since", since),
        )
    )  # fmt: skip
    arrive_per_s = _parsed("--arrivals", arrivals, "per_second")
    measured = lag_of(export, query, since_s)
    drain_on(measured, by_s, kept_s, back_s, consumers, at, arrive_per_s, out)


@app.command()
@for_people
def calibrate(
    scenario: str,
    to: Annotated[
        str, typer.Option(metavar="EXPORT", help="Lag that was measured, as for `sim drain`.")
    ],
    name: Annotated[
        str | None, typer.Option(help="Which group or queue of the export, if there are several.")
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(metavar="SYSTEM.GROUP", help="Which of the scenario, if its name differs."),
    ] = None,
    fit: Annotated[
        list[str] | None,
        typer.Option(metavar="JOB", help="Whose work is fitted; all of the group's if not given."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write the fitted scenario, and a picture beside it."),
    ] = None,
    set_: Sets = None,
    seed: Seed = None,
) -> None:
    """Fit work, traffic and one fault to a lag that was measured; `sim explain` says the rest.

    Without a fault, with consumers slower for a while, with consumers that stand still for a
    while, and, where the export does not tell what arrived, with more traffic for a while: the
    simplest that chance alone may part from the curve, else the closest (BIC). Of a group with
    several jobs, one factor is fitted for the work of all, or of those that --fit names: a curve
    of lag does not tell one job's work from another's.
    """
    from sim.cli.calibrating import calibrate_on
    from sim.cli.draining import lag_of
    from sim.scenario.load import load

    gc.freeze()  # as in `run`
    measured = lag_of(to, None, None)
    calibrate_on(
        load(scenario, overrides(set_, seed)), measured, name, group, output, out, err, fit or []
    )


@app.command()
@for_people
def report(
    result: str,
    open_: Annotated[bool, typer.Option("--open", help="Show it in the browser.")] = False,
    out_: Annotated[Path, typer.Option("--out", help="Folder of all results.")] = Path("results"),
) -> None:
    """Write the report of a result again: one HTML file with all there is, to send around."""
    from sim.cli.explaining import write_report
    from sim.results.store import find, read

    folder = find(result, out_)
    files.check_folder(folder)
    path = write_report(read(folder), folder)
    out.print(str(path))
    if open_:
        _show(path)


@app.command()
@for_people
def animate(
    result: str,
    from_: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="Since the start, as in '20m'.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Likewise.")] = None,
    gif: Annotated[bool, typer.Option("--gif", help="Write a GIF as well.")] = False,
    open_: Annotated[bool, typer.Option("--open", help="Show it in the browser.")] = False,
    out_: Annotated[Path, typer.Option("--out", help="Folder of all results.")] = Path("results"),
) -> None:
    """Put the run into motion: what stays in logs, what leaves queues, what happened."""
    from sim.animation.page import GIF, PAGE, scene
    from sim.animation.page import page as animation
    from sim.results.store import find, read

    folder = find(result, out_)
    found = read(folder)
    first_s, last_s = _parsed("--from", from_, "seconds"), _parsed("--until", until, "seconds")
    shown = scene(found.tables, first_s, last_s)
    path = folder / PAGE
    files.check_folder(folder)
    about = str(found.content.get("about", ""))
    files.write_text(path, animation(shown, found.label, about))
    out.print(str(path))
    if gif:
        from sim.animation.moving import write

        with files.replacing(folder / GIF) as temporary:
            write(shown, temporary, about or found.label)
        out.print(str(folder / GIF))
    if open_:
        _show(path)


def _parsed(option: str, text: str | None, unit: str) -> float | None:
    """A quantity given on the command line; `unit` is a function of `sim.foundation.units`."""
    from sim.foundation import units

    try:
        parse: Callable[[str], float] = getattr(units, unit)
        return None if text is None else parse(text)
    except ValueError as error:
        raise LabError(f"{option}: {error}") from None


def _allowed(max_memory: str | None, max_time: str | None) -> "Allowance":
    from sim.systems.size import Allowance

    most_s = _parsed("--max-time", max_time, "seconds")
    most_bytes = _parsed("--max-memory", max_memory, "size_bytes")
    return Allowance(most_bytes) if most_s is None else Allowance(most_bytes, most_s)


def _show(path: Path) -> None:
    import webbrowser

    if not webbrowser.open(path.resolve().as_uri()):
        err.print(f"there is no browser here to open {path} with", style="yellow")


app.command()(compare)


def main() -> Any:
    """Entry point of the command."""
    stopping.end_in_time()
    # The lab has no linear algebra, for which NumPy would start a thread a core, and these spin.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.set_threshold(_OBJECTS, 10, 10)
    try:
        return app()
    finally:
        gc.freeze()  # what is left goes with the process: it need not be searched
