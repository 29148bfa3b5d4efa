"""The result of a run, whether just run or read from disk: tables, words and charts.

Times are in seconds, counts in messages. Every table is tidy: a row per observation, and the
columns ``system`` and ``group`` say whose it is.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from sim.foundation.errors import nearest
from sim.measure.tables import Tables
from sim.scenario.load import Scenario
from sim.words.differences import labels
from sim.words.silence import warnings_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sim.charts.picture import Picture
    from sim.imports.read import Measured
    from sim.words.needs_of_run import SystemJudged

_OVER_TIME = [
    "system", "group", "t_s", "arrived", "processed", "lag", "ready", "in_flight", "position_lag",
    "time_lag_s",
]  # fmt: skip


@dataclass(frozen=True, repr=False, eq=False)
class Result:
    """What a scenario gave. In a notebook it shows the finding and a table."""

    tables: Tables
    """All tables, unabridged."""
    wall_s: Mapping[str, float]
    """Real time that the workload and each system took, s."""
    given: Scenario | None = None
    """What was run; None if it was read from disk, where the manifest has the content."""
    folder: Path | None = None
    """Where it is stored; None if it is not."""
    manifest: Mapping[str, Any] = field(default_factory=dict)
    """What identifies and repeats a stored run."""

    @cached_property
    def scenario(self) -> Scenario:
        """What was run.

        Raises:
            LabError: the stored scenario is none to this version of the lab.
        """
        return self.given or Scenario.from_mapping(self.manifest["content"])

    @property
    def content(self) -> Mapping[str, Any]:
        """The scenario as plain data, defaults filled in."""
        if self.given is not None:
            return self.given.model_dump(mode="json", by_alias=True)
        content: Mapping[str, Any] = self.manifest.get("content", {})
        return content

    @property
    def name(self) -> str:
        """Name of the scenario."""
        return str(self.given.name if self.given else self.manifest.get("scenario", ""))

    @property
    def label(self) -> str:
        """``scenario/run`` if it is stored, else the name of the scenario."""
        return f"{self.folder.parent.name}/{self.folder.name}" if self.folder else self.name

    @property
    def title(self) -> str:
        """What the scenario is about."""
        return str(self.content.get("about") or self.label)

    @property
    def summary(self) -> pd.DataFrame:
        """[groups] a row per group: its fates, harms, largest lag, drain time and latencies."""
        return self.tables.summary

    @property
    def lag(self) -> pd.DataFrame:
        """[groups x times] ``lag`` and ``time_lag_s`` of each group at each time ``t_s``.

        Lag of a log is log end - committed offset, lag of a queue its depth, ``ready`` +
        ``in_flight``; what does not apply is NaN. ``arrived`` and ``processed`` are cumulative.
        """
        return self.tables.series[_OVER_TIME]

    @property
    def violations(self) -> pd.DataFrame:
        """[groups x times] messages processed after a later one of their key, up to ``t_s``."""
        return self.tables.series[["system", "group", "t_s", "violations"]]

    @property
    def fates(self) -> pd.DataFrame:
        """[groups x fates] how many ``messages`` ended in each ``fate``, and at which ``place``."""
        return self.tables.fates

    @property
    def messages(self) -> pd.DataFrame:
        """[groups x at most 2,000] an evenly spaced sample of messages, with what became of each.

        ``done_s`` is when it was first processed, NaN if never; ``effects`` how often it was.
        """
        return self.tables.messages

    @property
    def waits(self) -> pd.DataFrame:
        """[groups x parts] where the time from creation to first effect went, a row per ``part``.

        ``total_s`` of all processed messages, ``mean_s`` of one, ``slowest_s`` of one of the
        slowest 1 %; ``messages``: how many had any of it. Without rows if it was not measured.
        """
        return self.tables.waits

    @property
    def limits(self) -> pd.DataFrame:
        """[limits] the limits that acted: ``key`` and ``value``, whom, what, how often and when."""
        return self.tables.limits

    @property
    def bill(self) -> pd.DataFrame:
        """[systems x lines] what each system would cost a month: see `sim.costs.bill.bill_table`.

        Raises:
            LabError: the stored scenario is none to this version of the lab.
        """
        from sim.costs.bill import bill_table

        return bill_table(self.scenario, self.tables)

    @property
    def finding(self) -> str:
        """What the numbers say, in sentences computed from them."""
        from sim.words.opening import findings_of

        return "\n\n".join(findings_of(self.tables))

    @property
    def warnings(self) -> Sequence[str]:
        """What of the scenario had no effect, or another than it seems to have; a text each."""
        if self.given is None:
            return tuple(self.manifest.get("warnings", ()))
        return (*self.given.warnings, *warnings_of(self.tables))

    @property
    def _shown_warnings(self) -> Sequence[str]:
        """With the names of files alone: in which folder they are is not what the reader asks."""
        return [re.sub(r"^\S*/(?=[^/\s]+:\d+: )", "", warning) for warning in self.warnings]

    @property
    def plot(self) -> "Plots":
        """The charts, each a method."""
        return Plots(self)

    def __getattr__(self, name: str) -> pd.DataFrame:
        """Any other of the tables: ``result.faults``, ``result.ledger``, ``result.buffer``, …."""
        if name in Tables.FRAMES:
            frame: pd.DataFrame = getattr(self.tables, name)
            return frame
        near = nearest(name, self.__dir__()) if not name.startswith("_") else None
        hint = f"; did you mean {near!r}?" if near else ""
        raise AttributeError(f"a result has no {name!r}{hint}")

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *Tables.FRAMES})

    def __repr__(self) -> str:
        from sim.foundation.terminal import terminal
        from sim.words.opening import print_summary

        page = terminal(file=StringIO(), width=100, color_system=None, force_jupyter=False)
        print_summary(self.tables, self.title, page)
        for warning in self._shown_warnings:
            page.print(f"\nwarning: {warning}")
        assert isinstance(page.file, StringIO)
        return "\n".join(line.rstrip() for line in page.file.getvalue().rstrip().split("\n"))

    @property
    def needs(self) -> "list[SystemJudged]":
        """What the run says of each system and the scenario's needs, best first; may be empty."""
        from sim.words.needs_of_run import judge_run

        return judge_run(self.scenario, self.tables) if self.content.get("needs") else []

    def explain(self, system: str | None = None, group: str | None = None) -> Any:
        """Why it went wrong, as `sim.explain`, with an `Explanation`.

        Args:
            system: only this one; None: all.
            group: only groups of this name; None: all.

        Raises:
            LabError: as `sim.explain`; or the stored scenario is none to this version of the lab.
        """
        # By its name: it runs scenarios, and so it stands above what a run gives.
        return import_module("sim.causes.explain").explain(self.scenario, system, group)

    def _repr_html_(self) -> str:
        from sim.words.needs_of_run import said_of_needs
        from sim.words.opening import html_summary

        said = self.manifest.get("needs", ()) if self.given is None else said_of_needs(self.needs)
        return html_summary(self.tables, self.title, self._shown_warnings, said)


class Plots:
    """The charts of a result. Each returns its axes, which a notebook shows as a picture.

    ``axes``, if given, are drawn on: one per system.
    """

    def __init__(self, result: Result) -> None:
        self._result = result

    def overview(self) -> "Picture":
        """Throughput, lag and time lag of every system, and the sums below."""
        return self._page("overview")

    def throughput(self, axes: Sequence["Axes"] | None = None) -> "Picture":
        """Arrivals, and messages first processed, msg/s."""
        return self._page("throughput", axes=axes)

    def lag(
        self,
        axes: Sequence["Axes"] | None = None,
        *,
        overlay: "Measured | str | Path | None" = None,
        start: str | None = None,
    ) -> "Picture":
        """Messages waiting, over time.

        Args:
            axes: to draw on.
            overlay: an export of lag to lay over it, in one of the formats of `sim.imports.read`.
            start: the moment in the export at which the run begins; None: its first sample.
        """
        return self._against("lag", axes, overlay, start)

    def time_lag(
        self,
        axes: Sequence["Axes"] | None = None,
        *,
        overlay: "Measured | str | Path | None" = None,
        start: str | None = None,
    ) -> "Picture":
        """Age of the oldest unprocessed message, over time.

        Args:
            axes: to draw on.
            overlay: an export of lag to lay over it, in one of the formats of `sim.imports.read`.
            start: the moment in the export at which the run begins; None: its first sample.
        """
        return self._against("time_lag", axes, overlay, start)

    def _against(
        self,
        chart: str,
        axes: Sequence["Axes"] | None,
        overlay: "Measured | str | Path | None",
        start: str | None,
    ) -> "Picture":
        """A chart, with what was measured over it if there is an ``overlay``."""
        if overlay is None:
            return self._page(chart, axes=axes)
        return self._page(f"measured_{chart}", measured=_measured(overlay), start=start, axes=axes)

    def latency(
        self,
        axes: Sequence["Axes"] | None = None,
        *,
        overlay: "Measured | str | Path | None" = None,
    ) -> "Picture":
        """Quantiles of the time from creation to first effect.

        Args:
            axes: to draw on.
            overlay: a result of the OpenMessaging Benchmark to lay over it.
        """
        if overlay is None:
            return self._page("latency", axes=axes)
        return self._page("latency", axes=axes, measured=_measured(overlay))

    def order(self, axes: Sequence["Axes"] | None = None) -> "Picture":
        """Messages processed out of order, cumulative."""
        return self._page("order", axes=axes)

    def loss(self) -> "Picture":
        """Messages not processed, by where they were lost."""
        return self._page("loss")

    def duplicates(self) -> "Picture":
        """Deliveries and effects beyond the first of each message."""
        return self._page("duplicates")

    def status(self, axes: Sequence["Axes"] | None = None) -> "Picture":
        """Burrow's word for each group of a log over time, below its lag."""
        return self._page("status", "burrow", axes=axes)

    def waits(self, axes: Sequence["Axes"] | None = None) -> "Picture":
        """Where the time of each group's messages went, of all and of the slowest 1 %."""
        return self._page("waits", "waits", axes=axes)

    def buffer(self, axes: Sequence["Axes"] | None = None) -> "Picture":
        """Records waiting in each producer's client, over time; of runs with a publisher."""
        return self._page("buffer", "buffer", axes=axes)

    def books(self, axes: Sequence["Axes"] | None = None) -> "Picture":
        """By how much the books are wrong, over time; of runs with a ledger."""
        return self._page("books", "ledger", axes=axes)

    def harms(self) -> "Picture":
        """What each system that keeps books loses, repeats and misbooks."""
        return self._page("harms", "ledger")

    def price(self) -> "Picture":
        """Throughput and latency of each system that keeps books."""
        return self._page("price", "ledger")

    def compare(self, *others: Result) -> "Picture":
        """This result and others on the same axes, a row each."""
        from sim import charts
        from sim.charts.picture import Picture

        runs = [self._result, *others]
        named = zip(labels_of(runs), (run.tables for run in runs), strict=True)
        return Picture.of(charts.comparison, list(named))

    def _page(self, chart: str, needs: str = "", **how: Any) -> "Picture":
        from sim import charts
        from sim.charts.picture import Picture

        if needs and not len(getattr(self._result.tables, needs)):
            raise AttributeError(f"{self._result.label} has no {needs}, so there is no {chart!r}")
        draw: Callable[..., Any] = getattr(charts, chart)
        return Picture.of(draw, self._result.tables, title=self._result.title, **how)


def _measured(overlay: "Measured | str | Path") -> "Measured":
    from sim.imports.read import Measured, read

    return overlay if isinstance(overlay, Measured) else read(overlay)


def labels_of(results: Sequence[Result]) -> list[str]:
    """A short name for each result, by what differs between their scenarios."""
    return labels([result.content for result in results], [result.label for result in results])
