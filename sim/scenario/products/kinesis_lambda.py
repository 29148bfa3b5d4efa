"""A Lambda function that a Kinesis stream invokes: its event source mapping.

Keys, defaults and ranges:
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-parameters.html. What AWS does not say
has a key in lower case, an assumption with its reason.
"""

from collections.abc import Mapping
from math import inf
from typing import Annotated, Any, Self

from pydantic import Field, field_validator, model_validator

from sim.foundation.config import Config, keys
from sim.foundation.units import PositiveCount, Seconds
from sim.scenario.products.aws_lambda import Function
from sim.scenario.products.not_modelled import NotModelled

LEAST_AGE_S = 60
"""The least that MaximumRecordAgeInSeconds may be, other than -1."""


class FailureDestination(Config):
    """Where records that are given up are told of."""

    destination: str = Field(default="a queue, topic or bucket", alias="Destination")
    """ARN of a queue, topic or bucket; any text is one."""


class DestinationConfig(Config):
    """Destinations of a mapping."""

    not_modelled = NotModelled("aws", "lambda destinations")

    on_failure: FailureDestination | None = Field(default=None, alias="OnFailure")
    """`{Destination: arn}`; null: what is given up is lost."""


class RetryBackoff(Config):
    """How long a batch that failed waits until it is tried again."""

    first: Annotated[Seconds, Field(ge=0.1)] = 1.0
    """Before the first retry; twice as long before each that follows."""
    most: Annotated[Seconds, Field(ge=2.0)] = 60.0
    """At most."""

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if self.first > self.most:
            raise ValueError("'first' is more than 'most'")
        return self


class KinesisFunction(Function):
    """A Lambda function that is run with batches of a stream, of each shard one after the other."""

    not_modelled = NotModelled("aws", "lambda", "lambda on kinesis")

    batch_size: Annotated[PositiveCount, Field(le=10_000)] = Field(default=100, alias="BatchSize")
    """Most records of one invocation, 1 to 10,000."""
    parallelization_factor: Annotated[PositiveCount, Field(le=10)] = Field(
        default=1, alias="ParallelizationFactor"
    )
    """Batches of a shard that are in work at once, 1 to 10; a partition key is in one at a time."""
    bisect_batch_on_function_error: bool = Field(default=False, alias="BisectBatchOnFunctionError")
    """A batch that failed is split in two, and its halves are tried one after the other."""
    maximum_retry_attempts: Annotated[int, Field(ge=-1, le=10_000)] = Field(
        default=-1, alias="MaximumRetryAttempts"
    )
    """How often a batch is tried again before it is given up, 0 to 10,000; -1: until its records
    expire, a day at least, and no run is as long. Splitting a batch does not count."""
    maximum_record_age_in_seconds: Annotated[int, Field(ge=-1, le=604_800)] = Field(
        default=-1, alias="MaximumRecordAgeInSeconds"
    )
    """A record that has been in the stream for as long is given up, tried or not, 60 to 604,800;
    -1: when the stream deletes it."""
    destination_config: DestinationConfig | None = Field(default=None, alias="DestinationConfig")
    """Where what is given up is told of: it counts as dead-lettered, and without one as lost."""
    retry_backoff: RetryBackoff = RetryBackoff()
    """Before a batch is tried again as it is; a half of one is tried at once. AWS does not say how
    long Lambda waits; from one second, at which it polls, to 60 s as LocalStack waits at most
    (`LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_ERROR_SEC`)."""

    @field_validator("maximum_record_age_in_seconds")
    @classmethod
    def _age(cls, value: int) -> int:
        if -1 < value < LEAST_AGE_S:
            raise ValueError(f"is -1 or {LEAST_AGE_S} to 604800")
        return value

    @property
    def age_s(self) -> float:
        """A record that has been in the stream for as long is given up, s."""
        age_s = self.maximum_record_age_in_seconds
        return inf if age_s < 0 else float(age_s)

    @property
    def dead_letters(self) -> bool:
        """Whether what is given up is told of."""
        destinations = self.destination_config
        return destinations is not None and destinations.on_failure is not None


def _of_mapping(key: object) -> bool:
    """Whether a key may also stand beside those of an application, without ``lambda``."""
    return key in keys(KinesisFunction) or key in KinesisFunction.not_modelled


def gathered(application: Any) -> Any:
    """The data of an application, with keys of a mapping that stand in it put under ``lambda``.

    Those that stand there come first.
    """
    if not isinstance(application, Mapping):
        return application
    flat = {key: value for key, value in application.items() if _of_mapping(key)}
    nested = application.get("lambda")
    if not flat or not isinstance(nested, Mapping | None):
        return application
    rest = {key: value for key, value in application.items() if key not in flat}
    return {**rest, "lambda": {**flat, **(nested or {})}}
