"""`sim page`: a page with sliders, of runs that it makes."""

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.people import Seed, Sets, err, for_people, out, overrides
from sim.foundation import files


@for_people
def page(
    scenario: str,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            "--vary",
            metavar="PATH=VALUES",
            help="A slider, as for sweep: a.b=1,2,4 or a.b=10ms..1s:log:7. Repeatable.",
        ),
    ] = None,
    knobs: Annotated[
        Path | None,
        typer.Option(
            help="A file of sliders that set several keys each; if neither is given, the one in "
            "scenarios/pages with the scenario's name."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="The page; results/SCENARIO/page.html if not given."),
    ] = None,
    set_: Sets = None,
    seed: Seed = None,
    out_: Annotated[Path, typer.Option("--out", help="Folder of all results.")] = Path("results"),
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes; one a core if not given.")
    ] = None,
) -> None:
    """One page to put on any web server: sliders over a scenario's keys, which answer at once.

    Every position of every slider is run before. Stopped, the same command goes on.
    """
    from sim.cli.console import warn
    from sim.cli.sweeping import progress
    from sim.report.what_if import what_if_page
    from sim.scenario.load import load
    from sim.studies import what_if
    from sim.studies.design import read
    from sim.studies.sweeps import work_s
    from sim.studies.time_left import TimeLeft

    loaded = load(scenario, overrides(set_, seed))
    given = what_if.of_varied(read(vary or [], loaded))
    file = knobs or (None if vary else what_if.knobs_of(loaded))
    if file is not None:
        given = [*what_if.read_knobs(file), *given]
    asked = what_if.settings(loaded, given)
    path = output or out_ / loaded.name / "page.html"
    files.check_folder(path.parent)
    warn(loaded.warnings, err)
    with progress(loaded.name, err) as heard:
        left = TimeLeft([work_s(run) for run in asked.runs], 0.003 * len(asked.runs))
        for there in what_if.compute(asked, out_, jobs):
            heard(there, len(asked.runs), left)
    given_too = [f"--set '{one}'" for one in overrides(set_, seed)]
    command = " \\\n  ".join([f"sim run {scenario}", *given_too])
    files.write_text(path, what_if_page(what_if.data(asked, out_, command)))
    out.print(f"{len(asked.runs)} runs, {len(asked.knobs)} slider{'s'[len(asked.knobs) == 1 :]}")
    out.print(str(path))
