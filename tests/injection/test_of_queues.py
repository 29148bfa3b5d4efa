"""A queue that is struck: what comes of it is the queues' affair (`tests/systems`)."""

import simpy

from sim.injection.context import Context, Timeline
from sim.injection.targets import OneQueue, doings, targets
from sim.scenario.faults.queues import RedriveFault


def test_a_redrive_hits_the_dead_letter_queues_that_it_names():
    env = simpy.Environment()
    timeline = Timeline(env)
    fault = RedriveFault(at=3.0, target="sqs.*-dlq")
    queues = {"orders-dlq": ["orders"], "returns": ["orders-dlq"]}
    hit = targets(fault, "sqs", {}, None, queues)
    assert hit == [OneQueue("orders-dlq")] and targets(fault, "other", {}, None, queues) == []
    for doing in doings(fault, hit, Context(env, timeline, 1.0)):
        env.process(doing)
    env.run()
    assert timeline.events == []
