"""Faults of the brokers that a publisher writes to."""

from typing import Annotated, Literal

from pydantic import Field

from sim.foundation.units import PositiveSeconds, Ratio, Seconds
from sim.scenario.faults.base import BrokerFault, ConditionalFault


class UnreachableFault(ConditionalFault, BrokerFault):
    """A broker cannot be reached."""

    fault: Literal["unreachable"] = "unreachable"
    """A broker cannot be reached; it runs on."""
    for_: PositiveSeconds = Field(alias="for")
    """How long it lasts."""

    @property
    def lasts_s(self) -> float:
        """How long it lasts, s."""
        return self.for_

    def words(self, whom: str) -> str:
        """As of a state."""
        return f"unreachable: {whom}"


class BrokerSlowFault(ConditionalFault, BrokerFault):
    """Round trips to a broker take longer."""

    fault: Literal["broker_slow"] = "broker_slow"
    """Round trips to a broker take longer."""
    for_: PositiveSeconds = Field(alias="for")
    """How long it lasts."""
    extra: PositiveSeconds
    """Added to each round trip."""

    @property
    def lasts_s(self) -> float:
        """How long it lasts, s."""
        return self.for_

    def words(self, whom: str) -> str:
        """As of a state."""
        return f"slow: {whom}"


class BrokerPauseFault(ConditionalFault, BrokerFault):
    """A broker stands still: alive and silent (SIGSTOP, a long garbage collection, a frozen VM).

    Requests wait in its socket. The client gives up after `request.timeout.ms`, and cannot send on
    a new connection either; when the broker goes on, it still handles what was given up, up to two
    requests of a connection, all of them with acks=0. Without idempotence the retry stores these
    records twice (KB-13).

    Consumers see nothing new of the partitions that it leads. What they could read before they read
    on, they commit and keep their membership: between them and the log the lab has no brokers.
    Replicas elsewhere are not held up by it, and no controller takes its partitions away, as one
    would after `broker.session.timeout.ms` (9 s): for longer silences add a `leader_crash`.
    """

    fault: Literal["broker_pause"] = "broker_pause"
    """A broker stands still, alive and silent: SIGSTOP, a long garbage collection."""
    for_: PositiveSeconds = Field(alias="for")
    """How long it lasts."""

    @property
    def lasts_s(self) -> float:
        """How long it lasts, s."""
        return self.for_

    def words(self, whom: str) -> str:
        """As of a state."""
        return f"paused: {whom}"


class AckLossFault(ConditionalFault, BrokerFault):
    """Answers of a broker are lost, after it has done what it was asked."""

    fault: Literal["ack_loss"] = "ack_loss"
    """Answers of a broker are lost, after it has done what it was asked."""
    for_: PositiveSeconds = Field(alias="for")
    """How long it lasts."""
    probability: Annotated[Ratio, Field(le=1)]
    """Of losing an acknowledgement."""

    @property
    def lasts_s(self) -> float:
        """How long it lasts, s."""
        return self.for_

    def words(self, whom: str) -> str:
        """As of a state."""
        return f"acks lost: {whom}"


class LeaderCrashFault(ConditionalFault, BrokerFault):
    """A broker dies, and another one leads its partitions."""

    fault: Literal["leader_crash"] = "leader_crash"
    """A broker dies, and another one leads its partitions."""
    for_: PositiveSeconds | None = Field(default=None, alias="for")
    """How long it is gone; null: to the end."""
    behind: Seconds | None = None
    """How far behind the next leader is, if the election is unclean; null: it is clean, and with
    acks=all nothing is lost."""

    @property
    def lasts_s(self) -> float | None:
        """How long it is gone, s."""
        return self.for_

    def words(self, whom: str) -> str:
        """A broker is the only leader that there is."""
        return f"crash {whom}"


class PowerLossFault(ConditionalFault, BrokerFault):
    """A broker's machine loses its power, and with it what was not on its disk.

    As after a `leader_crash`, replicas in sync take over; of a partition that has none, what was
    not flushed when the power went is lost, though it was acknowledged and perhaps read (KB-12).
    What is on disk then, `log.flush.interval.messages` and its like say, and `writeback`. To strike
    a whole cluster, its target is `system.broker.*`.
    """

    fault: Literal["power_loss"] = "power_loss"
    """A broker's machine loses its power, and with it what was not on its disk."""
    for_: PositiveSeconds | None = Field(default=None, alias="for")
    """How long it is gone; null: to the end."""

    @property
    def lasts_s(self) -> float | None:
        """How long it is gone, s."""
        return self.for_

    def words(self, whom: str) -> str:
        """As of a state."""
        return f"power lost: {whom}"
