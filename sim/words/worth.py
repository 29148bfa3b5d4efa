"""What is worth paying for: what offers cost a month, beside how long their messages take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from types import MappingProxyType

import pandas as pd

from sim.foundation.text import duration, names


@dataclass(frozen=True)
class Offer:
    """A system, or a setting of one."""

    name: str
    usd: float
    """A month."""
    p99_s: float
    """99 % of the messages of its worst group within, s; inf: some were never processed."""
    lost: int = 0
    """Messages that it lost, over its groups."""
    unmet: Sequence[str] = ()
    """Needs that it does not meet."""


def offers(
    summary: pd.DataFrame,
    usd: Mapping[str, float],
    unmet: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> list[Offer]:
    """An offer for each system of a run.

    Args:
        summary: of the run.
        usd: what each system costs a month.
        unmet: of each system, the needs that it does not meet.
    """
    out = []
    for name, rows in summary.groupby("system", sort=False):
        p99_s = float(rows["latency_p99_s"].max(skipna=False))
        left = bool(rows["unfinished"].sum()) or not isfinite(p99_s)
        lost = int(rows["lost"].sum())
        out.append(
            Offer(
                str(name),
                usd[str(name)],
                inf if left else p99_s,
                lost,
                tuple(unmet.get(str(name), ())),
            )
        )
    return out


def fit(those: Sequence[Offer]) -> Sequence[Offer]:
    """Those that miss no need; all, if each misses one."""
    return [one for one in those if not one.unmet] or those


def worth_it(those: Sequence[Offer]) -> list[Offer]:
    """The offers that no other beats, cheapest first: each costs more than the last and is faster.

    One is beaten by another that costs no more and takes no longer, and is better in one of them.
    What left messages unprocessed is no offer; nor is what misses a need, where others do not.
    """
    out: list[Offer] = []
    for offer in sorted(fit(those), key=lambda one: (one.usd, one.p99_s)):
        if isfinite(offer.p99_s) and (not out or offer.p99_s < out[-1].p99_s):
            out.append(offer)
    return out


def usd(amount: float) -> str:
    """Dollars as people say them: "12,345", "123", "9.87"."""
    return f"{amount:,.0f}" if amount >= 100 else f"{amount:,.2f}"


def say(offer: Offer) -> str:
    """ "sqs at 123 USD a month (p99 340 ms)"."""
    return f"{offer.name} at {usd(offer.usd)} USD a month (p99 {duration(offer.p99_s)})"


def finding(those: Sequence[Offer]) -> str:
    """What is worth paying for, as a title without a full stop."""
    best, those = worth_it(those), fit(those)
    if not best:
        return "Nothing here has processed all of its messages, so that no price is worth paying"
    first = best[0]
    beaten = sum(isfinite(one.p99_s) for one in those) - len(best)
    if len(best) == 1:
        alone = "" if beaten == 0 else ", cheapest and fastest"
        return f"Take {say(first)}{alone}"
    last = best[-1]
    more = usd(last.usd - first.usd)
    faster = f"{duration(first.p99_s)} to {duration(last.p99_s)}"
    said = (
        f"{more} USD a month more, for {last.name} instead of {first.name}, take p99 from {faster}"
    )
    if beaten:
        others = f"{beaten} other{'s' if beaten > 1 else ''}"
        said += f"; {others} cost{'' if beaten > 1 else 's'} more than what is no slower"
    return said


def notes(those: Sequence[Offer]) -> list[str]:
    """What price and p99 do not tell."""
    out = []
    if left := [one.name for one in those if not isfinite(one.p99_s)]:
        out.append(f"Not drawn, since messages were left unprocessed: {names(left)}.")
    if lossy := [one.name for one in those if one.lost]:
        out.append(f"Lost messages: {names(lossy)}.")
    if short := [one.name for one in those if one.unmet]:
        out.append(f"Not all that the scenario needs: {names(short)}.")
    return out
