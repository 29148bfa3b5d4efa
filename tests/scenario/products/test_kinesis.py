"""Kinesis by the names of its API and libraries: defaults and limits."""

import pytest
from pydantic import ValidationError

from sim.scenario.products.kinesis import KinesisApplication, KinesisProducer, KinesisSystem

APPLICATION = {"workers": 3, "does": ["job"]}


def test_defaults_are_those_of_the_producer_and_consumer_libraries():
    assert KinesisProducer().model_dump(by_alias=True) == {
        "RecordMaxBufferedTime": 100.0,
        "CollectionMaxCount": 500,
        "CollectionMaxSize": 5242880,
        "RecordTtl": 30000.0,
        "RateLimit": 150.0,
        "FailIfThrottled": False,
    }
    application = KinesisApplication.model_validate(APPLICATION)
    assert not application.polls and application.max_records == 10_000
    assert application.failover_time_millis == 10_000 and application.members == 3
    assert application.idle_time_between_reads_in_millis == 1_000
    assert application.max_leases_to_steal_at_one_time == 1


def test_a_stream_says_how_many_shards_it_has_and_no_run_outlasts_its_retention():
    given = {"product": "kinesis", "applications": {"a": APPLICATION}}
    stream = {"ShardCount": 4, "RetentionPeriodHours": 24}
    system = KinesisSystem.model_validate({**given, "stream": stream})
    assert system.stream.shard_count == 4 and list(system.readers) == ["a"]
    with pytest.raises(ValidationError, match="ShardCount"):
        KinesisSystem.model_validate({**given, "stream": {}})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"CollectionMaxCount": 501}, "less than or equal to 500"),
        ({"CollectionMaxSize": "6 MiB"}, "less than or equal to 5242880"),
        ({"RateLimit": 0}, "RateLimit"),
        ({"RecordMaxBufferTime": 100}, "Extra inputs"),
    ],
)
def test_limits_of_a_call_are_those_of_the_api(given, said):
    with pytest.raises(ValidationError) as error:
        KinesisProducer.model_validate(given)
    assert said in str(error.value)
    KinesisProducer.model_validate({"AggregationEnabled": True, "LogLevel": "info"})
