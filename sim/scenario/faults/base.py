"""What all faults have in common: when they strike, and whom."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import ClassVar, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from sim.foundation.config import Config
from sim.foundation.units import Count, PositiveSeconds, Rate, Seconds, shown

Kind = Literal["consumer", "group", "publisher", "broker", "topic", "queue"]
"""What a fault can strike. A target names a consumer or worker `system.group.0`, all of them
`system.group`, a publisher `system.publisher.0`, one of the brokers behind it `system.broker.0`,
a topic `system.topic`, a stream of Kinesis `system.stream`, and a queue `system.queue`."""


_MOST_TRIED = 1_000_000
"""Consumers for which an odd pattern (`g.[1-3]?`) is tried; more are no run."""


class When(Config):
    """A condition, looked at again and again until it is true for the first time."""

    alternatives = (("lag_over",), ("depth_over",), ("age_over",))

    lag_over: Count | None = None
    """More messages than this wait: on a log, appended and not committed."""
    depth_over: Count | None = None
    """The same on a queue: ready or in flight."""
    age_over: Seconds | None = None
    """The oldest message that waits is older than this."""
    of: str | None = None
    """Whose: `system.group`, with `*` and `?`; null: of the group that the fault strikes. A
    publisher and its brokers have no lag of their own: say whose."""
    every: PositiveSeconds = 1.0
    """Time between two looks."""

    def holds(self, waiting: Callable[[], int], age_s: Callable[[], float]) -> bool:
        """Whether it is true of a group.

        Args:
            waiting: tells the lag or depth.
            age_s: tells the age of the oldest message that waits, s.
        """
        if self.age_over is not None:
            return age_s() > self.age_over
        return waiting() > (self.lag_over or self.depth_over or 0)


class Fault(Config):
    """Something that happens, at a given time if it says nothing else."""

    model_config = ConfigDict(defer_build=True)  # the union is built; each class alone seldom is

    kinds: ClassVar[tuple[Kind, ...]]
    """What it can strike."""
    takes_readers: ClassVar[bool] = True
    """Whether it can leave partitions without a reader."""
    refused: ClassVar[Mapping[str, str]] = {}
    """Keys of other faults that this one has reasons not to take, and the reasons."""

    at: Seconds | None = None
    """When, from the start."""
    fault: str
    """What."""
    target: str
    """Whom: `system.group.index`; `*` and `?` match any text, as in `sqs_*.counters.0`. The
    publisher of a Kafka system is `system.publisher.0`."""

    @model_validator(mode="after")
    def _dotted(self) -> Self:
        if "." not in self.target:
            form = "system.group" if self.kinds == ("group",) else "system.group.index"
            raise ValueError(f"the target {shown(self.target)} is not of the form {form!r}")
        return self

    @property
    def condition(self) -> When | None:
        """What it waits for; None: it strikes at times of its own."""
        return None

    def words(self, whom: str) -> str:
        """What the timeline says of it."""
        return f"{self.fault} {whom}"

    @property
    def lasts_s(self) -> float | None:
        """How long the timeline says that it lasts, s; None: to the end."""
        return 0.0

    def strikes(self, system: str, group: str, index: int) -> bool:
        """Whether the target matches one: consumer or worker ``index`` (from 0) of a group, or of
        the group `publisher` or `broker`."""
        return fnmatchcase(f"{system}.{group}.{index}", self.target)

    def struck(self, system: str, group: str, count: int) -> Iterator[int]:
        """Which of the ``count`` consumers of a group the target matches, ascending.

        Of a billion, those that a target names are found without trying each.
        """
        last = self.target.rpartition(".")[2]
        if last == "*":  # it matches all of them, or none
            return iter(range(count if self.strikes(system, group, 0) else 0))
        numbers: Iterable[int] = range(min(count, _MOST_TRIED))
        if last.isascii() and last.isdecimal():
            numbers = [int(last)] if len(last) < 20 and int(last) < count else []
        return (number for number in numbers if self.strikes(system, group, number))

    def strikes_any(self, system: str, group: str, count: int) -> bool:
        """Whether the target matches one of the ``count`` consumers of a group."""
        return next(self.struck(system, group, count), None) is not None


class RandomFault(Fault):
    """One that can also strike now and then, at random."""

    alternatives: ClassVar[tuple[tuple[str, ...], ...]] = (("at",), ("rate", "from", "until"))

    rate: Rate | None = None
    """How often, at random (a Poisson process, the same for all systems): each time one of those
    that the target matches."""
    from_: Seconds | None = Field(default=None, alias="from")
    """rate: not before this; null: from the start."""
    until: Seconds | None = None
    """rate: not after this; null: until the last arrival."""

    @model_validator(mode="after")
    def _timed(self) -> Self:
        if self.rate is None and (self.from_ is not None or self.until is not None):
            raise ValueError("'from' and 'until' go with a 'rate'")
        if self.until is not None and self.until <= (self.from_ or 0.0):
            raise ValueError("'until' is not later than 'from'")
        return self


class ConditionalFault(RandomFault):
    """One that can also wait for a condition."""

    alternatives = (("at",), ("rate", "from", "until"), ("when",))

    when: When | None = None
    """`{lag_over, depth_over, age_over, of, every}`: once, when it is first seen to be true."""

    @property
    def condition(self) -> When | None:
        """What it waits for."""
        return self.when


class GroupFault(Fault):
    """One of all consumers of a group, or all workers of a queue."""

    kinds = ("group",)
    as_one: ClassVar[bool] = False
    """Whether the groups that it strikes feel it together, as one."""

    target: str
    """Whom: `system.group`; `*` and `?` match any text, as in `sqs_*.counters`."""

    def strikes_group(self, system: str, group: str) -> bool:
        """Whether the target, with or without an index, matches a group."""
        return fnmatchcase(f"{system}.{group}", self.target) or self.strikes(system, group, 0)


class PublisherFault(Fault):
    """One that can strike the process that publishes, among others."""

    restart_after: Seconds | None = None
    """A new process is started this long afterwards; null: never."""
    signal: ClassVar[str]
    """How the timeline calls it where it strikes a publisher."""

    @property
    def lasts_s(self) -> float | None:
        """Until the new process is started."""
        return self.restart_after


class BrokerFault(Fault):
    """One of the brokers behind a publisher."""

    kinds = ("broker",)
    takes_readers = False

    target: str
    """Whom: `system.broker.index`; `*` and `?` match any text, as in `kafka_*.broker.0`."""
