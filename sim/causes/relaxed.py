"""By product, the keys that can be the cause of a harm, and what each is without being one.

One line a key: where it stands, its value that no longer binds (None: it cannot be the cause as it
is), the cause in words, and what the other value costs. Bounds of values are the products' own;
`sim.scenario.products` has their sources.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, inf
from typing import Any

from sim.causes.data import HarmKind
from sim.causes.work import batch_s, longest_s
from sim.foundation.config import KeyPath
from sim.scenario.load import Scenario
from sim.traffic.arrivals import lasts_s

READERS = "@"
"""First step of a path: the group or queue, wherever its product has it."""
DAY_MS = 86_400_000
BEHIND: Sequence[HarmKind] = ("late", "unfinished")
AGAIN: Sequence[HarmKind] = ("duplicates", "dead_lettered", "redelivered", *BEHIND)
GONE: Sequence[HarmKind] = ("lost", "dead_lettered", "unfinished")
ANY: Sequence[HarmKind] = ("lost", "out_of_order", *AGAIN)


@dataclass(frozen=True)
class At:
    """A group and a key of it, as they are in the scenario."""

    scenario: Scenario
    system: str
    group: str
    data: Mapping[str, Any]
    """Of the system, defaults filled in."""
    value: Any
    """Of the key; None: it has none."""

    def other(self, *path: str) -> Any:
        """The value of another key."""
        return value_at(self.data, self.place(path))

    def place(self, path: Sequence[str]) -> KeyPath:
        """Where a key stands, from the system."""
        if path[0] != READERS:
            return tuple(path)
        return (*self.scenario.systems[self.system].place_of(self.group), *path[1:])

    def work_s(self, batch: int) -> float:
        """The longest that a batch keeps a consumer, s."""
        return batch_s(self.scenario, self.system, self.group, batch)

    @property
    def one_s(self) -> float:
        """The longest that a message keeps a consumer, s."""
        return longest_s(self.scenario, self.system, self.group)

    @property
    def ends_s(self) -> float:
        """When a run ends at the latest, s."""
        duration_s = self.scenario.duration
        if duration_s == inf:
            duration_s = lasts_s(self.scenario)
        return duration_s + self.scenario.drain_limit

    @property
    def order_by(self) -> list[str]:
        """The dimensions within which order matters."""
        return self.scenario.workload.ordered_by or []


def value_at(data: Any, path: KeyPath) -> Any:
    """The value at a path of plain data; None: there is none."""
    for key in path:
        if not isinstance(data, dict) or key not in data:
            return None
        data = data[key]
    return data


To = Callable[[At], Any]


@dataclass(frozen=True)
class Relaxed:
    """A key, and how it is without being a cause."""

    path: tuple[str, ...]
    to: To
    """Its other value, "" for none at all; None: as it is, it cannot be the cause."""
    what: str
    """The cause, as a clause; ``{value}`` is what it is now, ``{s}`` and ``{ms}`` the same as a
    duration."""
    cost: str
    """What the other value costs, as a clause."""
    helps: Sequence[HarmKind] = ANY
    """Harms that may come from it."""
    also: Mapping[tuple[str, ...], Any] = field(default_factory=dict)
    """Other keys that go with it; None: they are left out. A function is asked for the value."""
    name: str = ""
    """If the key alone is not enough to tell it from another line."""
    key: str = ""
    """The product's name of it, if that is not the last step of the path."""
    default: Any = None
    """What it is where it is not given; a function is asked."""
    instead: str = ""
    """The alternative that stands in its place, with the other value; "": it stays."""
    promise: bool = False
    """Whether the other value gives up what the product promises."""


def up(least: float) -> To:
    """To at least this."""
    return lambda at: least if at.value is not None and at.value < least else None


def down(most: float) -> To:
    """To at most this."""
    return lambda at: most if at.value is not None and at.value > most else None


def fixed(value: Any, *but: Any) -> To:
    """To this, if it is neither this already nor one of the others."""
    return lambda at: value if at.value != value and at.value not in but else None


def if_given(value: Any) -> To:
    """To this, if it is given."""
    return lambda at: value if at.value not in (None, value) else None


def grown(factor: float, default: float, most: float) -> To:
    """To so many times what it is, or what it is by default."""

    def to(at: At) -> Any:
        now = default if at.value is None else at.value
        return None if now >= most else int(min(most, now * factor))

    return to


def longer_lock(batch: Callable[[At], int], most: float, unit: float = 1.0) -> To:
    """A lock longer than a batch may take, and ten times what it is."""

    def to(at: At) -> Any:
        if at.value is None:
            return None
        wanted = ceil(min(most, max(10 * at.value, 2 * at.work_s(batch(at)) * unit)))
        return wanted if wanted > at.value else None

    return to


def shorter_lock(batch: Callable[[At], int], least: float, unit: float = 1.0) -> To:
    """A lock that a batch just keeps."""

    def to(at: At) -> Any:
        if at.value is None:
            return None
        wanted = max(least, ceil(1.5 * at.work_s(batch(at)) * unit), ceil(at.value / 10))
        return wanted if wanted <= at.value / 2 else None

    return to


BOOKS = (
    Relaxed(
        (READERS, "ledger"), lambda at: "idempotent" if at.value == "naive" else None,
        "the ledger books whatever comes ({value})", "a key to look up for each booking",
        ("misstated", "wrong_states"),
    ),
    Relaxed(
        (READERS, "ledger"), lambda at: None if at.value in (None, "strict") else "strict",
        "the ledger books what comes before its predecessor ({value})",
        "what comes early waits, for ever if its predecessor is lost",
        ("misstated", "wrong_states"), name="ledger (strict)",
    ),
)  # fmt: skip

LATER = "what a dead worker holds comes back later"
"""What a longer lock costs."""
