"""What `sim validate` writes: a table, one picture with both lines, and a Markdown page."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from sim.foundation import files
from sim.validate.compare import COUNTS
from sim.validate.validate import Lines, Validation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NAMES = {
    "processed": "processed",
    "unprocessed": "not processed",
    "dead_lettered": "dead-lettered",
    "twice": "processed twice or more",
    "repeats": "repeats",
    "redelivered": "redelivered",
    "out_of_order": "out of order",
    "peak": "most waiting",
    "drain_s": "drain, s",
    "waiting_s": "message-seconds waiting",
    "p50_s": "p50, s",
    "p99_s": "p99, s",
    "max_s": "longest, s",
    "rms": "RMS of the curves, of the peak",
}


def write(found: Validation, folder: Path) -> list[Path]:
    """Write `table.json`, `table.parquet`, `curves.parquet`, `picture.png` and `page.md`.

    Returns their paths.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = [
        folder / name
        for name in ("table.json", "table.parquet", "curves.parquet", "picture.png", "page.md")
    ]
    rows = json.loads(found.table.to_json(orient="records"))
    about = {
        "scenario": found.scenario,
        "against": found.against,
        "when": found.when,
        "machine": found.machine,
        "versions": dict(found.versions),
        "said": list(found.said),
        "notes": list(found.notes),
    }
    files.write_text(paths[0], json.dumps({**about, "rows": rows}, indent=1) + "\n")
    found.table.to_parquet(paths[1], index=False)
    curves(found.lines).to_parquet(paths[2], index=False)
    picture(found).savefig(paths[3], dpi=110)
    files.write_text(paths[4], "\n".join(markdown(found)) + "\n")
    return paths


def curves(lines: Sequence[Lines]) -> pd.DataFrame:
    """A row per group, line (``default``, ``real 1``, ``calibrated 1``, …) and time ``t_s``."""
    frames = []
    for line in lines:
        named = {"default": line.default}
        named |= {f"real {i + 1}": run for i, run in enumerate(line.real)}
        named |= {f"calibrated {i + 1}": run for i, run in enumerate(line.calibrated)}
        for name, waiting in named.items():
            frames.append(
                pd.DataFrame(
                    {
                        "system": line.system,
                        "group": line.group,
                        "line": name,
                        "t_s": line.at_s,
                        "waiting": waiting,
                    }
                )
            )
    return pd.concat(frames, ignore_index=True)


def picture(found: Validation) -> "Figure":
    """What waits, measured and simulated: a panel for each group."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    n = len(found.lines)
    drawn = Figure(figsize=(8.0, 1.2 + 2.4 * n), layout="constrained")
    FigureCanvasAgg(drawn)
    panels = drawn.subplots(n, 1, squeeze=False)[:, 0]
    for axes, line in zip(panels, found.lines, strict=True):
        for i, run in enumerate(line.real):
            label = f"{found.against}, {len(line.real)} runs" if i == 0 else None
            axes.plot(line.at_s, run, color="#b3541e", lw=0.9, alpha=0.8, label=label)
        axes.plot(line.at_s, line.default, color="#8a8a8a", lw=1, ls="--", label="lab, default")
        for i, run in enumerate(line.calibrated):
            label = "lab, calibrated" if i == 0 else None
            axes.plot(line.at_s, run, color="#1f5a94", lw=1.2, alpha=0.8, label=label)
        axes.set_title(f"{line.system}: {line.group}", loc="left", fontsize=10)
        axes.set_ylabel("messages waiting")
        axes.set_ylim(bottom=0)
        axes.legend(frameon=False, fontsize=8)
    panels[-1].set_xlabel("seconds")
    return drawn


def markdown(found: Validation) -> Iterator[str]:
    """The page, a line each."""
    yield f"# {found.scenario} against {found.against}"
    yield ""
    versions = ", ".join(f"{name} {version}" for name, version in found.versions.items())
    yield f"{found.when}; {versions}; {found.machine}."
    yield ""
    yield "![What waits, measured and simulated](picture.png)"
    yield ""
    yield from rows(found.table)
    yield ""
    yield "Done, and not done:"
    yield from (f"- {line}" for line in found.said)
    yield ""
    yield "What happened:"
    yield from (f"- {line}" for line in found.notes)


def rows(table: pd.DataFrame) -> Iterator[str]:
    """A Markdown table of the figures, least to most of the repeats beside the lab's."""
    yield "| system | figure | real | lab, default | lab, calibrated | |"
    yield "|---|---|---|---|---|---|"
    for row in table.to_dict("records"):
        name = str(row["figure"])
        real = span(name, row, "real")
        verdict = "inside" if row["inside"] else ""
        if name == "rms":
            real, verdict = f"{real} between runs", "within 5 %" if row["inside"] else ""
        yield (
            f"| {row['system']}: {row['group']} | {_NAMES[name]} | {real} "
            f"| {shown(name, row['default'])} | {span(name, row, 'lab')} | {verdict} |"
        )


def span(figure: str, row: Mapping[Any, Any], whose: str) -> str:
    """The least and the most of the repeats: ``whose`` is ``real`` or ``lab``."""
    least, most = shown(figure, row[f"{whose}_least"]), shown(figure, row[f"{whose}_most"])
    return least if least == most else f"{least} to {most}"


def shown(figure: str, value: float) -> str:
    """A figure as a page has it."""
    if figure == "rms":
        return f"{value:.1%}"
    if figure in (*COUNTS, "peak", "waiting_s"):
        return f"{value:,.0f}"
    return f"{value:.3f}" if value < 1 else f"{value:.2f}"
