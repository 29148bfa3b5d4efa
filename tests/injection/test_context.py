"""The timeline, and the scale of what faults start."""

from math import inf

import simpy

from sim.injection.context import Context, Timeline


def test_the_timeline_tells_moments_spans_and_what_ends_later():
    env = simpy.Environment()
    timeline = Timeline(env)
    env.run(2)
    timeline.say("now")
    timeline.lasts("a while", 3)
    timeline.lasts("for good", None)
    end = timeline.begin("until told")
    env.run(7)
    end()
    assert timeline.events == [
        (2, 2, "now"), (2, 5, "a while"), (2, inf, "for good"), (2, 7, "until told"),
    ]  # fmt: skip


def test_consumers_are_scaled_up_to_whole_ones():
    env = simpy.Environment()
    context = Context(env, Timeline(env), 0.3)
    assert [context.scaled(n) for n in (1, 5, 10)] == [1, 2, 3]
