"""SQS's dead-letter queues that are queues of the system, and redrive (SS-18 to SS-20, SF-09)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import simpy

from sim.engine.environment import Steps
from sim.engine.outcome import Fate, GroupOutcome
from sim.engine.system import Setup
from sim.engine.waits import Limit
from sim.foundation.arrays import I32
from sim.foundation.text import count
from sim.queue import broker_codes as codes
from sim.queue.broker import Broker
from sim.queue.dead_letters import DeadLetters
from sim.queue.feed_kernel import Feed
from sim.scenario.faults.queues import RedriveFault
from sim.scenario.products.sqs import SqsSystem
from sim.scenario.products.sqs_dead_letters import chains, linked, named


def linked_stages(
    setup: Setup,
    config: SqsSystem,
    queues: Mapping[str, Broker],
    sent: Feed,
    rows: Mapping[str, I32],
) -> list[DeadLetters]:
    """A stage for each lot of queues between which messages go.

    Args:
        setup: of the system.
        config: of the system.
        queues: those queues, with feeds of their own.
        sent: what the senders put in.
        rows: the messages that a queue gets which does not get all, ascending.
    """
    to, n, stages = linked(config.queues), len(setup.messages), []
    for names in chains(to):
        published = {name: np.full(n, name not in to.values()) for name in names}
        for name in names:
            if name in rows and published[name].any():
                published[name][:] = False
                published[name][rows[name]] = True
        its = {name: queues[name] for name in names}
        tos = {name: to[name] for name in names if name in to}
        # What waits in a FIFO queue counts from when it came there: its own retention does that.
        lives_s = {
            name: float(config.queues[name].message_retention_period)
            for name in tos.values()
            if not config.queues[name].fifo_queue
        }
        stages.append(DeadLetters(sent, its, tos, published, lives_s))
    return stages


def completed(links: DeadLetters, name: str, outcome: GroupOutcome) -> GroupOutcome:
    """The outcome of one of these queues: what became of what it got.

    A message that it has not processed, and that has left it, is dead-lettered; but what was moved
    out of a dead-letter queue by a task is none of its messages any more.
    """
    queue = links.queues[name]
    unprocessed = outcome.effects == 0
    left = np.asarray(queue.queue.state) == codes.MOVED
    fate = outcome.fate.copy()
    fate[left & unprocessed] = Fate.DEAD_LETTERED
    meant = links.published[name] | (np.asarray(queue.state.lanes.place) >= 0)
    if name in links.back:
        meant &= ~(links.back[name] & left & unprocessed)
    return replace(outcome, fate=fate).only(np.flatnonzero(meant).astype(np.int32))


class Tasks:
    """Message move tasks of a system: processes of control, one for each fault and queue."""

    def __init__(self, setup: Setup, config: SqsSystem, stages: Sequence[DeadLetters]) -> None:
        """
        Args:
            setup: of the system.
            config: of the system.
            stages: of its queues between which messages go.
        """
        self.setup = setup
        self.stages = stages
        self.config = config
        self.open = 0
        """Tasks that have not ended, those that have not begun among them."""
        self.held: dict[tuple[str, int], tuple[int, float, float]] = {}
        """Of each queue and fault, how many messages waited to be moved, since when, till when."""

    def start(self, env: simpy.Environment, say: Callable[[str], None]) -> None:
        """Start them; ``say`` takes a line for the timeline."""
        for index, fault in enumerate(self.setup.scenario.faults):
            if not isinstance(fault, RedriveFault):
                continue
            for name in self.config.redriven:
                if fault.strikes_queue(self.setup.name, name):
                    self.open += 1
                    env.process(self._task(env, index, name, say))

    def _task(
        self, env: simpy.Environment, index: int, name: str, say: Callable[[str], None]
    ) -> Steps:
        fault = self.setup.scenario.faults[index]
        assert isinstance(fault, RedriveFault)
        yield env.timeout(fault.at)
        stage = next(stage for stage in self.stages if name in stage.queues)
        begun_s, moved = env.now, 0
        ready = stage.queues[name].ready()
        say(f"redrive of {name}: {count(ready)} to move")
        every_s = 1.0 / (self.setup.scenario.scale * fault.per_s)
        while moved < ready:
            to = stage.redrive(name, partial(_whither, stage, name, fault))
            if to is None:
                break
            moved += 1
            self.held[to, index] = (moved, begun_s, env.now)
            if moved < ready:
                yield env.timeout(every_s)
        if ready:
            say(f"redrive of {name} ended: {count(moved)} moved")
        self.open -= 1

    def limits(self, name: str) -> Iterator[Limit]:
        """How fast messages were moved into a queue, where some had to wait for it."""
        for (to, index), (times, first_s, last_s) in self.held.items():
            fault = self.setup.scenario.faults[index]
            if to == name and times > 1 and isinstance(fault, RedriveFault):
                yield Limit(
                    "MaxNumberOfMessagesPerSecond",
                    f"faults.{index}.MaxNumberOfMessagesPerSecond",
                    f"{fault.per_s}",
                    "",
                    "moved messages out of the dead-letter queue no faster",
                    times - 1,
                    first_s,
                    last_s,
                )


def _whither(stage: DeadLetters, name: str, fault: RedriveFault, message: int) -> str:
    """Where a message is moved: where the task says, or where it came from."""
    if fault.destination_arn is not None:
        return named(fault.destination_arn)
    sources = (source for source, to in stage.to.items() if to == name)
    return next(its for its in sources if stage.queues[its].state.lanes.place[message] >= 0)
