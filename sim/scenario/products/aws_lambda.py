"""AWS Lambda as a consumer: event source mappings and the functions that they invoke.

Keys of a mapping are those of `CreateEventSourceMapping`, keys of a function those of
`CreateFunction` and `PutFunctionConcurrency`; they stand side by side, as one mapping invokes one
function. Defaults and ranges:
https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html,
https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html,
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html and
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html. What AWS does not say
has a key in lower case, an assumption with its reason.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from sim.foundation.config import Config
from sim.foundation.units import (
    Distribution,
    PositiveCount,
    Ratio,
    Seconds,
    WholeSeconds,
    lognormal,
)
from sim.scenario.products.not_modelled import NotModelled

ACCOUNT = 1_000
"""Concurrent executions that an account may have in a region, unless AWS raises the quota."""

MOST = 1_250
"""Invocations by one mapping at a time, unless it is in provisioned mode."""
LONG_POLL_S = 20.0
"""A poller's receive waits so long for a message, s."""
A_RECEIVE = 10
"""Most messages that it brings."""
_A_POLLER = 10
"""Invocations at a time that a provisioned poller can make."""
LONGEST_S = 900.0
"""No invocation may take longer, s."""


class Function(Config):
    """A Lambda function, and the mapping from an event source that invokes it."""

    not_modelled: ClassVar[Mapping[str, str]] = NotModelled("aws", "lambda")

    batch_size: Annotated[PositiveCount, Field(le=10_000)] = Field(default=10, alias="BatchSize")
    """Most records of one invocation, 1 to 10,000."""
    maximum_batching_window_in_seconds: Annotated[WholeSeconds, Field(le=300)] = Field(
        default=0, alias="MaximumBatchingWindowInSeconds"
    )
    """How long records are gathered for an invocation, s, up to 300."""
    function_response_types: list[Literal["ReportBatchItemFailures"]] = Field(
        default=[], alias="FunctionResponseTypes"
    )
    """`[ReportBatchItemFailures]`: the function tells which records of a batch have failed; else
    one that fails is a failure of the whole batch."""
    timeout: Annotated[WholeSeconds, Field(ge=1, le=900)] | None = Field(
        default=None, alias="Timeout"
    )
    """An invocation that takes longer is ended, and has failed, s, up to 900. Null: 900 s. AWS's
    own default is 3 s; but whoever knows how long the work takes has a function that may."""

    memory_size: Annotated[PositiveCount, Field(ge=128, le=10_240)] = Field(
        default=128, alias="MemorySize"
    )
    """MB of memory, 128 to 10,240: of the bill alone, for `workload.service` says how long the work
    takes."""

    @property
    def timeout_s(self) -> float:
        """An invocation that takes longer has failed, s."""
        return float(self.timeout or LONGEST_S)

    @property
    def reports(self) -> bool:
        """Whether the function tells which records of a batch have failed."""
        return bool(self.function_response_types)


class ScalingConfig(Config):
    """How far the pollers of an SQS queue may scale."""

    maximum_concurrency: Annotated[PositiveCount, Field(ge=2, le=1_000)] | None = Field(
        default=None, alias="MaximumConcurrency"
    )
    """Most invocations by this mapping at a time, 2 to 1,000."""


class ProvisionedPollerConfig(Config):
    """Pollers that are there all the time, each for up to ten invocations at a time."""

    not_modelled = NotModelled("aws", "lambda pollers")

    minimum_pollers: Annotated[PositiveCount, Field(ge=2, le=200)] = Field(
        default=2, alias="MinimumPollers"
    )
    """Event pollers that are always there, 2 to 200."""
    maximum_pollers: Annotated[PositiveCount, Field(ge=2, le=2_000)] = Field(
        default=200, alias="MaximumPollers"
    )
    """Event pollers at most, 2 to 2,000."""

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if self.minimum_pollers > self.maximum_pollers:
            raise ValueError("'MinimumPollers' is more than 'MaximumPollers'")
        return self


class Scaling(NamedTuple):
    """How many pollers there are, each with one invocation at a time."""

    start: int
    """At first, and when there is little to do."""
    most: int
    """At most."""
    a_minute: int
    """So many more within a minute, while messages wait."""


class SqsFunction(Function):
    """A Lambda function that an SQS queue invokes, and the pollers in between.

    Each poller receives a batch, invokes the function, and deletes what the function has done.
    """

    not_modelled = NotModelled("aws", "lambda", "lambda on sqs")

    reserved_concurrent_executions: PositiveCount | None = Field(
        default=None, alias="ReservedConcurrentExecutions"
    )
    """Most invocations of the function at a time; one more is throttled. Null: the account's quota,
    1,000 unless AWS has raised it (`account_concurrency`)."""
    account_concurrency: PositiveCount = ACCOUNT
    """Concurrent executions that the account allows where none are reserved for the function."""
    cold_start: Distribution = lognormal(0.3, 0.7)
    """Before the first invocation in an execution environment. Median and p99 after what is
    measured of Python and Node.js at https://mikhail.io/serverless/coldstarts/aws: most within
    400 ms, nearly all within 700 ms."""
    maximum_concurrency: Annotated[PositiveCount, Field(ge=2, le=1_000)] | None = Field(
        default=None, alias="MaximumConcurrency"
    )
    """As in `ScalingConfig`, which may be left out around it."""
    scaling_config: ScalingConfig | None = Field(default=None, alias="ScalingConfig")
    """`{MaximumConcurrency: n}`."""
    provisioned_poller_config: ProvisionedPollerConfig | None = Field(
        default=None, alias="ProvisionedPollerConfig"
    )
    """Provisioned mode: `{MinimumPollers: n, MaximumPollers: n}`; null: pollers come and go."""
    invoke: Distribution = lognormal(0.095, 0.2)
    """From a poller's call to the start of the function's work, where an environment is warm. AWS
    says nothing. The mean, 100 ms, is what measured ramps of functions of 400 and 600 ms leave of
    a poller's round (136 ms) beside the two calls to SQS; those of 100 and 200 ms are the check
    (https://rehanvdm.com/blog/sqs-lambda-esm-scaling-behaviour; its rates are taken to be of
    invocations in ten seconds, with which the totals that it gives agree)."""
    throttle_retry: Seconds = 1.0
    """A poller whose invocation was throttled tries again after this, until the visibility timeout
    of its messages ends. AWS says that it retries, not how often."""
    back_off: Ratio = 0.1
    """Share of their number by which pollers become fewer with each batch that is throttled, and
    with each invocation that fails as a whole. AWS says `gradually`; with 0.06 to 0.15 the pollers
    come out that were measured of a function that fails at 10 to 1 % (the same experiments)."""

    @model_validator(mode="after")
    def _window(self) -> Self:
        if self.batch_size > 10 and self.maximum_batching_window_in_seconds < 1:
            raise ValueError(
                "a 'BatchSize' of more than 10 needs a 'MaximumBatchingWindowInSeconds' of 1 at "
                "least"
            )
        return self

    @model_validator(mode="after")
    def _one_cap(self) -> Self:
        within = self.scaling_config and self.scaling_config.maximum_concurrency
        if within and self.maximum_concurrency and within != self.maximum_concurrency:
            raise ValueError("'MaximumConcurrency' is given twice, with two values")
        if self.provisioned_poller_config is not None and self.capped is not None:
            raise ValueError(
                "'MaximumConcurrency' cannot be given beside 'ProvisionedPollerConfig'"
            )
        return self

    @property
    def capped(self) -> int | None:
        """MaximumConcurrency; None: the mapping has none."""
        if self.maximum_concurrency is not None:
            return self.maximum_concurrency
        return self.scaling_config.maximum_concurrency if self.scaling_config else None

    @property
    def pollers(self) -> Scaling:
        """5 at first, and 300 more a minute up to 1,250; in provisioned mode 1,000 a minute."""
        provisioned = self.provisioned_poller_config
        if provisioned is not None:
            least, most = provisioned.minimum_pollers, provisioned.maximum_pollers
            return Scaling(_A_POLLER * least, _A_POLLER * most, 1_000)
        most = self.capped or MOST
        return Scaling(min(5, most), most, 300)

    @property
    def concurrency(self) -> int:
        """Most invocations at a time; one more is throttled."""
        return self.reserved_concurrent_executions or self.account_concurrency
