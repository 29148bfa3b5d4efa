"""Charts as files, the same bytes for the same tables."""

import gc
import os
import signal
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from sim.charts import ledger
from sim.charts.bars import duplicates, loss, replay
from sim.charts.burrow import status
from sim.charts.over_time import lag, order, throughput, time_lag
from sim.charts.page import style
from sim.charts.pipeline import pipeline
from sim.charts.quantiles import latency
from sim.charts.side_by_side import overview
from sim.charts.waits import waits
from sim.foundation.files import replacing
from sim.foundation.processes import end_with
from sim.words import findings

if TYPE_CHECKING:
    from sim.measure.tables import Tables

T = TypeVar("T")

CHARTS: dict[str, Callable[..., list[Axes]]] = {
    "throughput": throughput,
    "lag": lag,
    "time_lag": time_lag,
    "loss": loss,
    "duplicates": duplicates,
    "order": order,
    "latency": latency,
}
"""File name without its suffix -> chart. ``overview`` comes besides."""
LEDGER_CHARTS: dict[str, tuple[Callable[..., list[Axes]], str]] = {
    "buffer": (ledger.buffer, "buffer"),
    "books": (ledger.books, "books"),
    "harms": (ledger.harms, "ledger"),
    "price": (ledger.price, "ledger"),
}
"""File name -> chart, and the frame of the tables without which there is nothing to draw."""
LOG_CHARTS: dict[str, tuple[Callable[..., list[Axes]], str]] = {"status": (status, "burrow")}
"""The same for systems on a log."""

TIME_CHARTS: dict[str, tuple[Callable[..., list[Axes]], str]] = {"waits": (waits, "waits")}
"""The same for runs in which it was measured what messages waited for."""
STAGE_CHARTS: dict[str, tuple[Callable[..., list[Axes]], str]] = {"stages": (pipeline, "pipeline")}
"""The same for pipelines."""

_SOMETIMES = TIME_CHARTS | STAGE_CHARTS | LOG_CHARTS | LEDGER_CHARTS
CHART: dict[str, Callable[..., list[Axes]]] = {
    **CHARTS,
    "replay": replay,
    **{name: chart for name, (chart, _) in _SOMETIMES.items()},
}
"""Every chart but the overview, with or without data."""
COUNTED = {
    "loss": ("lost", "dead_lettered", "unfinished"),
    "duplicates": ("extra_deliveries", "double_effects"),
    "order": ("violations",),
}
"""Chart -> columns of the summary without any of which it shows nothing."""
DPI = 150.0
"""Of the pixels of a chart."""
FORMATS = ("png",)
"""In which charts are written unless it is asked."""


def write_all(
    tables: "Tables", folder: Path, *, title: str, formats: Sequence[str] = FORMATS
) -> list[Path]:
    """Write the overview and every chart that shows something to `folder`, in each of `formats`.

    Returns the files. `title` says which run it is, below the finding. An existing file is
    replaced.
    """
    each = ("overview", *(name for name in names(tables) if shows(name, tables)))
    jobs = writing(tables, folder, title, each, formats)
    return [path for files in on_two_cores(jobs) for path in files]


def writing(
    tables: "Tables",
    folder: Path,
    title: str,
    each: Sequence[str],
    formats: Sequence[str] = FORMATS,
) -> list[Callable[[], list[Path]]]:
    """What writes each chart of these names to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    return [partial(_write_chart, tables, folder, title, name, formats) for name in each]


def names(tables: "Tables") -> list[str]:
    """Of the charts that have data, less the overview."""
    rest = [name for name, (_, frame) in _SOMETIMES.items() if len(getattr(tables, frame))]
    unordered = ["order"] if tables.summary["violations"].isna().all() else []
    always = [name for name in CHARTS if name not in unordered]
    return [*always, *(["replay"] if findings.about_replay(tables.summary) else []), *rest]


def shows(name: str, tables: "Tables") -> bool:
    """Whether there is more to see in a chart than its title says; else it is a page of zeros."""
    if name == "status":
        return bool((tables.burrow["status"] != "OK").any())
    columns = list(COUNTED.get(name, ()))
    return not columns or bool((tables.summary[columns] > 0).to_numpy().any())


def get_ready() -> None:
    """Draw what nobody sees, so that fonts are found and drawing is quick from the first chart."""
    with style():
        figure = Figure(figsize=(1, 1))
        figure.subplots(2, sharex=True)
        figure.text(0, 0, "plain")
        figure.text(0, 0, "bold", weight="bold")
        FigureCanvasAgg(figure)
        figure.savefig(BytesIO(), format="png")


def on_two_cores(jobs: Sequence[Callable[[], T]]) -> list[T]:
    """What each job gives, in their order; where processes can fork, two of them do the jobs."""
    if sys.platform != "linux":
        return [job() for job in jobs]
    pool = ProcessPoolExecutor(
        2, mp_context=get_context("fork"), initializer=_take, initargs=(jobs, os.getpid())
    )
    try:
        return list(pool.map(_do, range(len(jobs))))
    finally:
        pool.shutdown(cancel_futures=True)


_taken: Sequence[Callable[[], Any]] = ()
"""In a process that draws, the jobs: it has them from its fork, so that no table is pickled."""


def _take(jobs: Sequence[Callable[[], Any]], asks: int) -> None:
    global _taken
    end_with(asks)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that waits for the jobs hears it
    gc.disable()  # it ends after a few charts; to look for what they leave took a tenth of its time
    _taken = jobs


def _do(job: int) -> Any:
    return _taken[job]()


def _write_chart(
    tables: "Tables", folder: Path, title: str, name: str, formats: Sequence[str]
) -> list[Path]:
    with style(dpi=DPI):
        axes = (
            overview(tables, title=title)
            if name == "overview"
            else CHART[name](tables, title=title)
        )
        figure = axes if isinstance(axes, Figure) else axes[0].figure
        assert isinstance(figure, Figure)
        return write(figure, folder / name, formats)


def write(
    figure: Figure, stem: Path, formats: Sequence[str] = FORMATS, dpi: float | None = None
) -> list[Path]:
    """Save `figure` as `stem` with each format's suffix, without the date; call inside `style`.

    `dpi` is that of the pixels; the style's if None.
    """
    FigureCanvasAgg(figure)
    out = []
    for name in formats:
        path = stem.with_suffix(f".{name}")
        how: dict[str, Any] = {"dpi": dpi} if dpi else {}
        if name == "png":
            how["pil_kwargs"] = {"compress_level": 3}
        else:
            how["metadata"] = {"Date": None} if name == "svg" else {"CreationDate": None}
        with replacing(path) as temporary:
            figure.savefig(temporary, **how)
        out.append(path)
    return out
