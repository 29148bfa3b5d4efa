"""The experiments that are kept in the repository: `python -m sim.validate.record [NAME...]`.

Each is a scenario in `experiments/`, whose name begins with the broker that it is held against.
What was measured is kept beside it, and `results/validation.md` is written from all of it.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from shutil import copyfile
from typing import Any

from sim.foundation import files
from sim.foundation.errors import LabError
from sim.scenario.load import Scenario, load
from sim.validate.compare import COUNTS
from sim.validate.page import shown, span, write
from sim.validate.real import BrokerMissingError
from sim.validate.validate import validate

EXPERIMENTS = Path(__file__).parent / "experiments"
REMARKS = EXPERIMENTS / "remarks.md"
"""What is not reached, and why; written by hand, a part of the page."""
PAGE = Path("results/validation.md")
PICTURES = Path("results/validation")
"""Of the curves, one an experiment: what `sim.validate.page.picture` draws."""
OUT = Path("build/validate")
REPEATS = 3
SHORT = {
    "sqs_dead_letter": "moved",
    "rabbitmq_delivery_limit": "nack",
    "celery_redis_visibility": "late",
    "kafka_slow_poison": "librdkafka",
    "postgres_kill": "leased",
}
"""Experiments whose counts hold on any machine, and the system of each that is looked at."""
AGAINST = {"celery_rabbitmq": "rabbitmq", "celery_redis": "redis", "celery": "redis"}
"""Of experiments whose name begins with another word than their broker's."""
_ABOUT = """\
Written by `make validate`, which runs the experiments in `sim/validate/experiments/` on brokers of
this machine (`make brokers` installs them) and in the lab: the same messages, the same work, the
same faults. A range is over the repeats; the lab's is over the models of each repeat, in which
timers begin as they did there. Calibrated: calls and the cost of a message as measured on the idle
system just before; nothing is fitted to a run. The curve is what was created and is not yet done;
its RMS is a share of the real peak, at the median of the repeats. A figure in bold is outside the
range that was measured, or more than 5 % away."""
_COLUMNS = {
    "twice": "processed twice or more",
    "redelivered": "redelivered",
    "unprocessed": "not processed",
    "dead_lettered": "dead-lettered",
    "out_of_order": "out of order",
    "peak": "most waiting",
    "drain_s": "drain, s",
    "p99_s": "p99, s",
}


def against(name: str) -> str:
    """The broker of an experiment, by its name."""
    begin = next((begin for begin in AGAINST if name.startswith(begin)), None)
    return name.partition("_")[0] if begin is None else AGAINST[begin]


def names() -> list[str]:
    """Of all experiments."""
    return sorted(path.stem for path in EXPERIMENTS.glob("*.yaml"))


def record(name: str, repeats: int = REPEATS) -> None:
    """Do one experiment, and keep what it gave.

    Args:
        name: of the experiment.
        repeats: how often it is done for real.

    Raises:
        LabError: as `sim.validate.validate.validate`.
    """
    scenario = load(EXPERIMENTS / f"{name}.yaml")
    folder = OUT / name
    found = validate(scenario, against(name), None, repeats, folder / "runs", print)
    paths = {path.name: path for path in write(found, folder)}
    table = paths["table.json"]
    PICTURES.mkdir(parents=True, exist_ok=True)
    copyfile(paths["picture.png"], PICTURES / f"{name}.png")
    files.write_text(EXPERIMENTS / f"{name}.json", table.read_text("utf-8"))


def kept() -> dict[str, Mapping[str, Any]]:
    """What was measured, by the names of the experiments."""
    found = {path.stem: json.loads(path.read_text("utf-8")) for path in EXPERIMENTS.glob("*.json")}
    return dict(sorted(found.items()))


def page(measured: Mapping[str, Mapping[str, Any]], remarks: str) -> Iterator[str]:
    """The page, a line each.

    Args:
        measured: by the names of the experiments, what `sim.validate.page.write` has written.
        remarks: what is to be said besides.
    """
    yield "# The lab beside real brokers"
    yield ""
    yield _ABOUT
    yield ""
    yield from remarks.strip().splitlines()
    for name, found in measured.items():
        yield ""
        yield f"## {name}"
        yield ""
        versions = ", ".join(f"{what} {version}" for what, version in found["versions"].items())
        yield f"{found['when']}; {versions}; {found['machine']}."
        yield ""
        if (PICTURES / f"{name}.png").exists():
            said = "what waits, on the broker and in the lab"
            yield f"![{name}: {said}]({PICTURES.name}/{name}.png)"
            yield ""
        yield from _table(found["rows"])
        yield ""
        yield from (f"- {line}" for line in found["said"])


def _table(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    groups: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["system"], row["group"]), {})[row["figure"]] = row
    used = [
        figure
        for figure in _COLUMNS
        if all(figure in its for its in groups.values())
        if figure not in COUNTS
        or figure == "twice"
        or any(its[figure]["real_most"] or its[figure]["lab_most"] for its in groups.values())
    ]
    heads = [f"{_COLUMNS[figure]}: real; lab" for figure in used]
    yield "| " + " | ".join(["system", *heads, "RMS: default; calibrated"]) + " |"
    yield "|---" * (len(heads) + 2) + "|"
    for (system, group), its in groups.items():
        cells = [system if group == "g" else f"{system}.{group}"]
        for figure in used:
            real, lab = (span(figure, its[figure], whose) for whose in ("real", "lab"))
            cells.append(f"{real}; {lab if its[figure]['inside'] else f'**{lab}**'}")
        rms = its["rms"]
        median = shown("rms", rms["lab_median"])
        median = median if rms["inside"] else f"**{median}**"
        cells.append(f"{shown('rms', rms['default'])}; {median}")
        yield "| " + " | ".join(cells) + " |"


def off(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Counts of the lab that are further from the real ones than two, or a tenth; a line each.

    What was not processed, and what was dead-lettered, must be equal.

    Args:
        rows: of the table, with one repeat.
    """
    for row in rows:
        figure = str(row["figure"])
        if figure not in COUNTS:
            continue
        real, lab = float(row["real_most"]), float(row["default"])
        exact = figure in ("unprocessed", "dead_lettered")
        if abs(lab - real) > (0.0 if exact else max(2.0, 0.1 * real)):
            named = _COLUMNS.get(figure, figure)
            yield f"{row['system']}.{row['group']}: {named}: real {real:g}, lab {lab:g}"


def short() -> int:
    """Do `SHORT` once each, and look at the counts alone; 1 if one is off.

    A broker that is not installed is named, and its experiment left out. What is off is done once
    more, since a machine may stand still for a second.
    """
    failed = 0
    for name, system in SHORT.items():
        scenario = load(EXPERIMENTS / f"{name}.yaml")
        others = {f"systems.{other}": None for other in scenario.systems if other != system}
        scenario = scenario.with_(others)
        try:
            wrong = _counts(name, scenario) and _counts(name, scenario)
        except BrokerMissingError as error:
            print(f"{name}: left out: {error}", flush=True)
            continue
        failed |= bool(wrong)
    return failed


def _counts(name: str, scenario: Scenario) -> list[str]:
    """What is `off` in one run of an experiment."""
    try:
        found = validate(scenario, against(name), None, 1, OUT / "short" / name)
    except BrokerMissingError:
        raise
    except LabError as error:
        wrong = [f"not done: {error}"]
    else:
        wrong = list(off(json.loads(found.table.to_json(orient="records"))))
    print(f"{name}: {'; '.join(wrong) if wrong else 'counts as measured'}", flush=True)
    return wrong


def main(wanted: Sequence[str]) -> int:
    """Do experiments and write the page; 1 if one could not be done.

    Args:
        wanted: names; none: all, `--page`: none, only the page is written, and `--short`: `short`.
    """
    if list(wanted) == ["--short"]:
        return short()
    failed = 0
    for name in [] if list(wanted) == ["--page"] else wanted or names():
        try:
            record(name)
        except LabError as error:
            print(f"{name}: not done: {error}", file=sys.stderr)
            failed = 1
    remarks = REMARKS.read_text("utf-8") if REMARKS.exists() else ""
    files.write_text(PAGE, "\n".join(page(kept(), remarks)) + "\n")
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
