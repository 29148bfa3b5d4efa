"""Charts as files, the same bytes for the same tables."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from sim.charts import ledger
from sim.charts.bars import duplicates, loss, replay
from sim.charts.burrow import status
from sim.charts.over_time import lag, order, throughput, time_lag
from sim.charts.page import style
from sim.charts.quantiles import latency
from sim.charts.side_by_side import overview
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

_SOMETIMES = LOG_CHARTS | LEDGER_CHARTS
CHART: dict[str, Callable[..., list[Axes]]] = {
    **CHARTS,
    "replay": replay,
    **{name: chart for name, (chart, _) in _SOMETIMES.items()},
}
"""Every chart but the overview, with or without data."""


def write_all(tables: "Tables", folder: Path, *, title: str) -> list[Path]:
    """Write the overview and every chart that has data to `folder`, as PNG and SVG.

    Returns the files. `title` says which run it is, below the finding. An existing file is
    replaced.
    """
    with two_cores() as each:
        return [path for files in each(*writing(tables, folder, title)) for path in files]


def writing(
    tables: "Tables", folder: Path, title: str
) -> tuple[Callable[[str], list[Path]], Sequence[str]]:
    """What writes a chart to `folder`, given its name, and the names."""
    folder.mkdir(parents=True, exist_ok=True)
    return partial(_write_chart, tables, folder, title), ["overview", *names(tables)]


def names(tables: "Tables") -> list[str]:
    """Of the charts that have data, less the overview."""
    rest = [name for name, (_, frame) in _SOMETIMES.items() if len(getattr(tables, frame))]
    return [*CHARTS, *(["replay"] if findings.about_replay(tables.summary) else []), *rest]


class Map(Protocol):
    """Applies a function to each of a sequence, like `map`."""

    def __call__(self, draw: Callable[[str], T], names: Sequence[str], /) -> Iterable[T]:
        """What `draw` makes of each name, in their order."""


@contextmanager
def two_cores() -> Iterator[Map]:
    """A `map` that where processes can fork has two of them work on all it is given."""
    if sys.platform == "linux":
        with ProcessPoolExecutor(2, mp_context=get_context("fork")) as pool:
            yield pool.map
    else:
        yield map


def _write_chart(tables: "Tables", folder: Path, title: str, name: str) -> list[Path]:
    with style():
        axes = (
            overview(tables, title=title)
            if name == "overview"
            else CHART[name](tables, title=title)
        )
        figure = axes if isinstance(axes, Figure) else axes[0].figure
        assert isinstance(figure, Figure)
        return write(figure, folder / name)


def write(
    figure: Figure, stem: Path, formats: Sequence[str] = ("png", "svg"), dpi: float | None = None
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
        figure.savefig(path, **how)
        out.append(path)
    return out
