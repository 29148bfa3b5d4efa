"""The workload of a scenario, in which no product has a say."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    PlainValidator,
    PrivateAttr,
    WithJsonSchema,
    model_validator,
)

from sim.foundation.config import Config
from sim.foundation.units import (
    Count,
    Distribution,
    PositiveBytes,
    PositiveCount,
    PositiveRatio,
    PositiveSeconds,
    Rate,
    Ratio,
    Seconds,
    Share,
    far_tail,
    shown,
)
from sim.scenario.products.base import Name


class Spike(Config):
    """rate = base + (peak - base) · shape; shape rises linearly to 1, then decays to 0."""

    shorthand = "peak"

    base: Rate = 0.0
    """Rate before the spike, and long after it."""
    peak: Rate
    """Rate at its height."""
    rise: Seconds = 10.0
    """The rise takes this long, and ends at `at`."""
    decay: PositiveSeconds = 60.0
    """Time constant of the exponential decay after `at`."""
    at: Seconds = 10.0
    """When the peak is reached, from the start of the segment."""


class Sine(Config):
    """rate = mean + amplitude · sin(2π t / period), t from the start of the segment."""

    mean: Rate
    """Mean rate."""
    amplitude: Rate
    """Highest rate minus the mean; at most the mean."""
    period: PositiveSeconds
    """From one peak to the next."""

    @model_validator(mode="after")
    def _never_negative(self) -> Self:
        if self.amplitude > self.mean:
            raise ValueError("the amplitude must not exceed the mean: rates are never negative")
        return self


class Segment(Config):
    """A part of the profile: `rate`, a ramp `from` and `to`, a `spike`, or a `sine`."""

    alternatives = (("rate",), ("from", "to"), ("spike",), ("sine",))

    for_: PositiveSeconds = Field(alias="for")
    """How long the segment is."""
    rate: Rate | None = None
    """A constant rate."""
    from_: Rate | None = Field(default=None, alias="from")
    """Rate at the start of a linear ramp."""
    to: Rate | None = None
    """Rate at the end of a linear ramp."""
    spike: Spike | None = None
    """`{base, peak, rise, decay, at}`"""
    sine: Sine | None = None
    """`{mean, amplitude, period}`"""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.from_ is None) != (self.to is None):
            raise ValueError("a ramp takes both 'from' and 'to'")
        if self.spike is not None and self.spike.at > self.for_:
            raise ValueError("the spike's 'at' is later than the end of its segment")
        return self

    @property
    def kind(self) -> Literal["rate", "ramp", "spike", "sine"]:
        """Which of the four it is."""
        if self.rate is not None:
            return "rate"
        if self.from_ is not None:
            return "ramp"
        return "spike" if self.spike is not None else "sine"


class CountedArrivals(Config):
    """Messages in each of a series of equal intervals."""

    values: list[Count] = Field(min_length=1)
    """Messages in each interval."""
    interval: PositiveSeconds
    """Length of an interval."""
    start: str = ""
    """A label for the start, such as a date; has no effect."""


def _column(value: Any) -> str | int | None:
    if value is None or (isinstance(value, str | int) and not isinstance(value, bool)):
        return value
    raise ValueError(f"expected a column's name or number, not {shown(value)}")


def _moment(value: str | None) -> str | None:
    """A time that pandas can read; it is imported only where there is one."""
    if value is None:
        return None
    import pandas as pd

    try:
        known = not pd.isna(pd.Timestamp(value))
    except ValueError:
        known = False
    if not known:
        raise ValueError(f"expected a time such as 1998-06-30 18:00, not {shown(value)}")
    return value


class Trace(Config):
    """Counts from a CSV or CSV.gz file: an ascending ISO 8601 timestamp, then columns of counts."""

    shorthand = "path"

    path: str
    """The file; relative to the scenario file, then to the working directory."""
    column: Annotated[
        str | int | None,
        PlainValidator(_column),
        WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]}),
    ] = None
    """Which column to count, by name or number (0 is the timestamp); null: the second one."""
    start: Annotated[str | None, AfterValidator(_moment)] = None
    """First timestamp to use."""
    end: Annotated[str | None, AfterValidator(_moment)] = None
    """Timestamp to stop before."""
    interval: PositiveSeconds | None = None
    """Length of an interval; null: inferred from the timestamps."""

    _file: Path | None = PrivateAttr(None)

    @property
    def file(self) -> Path:
        """The file that `path` names, resolved when the scenario was loaded."""
        return self._file or Path(self.path)


class CaseFile(Config):
    """Real histories: a CSV or CSV.gz file with columns case, seq, timestamp and activity."""

    shorthand = "path"

    path: str
    """The file; relative to the scenario file, then to the working directory."""

    _file: Path | None = PrivateAttr(None)

    @property
    def file(self) -> Path:
        """The file that `path` names, resolved when the scenario was loaded."""
        return self._file or Path(self.path)


class Arrivals(Config):
    """When messages are created: exactly one of `rate`, `profile`, `counts` and `trace`."""

    alternatives = (("rate",), ("profile",), ("counts",), ("trace",))

    rate: Rate | None = None
    """A constant rate, for all of `duration`: a `profile` of one segment."""
    profile: Annotated[list[Segment], Field(min_length=1)] | None = None
    """Segments, one after another; together as long as `duration`."""
    counts: CountedArrivals | None = None
    """`{values, interval}`; together as long as `duration`."""
    trace: Trace | None = None
    """A CSV file, or `{path, column, start, end, interval}`."""
    dispersion: Annotated[PositiveRatio, Field(ge=1, le=1_000_000)] = 1.0
    """Variance divided by mean of the messages per second; 1 is Poisson."""
    multiply: PositiveRatio = 1.0
    """Every rate times this."""


_FAR_AMOUNT = 1e13
"""So that thousands of the largest amounts, in cents, can be added up in an int64."""


class Amount(Config):
    """Money that a case moves: lognormal, in whole cents."""

    median: PositiveRatio
    """Half of the amounts are smaller."""
    p99: PositiveRatio
    """99 % of the amounts are smaller."""

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if self.p99 < self.median:
            raise ValueError("the p99 must not be less than the median")
        if far_tail(self.median, self.p99) > _FAR_AMOUNT:
            raise ValueError(
                "the amounts are too large, or the p99 is too far above the median: "
                f"{_FAR_AMOUNT:g} must be out of reach, for cents are counted as int64"
            )
        return self


STATE = "state"
"""In a key: which of its entity's states a message leads to, where entities go through states."""


class Lifecycle(Config):
    """Every arrival begins a new entity, which goes through states: an event each."""

    states: Annotated[list[Name], Field(min_length=2)]
    """Names of the states, in order; the first is entered on arrival."""
    gap: Distribution
    """Time from one state to the next."""
    amount: Amount
    """What the last state posts to the books."""


class Key(Config):
    """A dimension of the messages' key: values with weights, or entities with a life of their own.

    `count` values, values named in `weights`, or a `lifecycle`.
    """

    alternatives = (("count", "zipf"), ("weights",), ("lifecycle",))

    count: PositiveCount | None = None
    """How many values."""
    zipf: Ratio = 0.0
    """The value of rank r is chosen in proportion to 1 / r^zipf; 0 is uniform."""
    weights: dict[str, Ratio] | None = None
    """Relative weight of each value, by name."""
    lifecycle: Lifecycle | None = None
    """`{states, gap, amount}`; the only dimension, if given."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.weights is None and self.count is None and self.lifecycle is None:
            raise ValueError("'zipf' needs a 'count' of values")
        if self.weights is not None and not any(self.weights.values()):
            raise ValueError("the weights must not all be 0")
        return self


class Slow(Config):
    """The few messages of a job that take far longer than the others."""

    share: Share
    """How many of them, of all messages; each message is one with this probability."""
    time: Distribution
    """Time for each of them, in place of `per_message`."""


class Poisonous(Config):
    """The few messages of a job on which its handler fails."""

    shorthand = "share"

    share: Share
    """How many of them, of all messages; each message is one with this probability."""
    effect: Literal["fail", "kill"] = "fail"
    """The handler raises, or the process dies."""
    times: PositiveCount | None = None
    """Each is harmless after so many failures; null: never."""
    restart_after: Seconds | None = None
    """kill: a new process is started this long afterwards; null: never."""

    @model_validator(mode="after")
    def _killed(self) -> Self:
        if self.restart_after is not None and self.effect == "fail":
            raise ValueError("'restart_after' goes with the effect 'kill'")
        return self


class Service(Config):
    """The work of one job; a time, or a distribution, alone is its `per_message`."""

    shorthand = "per_message"

    per_message: Distribution
    """Time for each message."""
    per_batch: Seconds = 0.0
    """Time for each batch, besides."""
    slow: Slow | None = None
    """`{share, time}`: one in so many messages takes this long; the same ones in every system."""
    poison: Poisonous | None = None
    """A share of the messages, or `{share, effect, times, restart_after}`: on these the handler
    fails, whenever they are tried; the same ones in every system, of those that a group wants. (The
    fault `poison` names single messages.)"""

    @property
    def poisons(self) -> bool:
        """Whether there may be poisonous messages."""
        return self.poison is not None and self.poison.share > 0


class Workload(Config):
    """The messages, and the work that each of them takes; the same for every system."""

    arrivals: Arrivals
    """When messages are created."""
    keys: dict[Name, Key] = Field(default_factory=dict)
    """Dimensions of the messages' key; none: messages have no key, and no order is counted."""
    order_by: list[str] | None = None
    """Dimensions whose combination must stay in order; null: all of them; none ([]): all messages
    in one order."""
    size: Annotated[PositiveBytes, Field(le=2**31 - 1)] = 300
    """Size of a message."""
    cases: CaseFile | None = None
    """Real histories in place of the arrivals and lifecycle, drawn out or compressed to `duration`.
    The case is the value of the (only) dimension of `keys`."""
    service: dict[Name, Service] = Field(min_length=1)
    """Jobs to be done for each message."""

    @property
    def ordered_by(self) -> list[str] | None:
        """Dimensions that make the key within which order matters; none: all are in one order.

        None: messages have no key, and nobody asks for an order.
        """
        return (list(self.keys) or None) if self.order_by is None else self.order_by

    def per_batch_s(self, jobs: Sequence[str]) -> float:
        """Time that a reader who does these jobs takes for each batch, besides its messages, s."""
        return float(sum(self.service[job].per_batch for job in jobs))

    @model_validator(mode="after")
    def _alone(self) -> Self:
        if len(self.keys) > 1 and any(key.lifecycle for key in self.keys.values()):
            raise ValueError("a dimension with a lifecycle must be the only one of 'keys'")
        if len(self.keys) != 1 and self.cases is not None:
            raise ValueError("'cases' need 'keys' of one dimension, the case")
        return self
