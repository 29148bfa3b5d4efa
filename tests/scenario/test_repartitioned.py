"""What is refused of partitions and shards that are to be others."""

from sim.scenario.faults.groups import SeekFault
from sim.scenario.faults.topics import PartitionsFault, ReshardFault
from sim.scenario.products.kinesis import KinesisSystem
from sim.scenario.repartitioned import not_more, reshards

STREAM = KinesisSystem.model_validate(
    {
        "product": "kinesis",
        "stream": {"ShardCount": 5},
        "applications": {"g": {"workers": 1, "does": ["count"]}},
    }
)


def reshard(at_s, to):
    return ReshardFault(at=at_s, target="s.stream", TargetShardCount=to)


def said(*changes, more=()):
    faults = [*(reshard(*one) for one in changes), *more]
    return [(".".join(map(str, path)), why) for path, why in reshards("s", STREAM, 5, faults)]


def test_KB_16_partitions_are_only_added():
    faults = [PartitionsFault(at=s, target="k.topic", to=n) for s, n in ((2, 50), (1, 99))]
    ((path, why),) = not_more("k", 5, faults)
    assert path == ("faults", 0, "to") and why.startswith("50 is not more than the 99 partitions")
    assert list(not_more("other", 5, faults)) == []


def test_KN_13_a_stream_is_at_most_doubled_or_halved_and_ten_times_a_day():
    assert said((1, 10), (2, 5)) == []
    assert said((1, 11)) == [
        (
            "faults.0.TargetShardCount",
            "from the 5 shards that 's' has then, at most 10 and at least 3 are possible at a "
            "time, not 11",
        )
    ]
    assert len(said((1, 2))) == 1 and said((1, 3)) == []
    day = [(60 * i, 5 + i % 2) for i in range(11)]
    assert said(*day) == [
        ("faults.10.TargetShardCount", "'s' is resharded 10 times in 24 hours, and no more")
    ]
    assert said(*day[:10], (86_401, 5)) == []


def test_a_resharded_stream_is_not_read_again():
    seek = SeekFault(at=5, target="s.g", to="beginning")
    assert said((1, 6), more=[seek]) == [
        (
            "faults.1.target",
            "'s' is resharded: the lab does not read shards that have ended again",
        )
    ]
    assert said(more=[seek]) == []
