"""Several results side by side: one table, one sentence, one picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Literal

import pandas as pd

from sim.foundation.errors import LabError
from sim.results.result import Result, labels_of
from sim.words.findings import comparison
from sim.words.opening import COLUMNS, cells, html_table

if TYPE_CHECKING:
    from sim.charts.picture import Picture


@dataclass(frozen=True, repr=False, eq=False)
class Comparison:
    """Results by label. In a notebook it shows what differs most, and a table."""

    results: Mapping[str, Result]

    @classmethod
    def of(cls, results: Mapping[str, Result] | Sequence[Result]) -> "Comparison":
        """Put results side by side.

        Args:
            results: by label; or in a row, and then labelled by what differs between their
                scenarios.

        Raises:
            LabError: there are none.
        """
        if not results:
            raise LabError("nothing to compare: expected one result or more")
        if not isinstance(results, Mapping):
            results = dict(zip(labels_of(results), results, strict=True))
        return cls(dict(results))

    @cached_property
    def summary(self) -> pd.DataFrame:
        """[results x groups] the summaries below each other; ``run`` is the label."""
        parts = [r.summary.assign(run=label) for label, r in self.results.items()]
        whole = pd.concat(parts, ignore_index=True)
        return whole[["run", *whole.columns.drop("run")]]

    @property
    def finding(self) -> str:
        """The gravest difference, in a sentence."""
        words = comparison(
            [(label, r.summary, r.tables.duration_s) for label, r in self.results.items()]
        )
        return f"{words}."

    def plot(self) -> "Picture":
        """Messages waiting in every system of every run, on the same axes: a row per run."""
        from sim.charts import comparison as draw
        from sim.charts.picture import Picture

        return Picture.of(draw, [(label, r.tables) for label, r in self.results.items()])

    def plane(self, price: Literal["latency_p99_s", "throughput"] = "latency_p99_s") -> "Picture":
        """What each system of each run pays, against the harm that it does: a panel per harm."""
        from sim.charts import plane
        from sim.charts.picture import Picture

        return Picture.of(
            plane, [(label, r.tables) for label, r in self.results.items()], price=price
        )

    def _rows(self) -> list[list[str]]:
        return [
            [f"{label}: {system}.{group}", *row]
            for label, result in self.results.items()
            for system, group, row in cells(result.tables, alike=True)
        ]

    def __repr__(self) -> str:
        table = pd.DataFrame([row[1:] for row in self._rows()], columns=list(COLUMNS))
        table.index = pd.Index([row[0] for row in self._rows()])
        return f"{self.finding}\n\n{table.to_string()}"

    def _repr_html_(self) -> str:
        return f"<p>{escape(self.finding)}</p>\n{html_table(['', *COLUMNS], self._rows())}"
