"""Faults of one process: a consumer, a worker, a publisher."""

from typing import Literal

from pydantic import Field

from sim.foundation.units import PositiveRatio, PositiveSeconds, Seconds
from sim.scenario.faults.base import ConditionalFault, PublisherFault

TERMINATION_GRACE_S = 30.0
"""terminationGracePeriodSeconds of a Kubernetes pod."""


class CrashFault(ConditionalFault, PublisherFault):
    """SIGKILL."""

    kinds = ("consumer", "publisher")
    signal = "SIGKILL"

    fault: Literal["crash"] = "crash"
    """SIGKILL."""


class TerminateFault(ConditionalFault, PublisherFault):
    """SIGTERM, and SIGKILL after the grace."""

    kinds = ("consumer", "publisher")
    signal = "SIGTERM"

    fault: Literal["terminate"] = "terminate"
    """SIGTERM, and SIGKILL after `grace`."""
    grace: Seconds = TERMINATION_GRACE_S
    """From SIGTERM to SIGKILL; 30 s is what a Kubernetes pod has."""


class InterruptFault(ConditionalFault, PublisherFault):
    """SIGINT."""

    kinds = ("publisher",)
    takes_readers = False
    signal = "SIGINT"

    fault: Literal["interrupt"] = "interrupt"
    """SIGINT (Ctrl+C)."""
    target: str
    """Whom: `system.publisher.0`; `*` and `?` match any text, as in `kafka_*.publisher.0`."""


class ExitFault(ConditionalFault, PublisherFault):
    """The main function ends."""

    kinds = ("publisher",)
    takes_readers = False
    signal = "exit"

    fault: Literal["exit"] = "exit"
    """The main function ends."""
    target: str
    """Whom: `system.publisher.0`; `*` and `?` match any text, as in `kafka_*.publisher.0`."""


class RestartFault(ConditionalFault):
    """A new process in the place of a dead one."""

    kinds = ("consumer",)

    fault: Literal["restart"] = "restart"
    """A new process in the place of a dead one."""


class PauseFault(ConditionalFault):
    """The process stands still."""

    kinds = ("consumer",)

    fault: Literal["pause"] = "pause"
    """The process stands still."""
    for_: PositiveSeconds = Field(alias="for")
    """How long it lasts."""

    @property
    def lasts_s(self) -> float:
        """How long it lasts, s."""
        return self.for_


class SlowFault(ConditionalFault):
    """The work of a consumer takes longer."""

    kinds = ("consumer",)

    fault: Literal["slow"] = "slow"
    """Its work takes longer."""
    factor: PositiveRatio
    """Every service time is multiplied by this."""
    for_: PositiveSeconds | None = Field(default=None, alias="for")
    """How long it lasts; null: to the end."""
    ramp: PositiveSeconds | None = None
    """The factor rises linearly for so long, in twenty steps; null: at once."""

    @property
    def lasts_s(self) -> float | None:
        """How long it lasts, s."""
        return self.for_

    def words(self, whom: str) -> str:
        """With the factor."""
        return f"slow x{self.factor:g} {whom}"


class PartitionFault(ConditionalFault):
    """No call gets through between consumer and broker."""

    kinds = ("consumer",)

    fault: Literal["partition"] = "partition"
    """No call gets through between consumer and broker."""
    for_: PositiveSeconds | None = Field(default=None, alias="for")
    """How long it lasts; null: to the end."""

    @property
    def lasts_s(self) -> float | None:
        """How long it lasts, s."""
        return self.for_
