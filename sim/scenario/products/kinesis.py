"""Amazon Kinesis Data Streams by the names of its API, producer library (KPL) and client (KCL 2).

Limits: https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html. Defaults of
the producer: `java/amazon-kinesis-producer-sample/default_config.properties` in
awslabs/amazon-kinesis-producer; of the consumers: `KinesisClientLibConfiguration` and
`LeaseManagementConfig` in awslabs/amazon-kinesis-client (2.x). The latencies are the lab's own
assumptions, but for the 70 ms of a push, which AWS gives as typical.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, PrivateAttr, model_validator

from sim.foundation.config import Config, KeyPath
from sim.foundation.units import (
    Distribution,
    Milliseconds,
    PositiveBytes,
    PositiveCount,
    PositiveRatio,
    Seconds,
    lognormal,
)
from sim.scenario.products.base import LogReaders, Name, ProductSystem
from sim.scenario.products.kinesis_lambda import KinesisFunction, gathered
from sim.scenario.products.not_modelled import NotModelled


class KinesisStream(Config):
    """The stream that every message goes to."""

    not_modelled = NotModelled("aws", "kinesis stream")

    shard_count: PositiveCount = Field(alias="ShardCount")
    """Shards, each with an equal range of hash keys; each has one reader in an application."""


class KinesisProducer(Config):
    """The producer library: gathers records, sends them with PutRecords, and tries again.

    A record that its shard refuses (ProvisionedThroughputExceededException) goes back into the
    buffer for half of `RecordMaxBufferedTime`, while later ones go on: so a busy shard breaks the
    order of a key.
    """

    not_modelled = NotModelled("aws", "kinesis producer")

    record_max_buffered_time: Milliseconds = Field(default=100.0, alias="RecordMaxBufferedTime")
    """How long a record waits for others, ms."""
    collection_max_count: Annotated[PositiveCount, Field(le=500)] = Field(
        default=500, alias="CollectionMaxCount"
    )
    """Most records of one PutRecords, 1 to 500."""
    collection_max_size: Annotated[PositiveBytes, Field(le=5242880)] = Field(
        default=5242880, alias="CollectionMaxSize"
    )
    """Most bytes of one PutRecords."""
    record_ttl: Milliseconds = Field(default=30000.0, alias="RecordTtl")
    """A record not accepted this long after it was created is given up, ms."""
    rate_limit: PositiveRatio = Field(default=150.0, alias="RateLimit")
    """Most that is sent to a shard, in percent of what it accepts."""
    fail_if_throttled: bool = Field(default=False, alias="FailIfThrottled")
    """Give a refused record up instead of trying it again."""


class KinesisApplication(LogReaders):
    """A consumer application: workers that share out the shards by leases, or a Lambda function.

    Each worker has a record processor, with a thread of its own, for each shard that it leases; it
    checkpoints after every batch. With `lambda`, a function is run with batches of each shard;
    keys of its event source mapping may also stand here.
    """

    not_modelled = NotModelled("aws", "kinesis application")

    workers: PositiveCount | None = None
    """Worker processes; a Lambda function has none."""
    function: KinesisFunction | None = Field(default=None, alias="lambda")
    """The event source mapping of a Lambda function that reads the stream, instead of workers."""
    on_failure: Literal["skip-batch", "skip", "retry"] | None = None
    """What comes of a record on which its processor throws. skip-batch: the library absorbs the
    exception and goes on with the next batch, without the rest of this one; skip: the program
    catches it, and goes on with the next record; retry: it checkpoints before the record, and tries
    it again until it succeeds. Null: skip-batch, and of a Lambda function what its mapping says
    (retry)."""
    retry_after: Annotated[Seconds, Field(ge=0.1)] = 1.0
    """`on_failure: retry`: between two tries (an assumption)."""
    retrieval_mode: Literal["FANOUT", "POLLING"] | None = Field(default=None, alias="retrievalMode")
    """FANOUT: pushed, 2 MB/s a shard for this application alone; POLLING: GetRecords, 2 MB/s and
    five calls a second of a shard, shared with every other application that polls. Null: FANOUT,
    and POLLING of a Lambda function, which is given the stream and no consumer of it."""
    max_records: Annotated[PositiveCount, Field(le=10000)] = Field(
        default=10000, alias="maxRecords"
    )
    """Most records of one GetRecords, and of one batch."""
    idle_time_between_reads_in_millis: Milliseconds = Field(
        default=1000.0, alias="idleTimeBetweenReadsInMillis"
    )
    """POLLING: from one GetRecords to the next, ms."""
    failover_time_millis: Milliseconds = Field(default=10000.0, alias="failoverTimeMillis")
    """A lease not renewed for this long can be taken; workers look for such every
    2 x (failoverTimeMillis + 25) ms, and need two looks to tell."""
    max_leases_to_steal_at_one_time: PositiveCount = Field(
        default=1, alias="maxLeasesToStealAtOneTime"
    )
    """Most leases that a worker with too few takes from one with more, at each look."""

    _shards: int = PrivateAttr(default=1)

    @model_validator(mode="before")
    @classmethod
    def _gathered(cls, data: Any) -> Any:
        return gathered(data)

    @model_validator(mode="after")
    def _read_by_someone(self) -> Self:
        if self.workers is None and self.function is None:
            raise ValueError("give 'workers', or 'lambda'")
        return self

    @property
    def members(self) -> int:
        """How many workers, or functions at once."""
        if self.function is not None:
            return self._shards * self.function.parallelization_factor
        assert self.workers is not None
        return self.workers

    @property
    def polls(self) -> bool:
        """Whether it reads by GetRecords."""
        default = "FANOUT" if self.function is None else "POLLING"
        return (self.retrieval_mode or default) == "POLLING"

    @property
    def idle_s(self) -> float:
        """From one GetRecords to the next, if nothing holds it up, s.

        Lambda reads each shard once a second
        (https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html).
        """
        return 1.0 if self.function is not None else self.idle_time_between_reads_in_millis / 1e3

    def without_effect(self) -> Iterator[tuple[str, str]]:
        """Keys that were given and have no effect, and why."""
        if self.function is not None:
            yield from ((key, why) for key, why in _OF_WORKERS.items() if self.given(key))
        elif self.given("retry_after") and self.on_failure != "retry":
            yield "retry_after", "it goes with 'on_failure: retry'"


_LIBRARY = "it is of the client library, and a Lambda function reads the stream"
_OF_WORKERS = {
    "workers": "Lambda runs ParallelizationFactor batches of each shard at once",
    "retry_after": "'lambda.retry_backoff' says how long Lambda waits",
} | dict.fromkeys(
    (
        "maxRecords", "idleTimeBetweenReadsInMillis", "failoverTimeMillis",
        "maxLeasesToStealAtOneTime",
    ),
    _LIBRARY,
)  # fmt: skip
"""Keys without effect of an application that is a Lambda function, and why."""


_SCALED = "is a Lambda function: it has no workers to scale, see ParallelizationFactor"
_STOPPED = "is a Lambda function: Lambda replaces its environments, and stops none at work"
_NOT_OF_LAMBDA = {
    "scale": _SCALED,
    "autoscale": _SCALED,
    "deploy": _STOPPED,
    "terminate": _STOPPED,
    "restart": _STOPPED,
}
"""Faults that cannot strike a Lambda function, and why."""


class KinesisLatency(Config):
    """Duration of calls (assumptions of the lab)."""

    put: Distribution = lognormal(0.012, 0.080)
    """`PutRecords`"""
    get: Seconds = 0.010
    """`GetRecords`"""
    push: Seconds = 0.070
    """FANOUT: from a record's being in the stream to the worker's having it."""
    checkpoint: Seconds = 0.010
    """A checkpoint in the lease table (DynamoDB)."""
    invoke: Seconds = 0.010
    """Lambda: from a batch's being gathered to the start of the function's work."""


class KinesisSystem(ProductSystem):
    """One stream, its producer and its consumer applications."""

    readers_at: ClassVar[str] = "applications"
    partitions_at: ClassVar[KeyPath] = ("stream", "ShardCount")

    product: Literal["kinesis"]
    """`kinesis`"""
    stream: KinesisStream
    """The stream."""
    partition_key: Annotated[list[str], Field(min_length=1)] | None = None
    """Dimensions of `workload.keys` that make up the partition key (with a lifecycle, `state` too);
    null: a random one a record."""
    producer: KinesisProducer = KinesisProducer()
    """The producer library's configuration."""
    applications: dict[Name, KinesisApplication] = Field(min_length=1)
    """Consumer applications; each reads every message."""
    latency: KinesisLatency = KinesisLatency()
    """Duration of calls."""

    @model_validator(mode="after")
    def _tell_shards(self) -> Self:
        for application in self.applications.values():
            application._shards = self.stream.shard_count
        return self

    def without_effect(self) -> Iterator[tuple[KeyPath, str]]:
        """Keys that were given and have no effect here: path from the system, and why."""
        for name, application in self.applications.items():
            for key, why in application.without_effect():
                yield ("applications", name, key), why

    def scaled(self) -> Iterator[tuple[KeyPath, int]]:
        """As `ProductSystem.scaled`; a function has as many at work as its shards have parts."""
        yield self.partitions_at, self.partitions
        for name, application in self.applications.items():
            if application.workers is not None and application.function is None:
                yield self.place_of(name), application.workers

    def no_fault(self, readers: str, fault: str) -> str | None:
        """Lambda has no workers that anyone could scale or stop."""
        if self.applications[readers].function is None:
            return None
        return _NOT_OF_LAMBDA.get(fault)

    @property
    def partitions(self) -> int:
        """Of its log."""
        return self.stream.shard_count

    @property
    def readers(self) -> Mapping[str, KinesisApplication]:
        """The applications by name."""
        return self.applications
