"""What faults do to topics: a function for each."""

from functools import singledispatch

from sim.engine.environment import Steps
from sim.injection.context import Context
from sim.scenario.faults.settings import ConfigsFault
from sim.scenario.faults.topics import PartitionsFault, ReshardFault, TopicFault


@singledispatch
def strike(fault: TopicFault, context: Context) -> Steps:
    """Strike the topic, at the present time; each fault has its own function below.

    Args:
        fault: what happens.
        context: where it happens.
    """
    raise NotImplementedError(f"{fault.fault} cannot strike a topic")


@strike.register
def _add(fault: PartitionsFault, context: Context) -> Steps:
    """Nothing is done at this time: the topic knows from the scenario how many it will have."""
    to = context.scaled(fault.to)
    context.timeline.say(f"partitions are added to the topic: {to} from now on")
    yield from ()


@strike.register
def _reshard(fault: ReshardFault, context: Context) -> Steps:
    """Nothing is done at this time: the stream knows its shards from the scenario."""
    to = context.scaled(fault.target_shard_count)
    context.timeline.say(f"the stream is resharded: {to} shard{'' if to == 1 else 's'} from now on")
    yield from ()


@strike.register
def _configure(fault: ConfigsFault, context: Context) -> Steps:
    """Nothing is done at this time: what deletes from the topic knows it from the scenario."""
    context.timeline.say(fault.words("the topic is"))
    yield from ()
