"""A dozen messages as boxes: what lies in a log and who reads where, and what a queue still has."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from sim.charts.page import PALETTE
from sim.charts.picture import Picture
from sim.results.result import Result

LINE_PT = 0.35
"""From one group's words to the next, in heights of a box."""


class Boxes:
    """The messages of a run of a log with one partition, ``log``, and of a queue, ``queue``.

    `messages` has a row for each, in the order of their offsets: ``created_s`` and ``key``.
    """

    def __init__(self, result: Result) -> None:
        self._of = {
            (str(system), str(group)): rows.reset_index(drop=True)
            for (system, group), rows in result.messages.groupby(["system", "group"], sort=False)
        }
        self.groups = [group for system, group in self._of if system == "log"]
        """Of the log."""
        self.messages: pd.DataFrame = self._of["log", self.groups[0]][["created_s", "key"]]
        self.keys = sorted(self.messages["key"].unique())
        self._colour = dict(zip(self.keys, PALETTE, strict=False))

    def appended(self) -> Picture:
        """Each message at its offset, with the time at which it was created."""
        return Picture.of(self._appended)

    def at(self, time_s: float) -> Picture:
        """What is in the log and in the queue at a time, and which offset each group reads next."""
        return Picture.of(self._at, time_s)

    def _appended(self) -> Figure:
        figure, (ax,) = self._page(1, 1.3)
        for offset, (created_s, key) in enumerate(self.messages.to_numpy()):
            self._box(ax, offset, key, str(offset))
            ax.text(offset + 0.46, 1.1, f"{created_s:.1f} s", ha="center", size=7.5)
        ax.text(-0.2, 0.46, "offset", ha="right", va="center")
        ax.text(-0.2, 1.2, "created at", ha="right", va="center", size=7.5)
        return figure

    def _at(self, time_s: float) -> Figure:
        figure, (log, queue) = self._page(2, 2.9)
        gone = pd.concat(
            [rows["done_s"] <= time_s for (system, _), rows in self._of.items() if system != "log"],
            axis=1,
        ).all(axis=1)
        for offset, (created_s, key) in enumerate(self.messages.to_numpy()):
            if created_s <= time_s:
                self._box(log, offset, key, str(offset))
                its = "" if gone[offset] else str(offset)
                self._box(queue, offset, key, its, there=not gone[offset])
        for i, group in enumerate(self.groups):
            position = int((self._of["log", group]["done_s"] <= time_s).sum())
            words = f"▲ {group} reads {position} next"
            log.text(position + 0.05, -0.25 - LINE_PT * i, words, va="center", size=8)
        for ax, what in ((log, "log"), (queue, "queue")):
            ax.text(-0.2, 0.46, f"{what} at {time_s:g} s", ha="right", va="center")
        return figure

    def _page(self, rows: int, height_in: float) -> tuple[Figure, list[Axes]]:
        figure = Figure(figsize=(9.0, height_in), layout="constrained")
        axes = list(figure.subplots(rows, 1, squeeze=False)[:, 0])
        for ax in axes:
            ax.set_axis_off()
            ax.set_xlim(-2.6, len(self.messages) + 0.2)
            ax.set_ylim(-0.9, 1.9)
        return figure, axes

    def _box(self, ax: Axes, at: int, key: str, words: str, there: bool = True) -> None:
        face, edge = (self._colour[key], "-") if there else ("white", ":")
        ax.add_patch(Rectangle((at, 0), 0.92, 0.92, facecolor=face, edgecolor="#999999", ls=edge))
        ink = "white" if there else "#bbbbbb"
        ax.text(at + 0.46, 0.46, words, ha="center", va="center", color=ink, weight="bold")
