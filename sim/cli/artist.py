"""A process that gets ready to draw while the simulation runs, and then draws charts and report."""

import gc
import os
import signal
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

from sim.foundation import files
from sim.foundation.errors import LabError
from sim.foundation.processes import end_with

if TYPE_CHECKING:
    from sim.charts import Inline
    from sim.measure.tables import Tables


@dataclass(frozen=True)
class Order:
    """What to draw, and where."""

    tables: "Tables"
    folder: Path
    """Gets the report, and the charts in a folder of their own."""
    title: str
    """Says below each chart which run it is."""
    label: str
    """``scenario/run``."""
    about: Mapping[str, Any]
    """The manifest, but for the time that the charts take."""
    charts: bool = True
    """Whether to draw them; without, there is but the report."""


@dataclass(frozen=True)
class Drawn:
    """What was drawn."""

    charts: list[Path]
    report: str
    """Its name."""
    about: dict[str, Any]
    """The manifest, with the time that the charts took."""


class Draw(Protocol):
    """Writes what is ordered."""

    def __call__(self, order: Order, /) -> Drawn:
        """What was drawn; an exception of the drawing is raised here."""


@contextmanager
def artist() -> Iterator[Draw]:
    """What draws: where processes can fork, one that imports matplotlib in the meantime.

    Begin it before any thread: a fork has none of them, but the locks that they hold. Leaving ends
    it at once, whatever it does. Ctrl+C does not reach it, so that only one process answers.
    """
    if sys.platform != "linux":
        yield draw
        return
    for both_need in ("pandas", "sim.words.findings"):  # and so it is imported once
        import_module(both_need)
    context = get_context("fork")
    ours, its = context.Pipe()
    process = context.Process(target=_serve, args=(ours, its, os.getpid()), name="artist")
    try:
        process.start()
        its.close()
        assert process.pid is not None
        with suppress(OSError):  # it has done so itself, or has ended
            os.setpgid(process.pid, process.pid)
        yield lambda order: _ask(ours, order)
    finally:
        if process.pid is not None:
            with suppress(OSError):  # it has ended
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()  # if Ctrl+C came before it had a group
            process.join()
        ours.close()


def _ask(artist: Connection, order: Order) -> Drawn:
    try:
        artist.send(order)
        answer: Drawn | Exception = artist.recv()
    except (EOFError, OSError):
        raise LabError(
            "the process that draws the charts has ended; was there too little memory? With "
            "--no-charts, the same command goes on without it"
        ) from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _serve(others: Connection, own: Connection, asks: int) -> None:
    """Get ready, and draw once; nothing if the process that asks, its number, has ended."""
    end_with(asks)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.setpgid(0, 0)
    others.close()
    from sim.charts.files import get_ready

    get_ready()
    gc.freeze()
    with suppress(EOFError, BrokenPipeError):  # the process that asks has ended
        order: Order = own.recv()
        answer: Drawn | Exception
        try:
            answer = draw(order)
        except Exception as error:
            error.add_note(f"It happened in the process that draws:\n{traceback.format_exc()}")
            answer = error
        own.send(answer)


def draw(order: Order) -> Drawn:
    """Write charts and report, in this process."""
    from sim.report.page import REPORT, page

    began = perf_counter()
    paths: list[Path] = []
    inlined: Sequence[Inline] = ()
    if order.charts:
        from sim.charts import write_and_inline

        paths, inlined = write_and_inline(order.tables, order.folder / "charts", title=order.title)
    wall_s = {**order.about["wall_s"], "charts": round(perf_counter() - began, 3)}
    about = {**order.about, "wall_s": wall_s}
    report = page(order.tables, about, inlined, label=order.label)
    files.write_text(order.folder / REPORT, report)
    return Drawn(paths, REPORT, about)
