"""A ledger in plain dictionaries, one delivery at a time; it shares no code with ``sim``.

Written from the rules: a state per entity, a set of what was applied, a drawer of parked events,
and, for the misstatement, a sum over everything at every time asked for.
"""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Event:
    """What should happen: once, in order of ``seq`` from 0 for each entity."""

    entity: int
    seq: int
    created_s: float
    cents: int


@dataclass
class PlainLedger:
    """Takes deliveries of events, by their number."""

    events: list[Event]
    policy: str
    state: dict[int, int] = field(default_factory=dict)
    drawer: dict[tuple[int, int], int] = field(default_factory=dict)
    verdicts: list[str] = field(default_factory=list)
    applications: list[tuple[float, int, int]] = field(default_factory=list)
    parked_changes: list[tuple[float, int]] = field(default_factory=list)
    illegal_at: list[float] = field(default_factory=list)

    def _apply(self, delivery: int, number: int, at_s: float) -> None:
        event = self.events[number]
        self.state[event.entity] = event.seq
        self.applications.append((at_s, delivery, number))

    def take(self, number: int, at_s: float) -> None:
        """One delivery."""
        delivery = len(self.verdicts)
        event = self.events[number]
        last = self.state.get(event.entity, -1)
        key = (event.entity, event.seq)
        if self.policy == "strict":
            if event.seq <= last:
                self.verdicts.append("STALE_IGNORED")
            elif key in self.drawer:
                self.verdicts.append("DUPLICATE_IGNORED")
            elif event.seq == last + 1:
                self.verdicts.append("APPLIED")
                self._apply(delivery, number, at_s)
                while (waiting := self._waiting_for(event.entity)) is not None:
                    self.verdicts[waiting[0]] = "RELEASED"
                    self.parked_changes.append((at_s, -1))
                    self._apply(*waiting, at_s)
            else:
                self.verdicts.append("PARKED")
                self.drawer[key] = delivery
                self.parked_changes.append((at_s, 1))
            return
        before = any(n == number for _, _, n in self.applications)
        if before and self.policy == "idempotent":
            self.verdicts.append("DUPLICATE_IGNORED")
            return
        word = "DUPLICATE_" if before else ""
        if event.seq not in (last, last + 1):
            word += "ILLEGAL_"
            self.illegal_at.append(at_s)
        self.verdicts.append(word + "APPLIED")
        self._apply(delivery, number, at_s)

    def _waiting_for(self, entity: int) -> tuple[int, int] | None:
        """Delivery and number of the event that can be applied now."""
        key = (entity, self.state[entity] + 1)
        if key not in self.drawer:
            return None
        numbers = {(e.entity, e.seq): n for n, e in enumerate(self.events)}
        return self.drawer.pop(key), numbers[key]

    def error_cents(self, at_s: float) -> dict[int, int]:
        """Booked - should be, per entity, after all that happened up to ``at_s``."""
        error: Counter[int] = Counter()
        for when, _, number in self.applications:
            if when <= at_s:
                error[self.events[number].entity] += self.events[number].cents
        for event in self.events:
            if event.created_s <= at_s:
                error[event.entity] -= event.cents
        return dict(error)

    def times_applied(self) -> list[int]:
        """Per event."""
        times = Counter(number for _, _, number in self.applications)
        return [times[number] for number in range(len(self.events))]
