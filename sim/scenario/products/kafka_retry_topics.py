"""Retry topics of a consumer group, by the attributes of Spring Kafka's `@RetryableTopic`.

Defaults are those of `RetryableTopic` and `BackOff` in spring-projects/spring-kafka 4.0:
https://docs.spring.io/spring-kafka/api/org/springframework/kafka/annotation/RetryableTopic.html,
https://docs.spring.io/spring-kafka/api/org/springframework/kafka/annotation/BackOff.html,
https://docs.spring.io/spring-kafka/reference/retrytopic/how-the-pattern-works.html.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from sim.foundation.config import Config
from sim.foundation.units import Milliseconds, PositiveCount, PositiveRatio
from sim.scenario.products.not_modelled import NotModelled

_NAMES = "the lab's topics have no names"
_EVER_MS = 1e18
"""No delay is longer: a multiplier to the power of many attempts leaves floating point."""
_ONE_FAILURE = "of an exception, the lab knows that there is one, and not which"


class BackOff(Config):
    """How long a record waits in a retry topic: `@BackOff`."""

    shorthand = "delay"

    not_modelled = NotModelled("spring", "backoff")

    delay: Milliseconds = 1000.0
    """From a failure to the next attempt, ms; with a multiplier: from the first failure."""
    multiplier: PositiveRatio | None = None
    """So many times as long after each attempt; null: 1."""
    max_delay: Milliseconds | None = Field(default=None, alias="maxDelay")
    """But no longer than this, ms; null: without limit."""

    def delays_ms(self, n: int) -> Sequence[float]:
        """[n] what each of the first ``n`` retries waits, ms; 1e18 at most."""
        most_ms = _EVER_MS if self.max_delay is None else min(_EVER_MS, self.max_delay)
        return tuple(min(most_ms, self.delay * _power(self.multiplier or 1.0, i)) for i in range(n))


def _power(base: float, exponent: int) -> float:
    try:
        return base**exponent
    except OverflowError:
        return _EVER_MS


class RetryableTopic(Config):
    """A record on which the handler fails is tried again from another topic (KC-25)."""

    not_modelled = NotModelled("spring", "topics")

    attempts: Annotated[PositiveCount, Field(le=1_000)] = 3
    """How often a record is tried in all, the first time from the group's topic; up to 1,000 (the
    lab's bound)."""
    backoff: BackOff = BackOff()
    """`{delay, multiplier, maxDelay}`, or the delay alone."""
    num_partitions: PositiveCount = Field(default=1, alias="numPartitions")
    """Partitions of each retry topic. A record keeps the number of its partition if there is one of
    that number, and goes by its key else."""
    same_interval_topic_reuse_strategy: Literal["SINGLE_TOPIC", "MULTIPLE_TOPICS"] = Field(
        default="SINGLE_TOPIC", alias="sameIntervalTopicReuseStrategy"
    )
    """Whether retries at the end that wait equally long share a topic (default since 3.2)."""
    timeout: Milliseconds | None = None
    """A record that fails later than this after it was created is tried no more, ms; null: none
    is too old."""
    dlt_strategy: Literal["ALWAYS_RETRY_ON_ERROR", "FAIL_ON_ERROR", "NO_DLT"] = Field(
        default="ALWAYS_RETRY_ON_ERROR", alias="dltStrategy"
    )
    """After the last attempt: into the dead-letter topic; NO_DLT: go on without it."""

    @property
    def delays_s(self) -> Sequence[float]:
        """[attempts - 1] what each retry waits, s."""
        return tuple(ms / 1e3 for ms in self.backoff.delays_ms(self.attempts - 1))

    @property
    def topics_s(self) -> Sequence[float]:
        """[retry topics] what a record waits in each, s; the last may be used more than once.

        As `DestinationTopicPropertiesFactory` has it.
        """
        delays_s = self.delays_s
        again = 0
        if self.same_interval_topic_reuse_strategy == "SINGLE_TOPIC" and len(delays_s) > 1:
            again = delays_s.count(delays_s[-1]) - 1
        return delays_s[: len(delays_s) - again]
