"""What the timeline says of a topic that is struck; what comes of it is `tests/log`'s affair."""

import simpy

from sim.injection.context import Context, Timeline
from sim.injection.targets import TheTopic, doings, targets
from sim.scenario.faults.settings import ConfigsFault
from sim.scenario.faults.topics import PartitionsFault, ReshardFault


def test_added_partitions_are_told_for_the_scale_of_the_scenario():
    env = simpy.Environment()
    timeline = Timeline(env)
    fault = PartitionsFault(at=3.0, target="kafka.topic", to=8)
    hit = targets(fault, "kafka", {}, None)
    assert hit == [TheTopic()] and targets(fault, "other", {}, None) == []
    for doing in doings(fault, hit, Context(env, timeline, 0.5)):
        env.process(doing)
    env.run()
    assert timeline.events == [(0.0, 0.0, "partitions are added to the topic: 4 from now on")]


def test_KN_13_a_stream_that_is_resharded_is_told_for_the_scale_of_the_scenario():
    env = simpy.Environment()
    timeline = Timeline(env)
    fault = ReshardFault(at=3.0, target="kinesis.stream", TargetShardCount=2)
    hit = targets(fault, "kinesis", {}, None)
    assert hit == [TheTopic()] and targets(fault, "other", {}, None) == []
    for doing in doings(fault, hit, Context(env, timeline, 0.5)):
        env.process(doing)
    env.run()
    assert timeline.events == [(0.0, 0.0, "the stream is resharded: 1 shard from now on")]


def test_KB_17_what_a_topic_keeps_from_now_on_is_told():
    env = simpy.Environment()
    timeline = Timeline(env)
    keys = {"at": 3.0, "target": "kafka.topic", "retention.ms": 1_000}
    fault = ConfigsFault.model_validate({"fault": "configs", **keys})
    for doing in doings(fault, targets(fault, "kafka", {}, None), Context(env, timeline, 1.0)):
        env.process(doing)
    env.run()
    assert timeline.events == [(0.0, 0.0, "the topic is altered: retention.ms 1000")]
