"""Faults of small scenarios, and a fleet that only writes down what is done to it."""

import numpy as np
import simpy

from sim.engine.system import Setup, Upstream
from sim.injection.context import Timeline
from sim.injection.schedule import schedule
from sim.scenario.load import Scenario
from sim.traffic.generate import generate

SQS = {"product": "sqs", "queues": {"g": {"workers": 3, "does": ["work"]}}}


def scenario(*faults, duration=1_000.0, rate=1.0, keys=None, systems=None, **changes):
    return Scenario.from_mapping(
        {
            "name": "faults",
            "duration": duration,
            "workload": {
                "arrivals": {"profile": [{"for": duration, "rate": rate}]},
                "keys": keys or {"key": {"count": 5}},
                "service": {"work": {"per_message": 0.1}},
            },
            "systems": systems or {"a": SQS, "b": SQS},
            "faults": list(faults),
            **changes,
        }
    )


def setup(system, of):
    return Setup(system, of, generate(of), np.zeros(0))


class FakeFleet:
    """Consumers that only write down what is done to them; SIGTERM takes `leaves_s`."""

    def __init__(
        self, env, size=3, places=None, leaves_s=1.96, backlog=lambda: 0, seek=lambda to_s: (0, 0)
    ):
        self.env, self.size, self.leaves_s = env, places or size, leaves_s
        self.up = [i < size for i in range(self.size)]
        self.lives = [0] * self.size
        self.useful = None
        self.backlog, self.seek = backlog, seek
        self.age_s = lambda: 0.0
        self.busy = lambda: sum(self.up)
        self.orphans = lambda: np.zeros(0, np.bool_)
        self.log = []

    def alive(self, i):
        return self.up[i]

    def _note(self, *what):
        self.log.append((round(self.env.now, 1), *what))

    def crash(self, i):
        self._note("crash", i)
        self.up[i] = False

    def life(self, i):
        return self.lives[i]

    def terminate(self, i):
        self._note("terminate", i)
        self.env.process(self._leave(i, self.lives[i]))

    def _leave(self, i, life):
        yield self.env.timeout(self.leaves_s)
        if self.up[i] and self.lives[i] == life:
            self.up[i] = False
            self._note("gone", i)

    def restart(self, i):
        self._note("restart", i)
        self.up[i] = True
        self.lives[i] += 1

    def pause(self, i, for_s):
        self._note("pause", i, for_s)

    def slow(self, i, factor):
        self._note("slow", i, round(factor, 6))

    def cut_off(self, i):
        self._note("cut", i)

    def reconnect(self, i):
        self._note("reconnect", i)


def felt(*faults, until_s=2_000.0, system="a", **fleet):
    """What the fake fleet of one group wrote down, and the timeline."""
    env = simpy.Environment()
    fake = FakeFleet(env, **fleet)
    timeline = Timeline(env)
    schedule(env, scenario(*faults), system, {"g": fake}, 1_000.0, timeline)
    env.run(until_s)
    return fake.log, timeline.events


class FakePublisher:
    """A process that only writes down what is done to it; SIGTERM takes `leaves_s`."""

    def __init__(self, env, leaves_s=0.0):
        self.env, self.leaves_s, self.up = env, leaves_s, True
        self.log, self.expected = [], []

    def _note(self, *what):
        self.log.append((round(self.env.now, 1), *what))

    def alive(self):
        return self.up

    def crash(self):
        self._note("crash")
        self.up = False

    def terminate(self, grace_s):
        self._note("terminate", grace_s)
        self.env.process(self._leave())

    def _leave(self):
        yield self.env.timeout(self.leaves_s)
        self.up = False

    def interrupt(self):
        self._note("interrupt")
        self.up = False

    def exit(self):
        self._note("exit")
        self.up = False

    def restart(self):
        self._note("restart")
        self.up = True

    def expect(self, process):
        self.expected.append(process)


class FakeBrokers:
    """Brokers that only write down what is done to them, into a given log."""

    count = 3

    def __init__(self, env, log):
        self.env, self.log = env, log

    def __getattr__(self, verb):
        return lambda *args: self.log.append((round(self.env.now, 1), verb, *args))


PUBLISHER = {
    "product": "kafka",
    "topic": {"partitions": 3},
    "brokers": {"count": 3},
    "publisher": {},
    "groups": {"g": {"consumers": 3, "does": ["work"]}},
}


def upstream_felt(*faults, env=None, until_s=2_000.0, leaves_s=0.0, fleet=None):
    """What a fake publisher and its brokers wrote down, the timeline, and what was expected."""
    env = simpy.Environment() if env is None else env
    publisher, timeline = FakePublisher(env, leaves_s), Timeline(env)
    upstream = Upstream(publisher, FakeBrokers(env, publisher.log))
    of = scenario(*faults, systems={"a": PUBLISHER})
    schedule(env, of, "a", {} if fleet is None else {"g": fleet}, 1_000.0, timeline, upstream)
    env.run(until_s)
    return publisher.log, timeline.events, publisher.expected
