"""What `sim calibrate` prints and writes."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

from rich.console import Console

from sim.cli.importing import must_be_new
from sim.cli.people import width_of

if TYPE_CHECKING:
    from sim.imports.measured import Measured
    from sim.scenario.load import Scenario
    from sim.studies.calibration import Calibrated


def calibrate_on(
    scenario: "Scenario",
    measured: "Measured",
    name: str | None,
    target: str | None,
    output: Path | None,
    out: Console,
    err: Console,
    fit: Sequence[str] = (),
) -> None:
    """Fit a scenario to an export, say what came of it, and write it.

    Args:
        scenario: to fit.
        measured: the export.
        name: of the group or queue in it; None: the only one.
        target: ``system.group`` of the scenario; None: the one of that name, or the only one.
        output: file for the scenario, and a picture beside it; None: nothing is written.
        out: for the answer.
        err: for progress, which is quiet where it is no terminal.
        fit: jobs whose work is fitted; none: all that the group does.

    Raises:
        LabError: a file exists, there is no such group, or there are too few samples.
        KeyboardInterrupt: stopped; nothing was written.
    """
    from sim.cli.console import warn
    from sim.studies.calibration import calibrate
    from sim.studies.calibration_words import LAST, told

    must_be_new(output)
    warn(scenario.warnings, err)
    with err.status("calibrating") as status:

        def heard(kind: str, runs: int) -> None:
            status.update(
                f"calibrating: with {kind.replace('none', 'no fault')}, {runs} runs so far"
            )

        found = calibrate(scenario, measured, name, target, heard, fit)
    o = found.observed
    out.print(f"{measured.source}, {o.t_s.size} samples; {scenario.name}, {o.system}.{o.group}\n")
    width = width_of(out)
    for words in told(found):
        out.print(fill(f"{words}.", width, subsequent_indent="  "))
    out.print(f"\n{LAST}")
    if output is not None:
        for path in write(found, scenario, measured, output):
            out.print(str(path))


def write(
    found: "Calibrated", scenario: "Scenario", measured: "Measured", path: Path
) -> list[Path]:
    """Write the fitted scenario, and beside it a picture of both curves; returns the files."""
    from sim.charts.fitted import fitted_lag
    from sim.charts.picture import Picture
    from sim.foundation.document import dumped
    from sim.foundation.files import replacing, write_text
    from sim.studies.calibration_words import explained, told

    o, best = found.observed, found.best
    made = found.scenario.with_(name=f"{scenario.name}_calibrated")
    comment = f"# `sim calibrate {scenario.name}`, to {measured.source}.\n"
    comment += "".join(f"# {words}.\n" for words in told(found))
    write_text(path, comment + dumped(made.model_dump(mode="json", by_alias=True)))
    stretch = None
    if "begin" in best.values:
        begin_s = best.values["begin"].estimate
        stretch = begin_s, begin_s + best.values["length"].estimate
    picture = path.with_suffix(".png")
    with replacing(picture) as new:
        Picture.of(
            fitted_lag, o.t_s, o.lag, best.lag, title=f"{explained(best)}.",
            group=f"{o.system}.{o.group}", stretch=stretch,
        ).save(new)  # fmt: skip
    return [path, picture]
