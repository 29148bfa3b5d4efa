"""The number that a scenario is about, of each group: the table ``shown``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, inf, nan

import numpy as np
import pandas as pd

from sim.engine.outcome import Became, Fate
from sim.foundation.arrays import F64, I32, I64, Bools
from sim.measure import latency_bins
from sim.measure.counts import Counted
from sim.measure.latency import in_bin_s
from sim.scenario.load import Scenario
from sim.scenario.shows import Shown
from sim.traffic.generate import slow_rows
from sim.traffic.messages import Messages

COLUMNS: Mapping[str, str] = {
    "lost": "lost",
    "dead_lettered": "dead_lettered",
    "unfinished": "unfinished",
    "duplicates_delivered": "extra_deliveries",
    "duplicates_applied": "double_effects",
    "out_of_order": "violations",
    "wrong_results": "wrong_effects",
    "lag": "max_lag",
    "age_of_oldest": "max_time_lag_s",
    "time_to_drain": "drain_s",
}
"""Measure -> column of the summary that it is; money is in the ledger, latency in `LatencyOf`."""


@dataclass(frozen=True)
class Chosen:
    """Which of a group's messages count."""

    entities: Bools
    """[entities] whether those of its key do."""
    not_these: I64
    """Messages of the group that do not, ascending."""

    @property
    def all(self) -> bool:
        """Whether every message of the group counts."""
        return not self.not_these.size and bool(self.entities.all())

    @classmethod
    def of(
        cls, scenario: Scenario, messages: Messages, jobs: Sequence[str], n: int, rows: I32 | None
    ) -> "Chosen | None":
        """Those of whose latency the scenario is about; None if it is about something else.

        Args:
            scenario: what it shows.
            messages: for the values of their keys.
            jobs: of the group.
            n: how many messages there will be.
            rows: those that the group is given, ascending; None: all.
        """
        shown = scenario.shown
        if shown is None or shown.shows.measure != "latency":
            return None
        counts = np.ones(messages.entities, bool)
        if shown.shows.of:
            counts &= messages.have(shown.shows.of)
        if shown.shows.without:
            counts &= ~messages.have(shown.shows.without)
        slow = np.zeros(0, np.int64)
        if shown.shows.quick:
            slow = np.unique(np.concatenate([slow_rows(scenario, n, job) for job in jobs]))
            if rows is not None:
                slow = np.flatnonzero(np.isin(rows, slow))
        return cls(counts, slow)


class LatencyOf:
    """Latencies of the messages that count, which come in pieces or all at once."""

    def __init__(self, chosen: Chosen) -> None:
        """``chosen``: which do."""
        self._chosen = chosen
        self.of_everything = chosen.all
        """Whether every message of the group counts: then `of_all` has what this has not."""
        self._bins: I64 = np.zeros(latency_bins.BINS, np.int64)
        self._seen = 0
        self._never = 0
        self._longest_s = 0.0

    @classmethod
    def of_all(cls, counted: Counted) -> "LatencyOf":
        """Those of a whole group, which are counted anyway."""
        made = cls(Chosen(np.ones(0, bool), np.zeros(0, np.int64)))
        made._bins, made._longest_s = counted.latency, counted.longest_latency_s
        made._never = counted.fates[Fate.UNFINISHED]
        return made

    def add(self, created_s: F64, entity: I32, became: Became, final: int) -> None:
        """Take the first ``final`` messages, which come after those that were taken before."""
        if self.of_everything:
            return
        counts = self._chosen.entities[entity[:final]]
        low, high = np.searchsorted(self._chosen.not_these, [self._seen, self._seen + final])
        counts[self._chosen.not_these[low:high] - self._seen] = False
        self._seen += final
        done_s = became.done_s[:final]
        done = counts & (done_s < inf)
        latency_s = done_s[done] - created_s[:final][done]
        bins = latency_s.astype(np.float32).view(np.uint32) >> latency_bins.SHIFT
        self._bins += np.bincount(bins, minlength=latency_bins.BINS)
        self._longest_s = max(self._longest_s, float(latency_s.max(initial=0.0)))
        self._never += int((counts & (became.fate[:final] == Fate.UNFINISHED)).sum())

    def within_s(self, quantile: float) -> float:
        """What this share of them took at most, s, to a bin's width; inf: some never were done.

        NaN if none was processed and none is left; what was lost or dead-lettered is not in it.
        """
        processed = int(self._bins.sum())
        if processed + self._never == 0:
            return nan
        rank = max(1, ceil(quantile * (processed + self._never) - 1e-9))
        if rank > processed:
            return inf
        if rank == processed:
            return self._longest_s
        which = int(np.searchsorted(np.cumsum(self._bins), rank))
        return min(in_bin_s(which), self._longest_s)


def shown_table(
    who: Mapping[str, str],
    shown: Shown,
    summary: pd.DataFrame,
    ledger: pd.DataFrame | None,
    latency: LatencyOf | None,
    counted: Counted,
) -> pd.DataFrame:
    """One row: ``measure``, ``quantile``, ``called`` and ``jobs`` as the scenario says them,
    ``value``, and ``bound``, what is needed at most (inf: anything; NaN: nobody said).

    Values are messages, s, or cents.

    Args:
        who: system and group.
        shown: what the scenario is about.
        summary: the group's row.
        ledger: its books' row, if it keeps some.
        latency: of the messages that count, if it is about latency.
        counted: of all of the group's.
    """
    shows = shown.shows
    if shows.measure == "latency":
        assert latency is not None
        of_these = LatencyOf.of_all(counted) if latency.of_everything else latency
        value = of_these.within_s(shows.quantile)
    elif shows.measure == "money_misstated":
        value = nan if ledger is None else float(ledger["misstatement_cents"].iloc[0])
    else:
        value = float(summary[COLUMNS[shows.measure]].iloc[0])
    return pd.DataFrame(
        [
            {
                **who,
                "measure": shows.measure,
                "quantile": shows.quantile if shows.measure == "latency" else nan,
                "called": shows.called,
                "jobs": " and ".join(shows.jobs),
                "value": value,
                "bound": shown.bound,
            }
        ]
    )
