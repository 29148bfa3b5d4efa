"""Where the time of the messages went, and which limits acted: the tables of that, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.engine.waits import TimePart
from sim.foundation.text import count, duration, names
from sim.words.standings import Pace, standings

if TYPE_CHECKING:
    import pandas as pd

    from sim.measure.tables import Tables

SMALL = 0.03
"""Share of a time below which a part of it is not named."""
OTHER = "other"
"""All that is not named."""
MOST_TARGETS = 3
"""Names of what was struck; of more, how many."""
_NOTHING = 0.01
"""Share of other parts below which they are not told."""
_BY_LABEL = {part.label: part for part in TimePart}
_OF_IT = {
    TimePart.BUFFER: "in the producer's buffer",
    TimePart.SEND: "to be sent",
    TimePart.UNREACHABLE: "because the producer reaches no broker",
    TimePart.DELAY: "because a delay was asked for",
    TimePart.NO_OWNER: "because no consumer can be handed them",
    TimePart.LOCK: "because the lock of a holder that is gone runs on",
    TimePart.BACKOFF: "because a retry waits",
    TimePart.ATTEMPT: "in attempts that failed",
    TimePart.CAPACITY: "because all consumers are busy",
    TimePart.HEAD_OF_LINE: "behind an earlier message while a consumer is idle",
    TimePart.CEILING: "because a ceiling is reached",
    TimePart.BLOCKED: "because the next stage does not take what comes of them",
    TimePart.CALL: "waiting for calls between consumer and broker",
    TimePart.HELD: "with their consumer, behind others that it holds",
    TimePart.SLOWED: "because their consumer is slowed or paused",
    TimePart.WORK: "for their own work",
    TimePart.BEFORE_START: "before the start, where they waited already",
}
"""Of a message's time, what it was for."""


@dataclass(frozen=True)
class Split:
    """Where the time from creation to first effect went, of the messages of a group."""

    system: str
    group: str
    who: str
    """The system if it has but one group, else ``system.group``."""
    mean_s: Mapping[TimePart, float]
    """Of all processed messages, s."""
    slowest_s: Mapping[TimePart, float]
    """Of the slowest 1 %, s."""


def splits(waits: "pd.DataFrame") -> list[Split]:
    """A split per group of the table ``waits``, in its order."""
    if not len(waits):
        return []
    groups = waits.groupby("system", sort=False)["group"].nunique().to_dict()
    out = []
    for (system, group), rows in waits.groupby(["system", "group"], sort=False):
        parts = [_BY_LABEL[label] for label in rows["part"]]
        mean_s, slowest_s = (
            dict(zip(parts, rows[column].tolist(), strict=True))
            for column in ("mean_s", "slowest_s")
        )
        who = f"{system}.{group}" if groups[system] > 1 else str(system)
        out.append(Split(str(system), str(group), who, mean_s, slowest_s))
    return out


def named(
    parts_s: Mapping[TimePart, float], most: int = len(TimePart)
) -> list[tuple[TimePart | None, float]]:
    """The parts of a time that are worth a name, as shares of it, in the order of `TimePart`.

    Args:
        parts_s: s.
        most: parts to name; the largest ones are.

    Returns (part, share) pairs; the last may be of None, all the `OTHER` parts. Shares sum to 1;
    there are none where there is no time.
    """
    whole_s = sum(parts_s.values())
    if not whole_s > 0:
        return []
    shares = {part: parts_s[part] / whole_s for part in sorted(parts_s) if parts_s[part] > 0}
    large = sorted((part for part in shares if shares[part] >= SMALL), key=lambda p: -shares[p])
    kept = sorted(large[:most])
    out: list[tuple[TimePart | None, float]] = [(part, shares[part]) for part in kept]
    rest = sum(part_share for part, part_share in shares.items() if part not in kept)
    return [*out, (None, rest)] if rest > 0 else out


def said(parts_s: Mapping[TimePart, float], most: int = len(TimePart)) -> str:
    """The parts of a time, the largest first: "all consumers busy 96 %, calls 3 %, other 1 %"."""
    pairs = sorted(named(parts_s, most), key=lambda pair: (pair[0] is None, -pair[1]))
    return ", ".join(filter(None, (in_words(part, its) for part, its in pairs)))


def in_words(part: TimePart | None, its: float) -> str:
    """A part and its share: "calls 3 %"; "" of other parts that are hardly anything."""
    if part is None and its < _NOTHING:
        return ""
    return f"{OTHER if part is None else part.label} {_percent(its)}"


def _percent(its: float) -> str:
    """Whole percents, of which only all is 100."""
    return "over 99 %" if 0.995 <= its < 1 - 1e-9 else f"{100 * its:.0f} %"


def about_waits(tables: "Tables") -> str:
    """Where most of the time goes in the group whose messages take longest, as a sentence."""
    found = splits(tables.waits)
    if not found:
        return "It was not measured where the time goes"
    slow = max(found, key=lambda split: sum(split.mean_s.values()))
    mean_s = sum(slow.mean_s.values())
    if not mean_s > 0:
        return "No message takes any time"
    part = max(slow.mean_s, key=lambda part: slow.mean_s[part])
    return (
        f"Messages of {slow.who} take {duration(mean_s)} on average, "
        f"{_percent(slow.mean_s[part] / mean_s)} of it {_OF_IT[part]}"
    )


def where_time_went(tables: "Tables", width: int) -> list[str]:
    """Of each system that falls behind, in a line, where the time of its worst group goes.

    Args:
        tables: of the run.
        width: letters of a line; as many parts are named as have room.
    """
    by_group = {(split.system, split.group): split for split in splits(tables.waits)}
    out = []
    for standing in standings(tables.summary, tables.duration_s):
        worst = standing.worst.iloc[0]
        split = by_group.get((str(worst["system"]), str(worst["group"])))
        if standing.pace == Pace.LEVEL or split is None or not sum(split.mean_s.values()) > 0:
            continue
        whole = f"{split.who}: {duration(sum(split.mean_s.values()))} a message: "
        texts = (whole + said(split.mean_s, most) for most in range(len(TimePart), 0, -1))
        shortest = whole + said(split.mean_s, 1)
        out.append(next((words for words in texts if len(words) <= width), shortest))
    return out


@dataclass(frozen=True)
class ActedLimit:
    """A limit that acted on a group, wherever it did."""

    system: str
    group: str
    key: str
    path: str
    value: str
    what: str
    targets: Sequence[str]
    """Whom it struck; none: all of the group."""
    times: int
    first_s: float
    last_s: float

    @property
    def name(self) -> str:
        """Which it is: "VisibilityTimeout 30s"."""
        return f"{self.key} {self.value}".strip()

    @property
    def whom(self) -> str:
        """Whom it struck, in few words; "" if all of the group."""
        if len(self.targets) > MOST_TARGETS:
            return f"{count(len(self.targets))} targets"
        return names(self.targets)


def often(times: int) -> str:
    """ "once", "1,234 times"."""
    return "once" if times == 1 else f"{count(times)} times"


def acted(limits: "pd.DataFrame") -> list[ActedLimit]:
    """The limits of the table ``limits``, once each for all that they struck, by ``first_s``."""
    if not len(limits):
        return []
    columns = ["system", "group", "key", "path", "value", "what"]
    out = []
    for which, rows in limits.groupby(columns, sort=False):
        system, group, key, path, value, what = map(str, which)
        targets = list(dict.fromkeys(target for target in rows["target"] if target))
        times, first_s = int(rows["times"].sum()), float(rows["first_s"].min())
        last_s = float(rows["last_s"].max())
        out.append(
            ActedLimit(system, group, key, path, value, what, targets, times, first_s, last_s)
        )
    return sorted(out, key=lambda limit: limit.first_s)
