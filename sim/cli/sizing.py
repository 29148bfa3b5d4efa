"""`sim size`: what it prints and writes."""

import gc
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from sim.cli.importing import must_be_new
from sim.cli.people import Dask, Seed, Sets, err, for_people, out, overrides, width_of
from sim.foundation import files
from sim.foundation.errors import LabError

if TYPE_CHECKING:
    from rich.progress import Progress

    from sim.scenario.load import Scenario


@for_people
def size(
    scenario: str,
    vary: Annotated[
        list[str],
        typer.Option(metavar="PATH[=VALUES]", help="A key, and its values: 1..64, or 1,2,4."),
    ],
    goal: Annotated[
        list[str] | None, typer.Option(metavar="GOAL", help="Such as 'p99 < 2s' or 'lost == 0'.")
    ] = None,
    share: Annotated[str, typer.Option(help="Of all runs, those that are to meet the goals.")] = (
        "90%"
    ),
    confidence: Annotated[str, typer.Option(help="How sure the answer is to be.")] = "95%",
    replications: Annotated[
        int, typer.Option(min=2, help="Runs of a setting that is hard to tell, at most.")
    ] = 400,
    json_: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write the scenario with the answer to this file."),
    ] = None,
    set_: Sets = None,
    seed: Seed = None,
    out_: Annotated[Path, typer.Option("--out", help="Folder of all results.")] = Path("results"),
    charts: Annotated[bool, typer.Option(help="Draw the picture.")] = True,
    dask: Dask = None,
) -> None:
    """The cheapest setting that meets goals: how many consumers, workers, partitions.

    As in: sim size tournament_spike --goal 'p99 < 5s' --vary
    systems.kafka.groups.counters.consumers --vary systems.kafka.topic.partitions=1..48

    A goal is an upper limit of a measure: p99 (p1 to p99, p99.5, p99.9, p99.95, p99.99), mean, max,
    lost, duplicates, out_of_order, dead_lettered, unfinished, late, lag, age_of_oldest, drained;
    with <, <= or == 0 and a unit, or a percentage of the messages; `drained` alone: everything is
    processed. Without --goal, the scenario's `needs` are the goals. They are held against the
    groups whose keys are varied, or the one that a goal names: counters.p99 < 5s.

    How it searches: more is taken to be no worse. Each group's members are doubled until its goals
    look met (in 4 runs), then bisected, all groups at once. With one more key, such as partitions,
    it goes down a staircase: the fewest members with the most partitions, then the fewest
    partitions with these. Members of a consumer group beyond its partitions would be idle, and are
    not tried. Since more partitions may be worse (keys fall otherwise), one member fewer is tried
    with up to 12 numbers of them.

    Cheapest is what costs least a month, by the bill of its runs at list prices (as `sim cost`
    has them); of settings with the same bill, the one with the fewest members, then with the least
    of the other key. So where the other key has a price, as Kinesis shards, less of it with more
    members is tried as well; and where more of it costs less, as messages in a call, more of it.

    How sure it is: runs of what was found are repeated, each with the next seed, until it is known
    that at least 90 % of all runs meet the goals (--share), and of every setting one step below
    until it is known that they do not; all with 95 % confidence together (--confidence), however
    often one looks meanwhile. Where 100 runs do not tell, one more member is tried. Once there is
    an answer, settings below it that are still open get up to 400 runs each (--replications), of
    several the best first, until one cannot be told even so. What is shown to do is the answer;
    what is open even then stands beside it in the first line.
    """
    from sim.scenario.load import load

    must_be_new(output)
    gc.freeze()  # as in `run`
    size_on(
        load(scenario, overrides(set_, seed)),
        goal or [],
        vary,
        share,
        confidence,
        replications,
        json_,
        output,
        out_,
        charts,
        out,
        err,
        dask,
    )


def share_of(option: str, words: str) -> float:
    """A share that was given on the command line: ``90%`` or ``0.9``.

    Raises:
        LabError: it is none between 0 and 1.
    """
    from sim.foundation import units

    percent = words.rstrip().endswith("%")
    try:
        given = units.ratio(words.rstrip().removesuffix("%").rstrip())
    except ValueError:
        given = -1.0
    found = given / 100 if percent else given
    if not 0 < found < 1:
        raise LabError(f"{option} takes a share between 0 and 1, such as 95%, not {words!r}")
    return found


def size_on(
    scenario: "Scenario",
    goals: Sequence[str],
    vary: Sequence[str],
    share: str,
    confidence: str,
    most: int,
    as_json: bool,
    output: Path | None,
    folder: Path,
    charts: bool,
    out: Console,
    err: Console,
    cluster: str | None = None,
) -> None:
    """Find the cheapest setting, and print and write it.

    Args:
        scenario: to size.
        goals: as written; none: its needs.
        vary: keys, as written.
        share: of the runs that are to meet the goals.
        confidence: of the answer.
        most: runs of a setting.
        as_json: print plain data instead.
        output: scenario file for the answer; None: none.
        folder: of all results.
        charts: whether to draw the picture.
        out: for the answer.
        err: for warnings and progress, which is quiet where it is no terminal.
        cluster: as in `sim.studies.points.compute`.

    Raises:
        LabError: what is asked for does not go together, or a run fails.
        KeyboardInterrupt: stopped; runs that were done are kept.
    """
    from sim.cli.console import warn
    from sim.studies.dials import alone, read_dials
    from sim.studies.goals import goals_of_needs, read_goal
    from sim.studies.points import edition
    from sim.studies.sizing import size_system
    from sim.studies.sizing_words import as_data, findings, heading, table

    shares = share_of("--share", share), share_of("--confidence", confidence)
    warn(scenario.warnings, err)
    dials = read_dials(vary, scenario)
    system = dials[0].system
    readers = list(scenario.systems[system].readers)
    wanted = [read_goal(text, readers) for text in goals]
    left: list[str] = []
    if not goals and scenario.needs is not None:
        wanted, left = goals_of_needs(scenario.needs)
    place = folder / scenario.name / "size" / alone(scenario, system).hash
    with _progress(scenario.name, err) as told:
        sized = size_system(
            scenario, dials, wanted, place / "runs" / edition(scenario), *shares, most,
            told=told, unjudged=left, cluster=cluster,
        )  # fmt: skip
    data = as_data(sized)
    text = json.dumps(data, indent=2, allow_nan=False)
    written = [place / "size.json"]
    files.write_text(written[0], f"{text}\n")
    said = list(findings(sized))
    if charts:
        from sim.charts.knee import knee
        from sim.charts.picture import Picture

        written.append(place / "size.png")
        with files.replacing(written[-1]) as new:
            Picture.of(knee, data, title=f"{heading(sized)}.").save(new)
    if output is not None and sized.made is not None:
        if os.path.lexists(output):
            raise LabError(f"{output} exists, and may hold work of yours; name another file")
        files.write_text(output, _scenario(said, sized.made))
        written.append(output)
    if as_json:
        out.print(text)
        return
    out.print(f"{scenario.about or scenario.name}\n")
    for line in table(sized):
        out.print(line)
    for words in said:
        out.print("\n" + fill(f"{words}.", width_of(out)))
    out.print()
    for path in written:
        out.print(str(path))


def _scenario(said: Sequence[str], made: "Scenario") -> str:
    from sim.foundation.document import dumped

    comment = "".join(f"# {line}\n" for words in said for line in fill(f"{words}.", 98).split("\n"))
    named = made.with_(name=f"{made.name}_sized")
    return comment + dumped(named.model_dump(mode="json", by_alias=True))


@contextmanager
def _progress(name: str, err: Console) -> Iterator["_Told"]:
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )
    with bar:
        yield _Told(bar, name)


class _Told:
    """Says which setting is being run."""

    def __init__(self, bar: "Progress", name: str) -> None:
        self._bar, self._name = bar, name
        self._task = bar.add_task(name, total=None)

    def __call__(self, values: tuple[int, ...], runs: int) -> None:
        """As `sim.studies.trials.Told`."""
        setting = " + ".join(str(n) for n in values)
        self._bar.update(self._task, description=f"{self._name}: {setting}, {runs} runs")
