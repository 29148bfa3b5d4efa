"""Amazon Kinesis Data Streams by the names of its API, producer library (KPL) and client (KCL 2).

Limits: https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html. Defaults of
the producer: `java/amazon-kinesis-producer-sample/default_config.properties` in
awslabs/amazon-kinesis-producer; of the consumers: `KinesisClientLibConfiguration` and
`LeaseManagementConfig` in awslabs/amazon-kinesis-client (2.x). The latencies are the lab's own
assumptions, but for the 70 ms of a push, which AWS gives as typical.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

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


class KinesisStream(Config):
    """The stream that every message goes to."""

    not_modelled = dict.fromkeys(
        ("EncryptionType", "KeyId", "StreamARN", "StreamModeDetails", "StreamName", "Tags"), ""
    ) | {"RetentionPeriodHours": "no run is as long as 24 hours, the shortest retention"}

    shard_count: PositiveCount = Field(alias="ShardCount")
    """Shards, each with an equal range of hash keys; each has one reader in an application."""


_AGGREGATION = "every message is a record of its own, as with AggregationEnabled: false"


class KinesisProducer(Config):
    """The producer library: gathers records, sends them with PutRecords, and tries again.

    A record that its shard refuses (ProvisionedThroughputExceededException) goes back into the
    buffer for half of `RecordMaxBufferedTime`, while later ones go on: so a busy shard breaks the
    order of a key.
    """

    not_modelled = {
        "AggregationEnabled": _AGGREGATION,
        "AggregationMaxCount": _AGGREGATION,
        "AggregationMaxSize": _AGGREGATION,
    } | dict.fromkeys(
        (
            "CloudwatchEndpoint", "CloudwatchPort", "ConnectTimeout", "CredentialsRefreshDelay",
            "EnableCoreDumps", "KinesisEndpoint", "KinesisPort", "LogLevel", "MaxConnections",
            "MetricsGranularity", "MetricsLevel", "MetricsNamespace", "MetricsUploadDelay",
            "MinConnections", "NativeExecutable", "Region", "RequestTimeout", "TempDirectory",
            "ThreadPoolSize", "ThreadingModel", "VerifyCertificate",
        ),
        "",
    )  # fmt: skip

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
    """A consumer application: workers that share out the shards by leases.

    Each worker has a record processor, with a thread of its own, for each shard that it leases; it
    checkpoints after every batch.
    """

    not_modelled = dict.fromkeys(
        (
            "applicationName", "callProcessRecordsEvenForEmptyRecordList",
            "cleanupLeasesUponShardCompletion", "initialPositionInStream", "kinesisEndpoint",
            "maxActiveThreads", "maxLeasesForWorker", "metricsBufferTimeMillis", "metricsLevel",
            "parentShardPollIntervalMillis", "regionName", "shardSyncIntervalMillis",
            "shutdownGraceMillis", "streamName", "taskBackoffTimeMillis", "timeoutInSeconds",
            "validateSequenceNumberBeforeCheckpointing", "workerId",
        ),
        "",
    )  # fmt: skip

    workers: PositiveCount
    """Worker processes."""
    on_failure: Literal["skip-batch", "skip"] = "skip-batch"
    """What comes of a record on which its processor throws: the library absorbs the exception and
    goes on with the next batch, without the rest of this one; skip: the program catches it, and
    goes on with the next record."""
    retrieval_mode: Literal["FANOUT", "POLLING"] = Field(default="FANOUT", alias="retrievalMode")
    """FANOUT: pushed, 2 MB/s a shard for this application alone; POLLING: GetRecords, 2 MB/s and
    five calls a second of a shard, shared with every other application that polls."""
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

    @property
    def members(self) -> int:
        """How many workers."""
        return self.workers


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

    @property
    def partitions(self) -> int:
        """Of its log."""
        return self.stream.shard_count

    @property
    def readers(self) -> Mapping[str, KinesisApplication]:
        """The applications by name."""
        return self.applications
