"""Retry topics: where records go on which a group's handler failed, to be tried later (KC-25).

The consumer publishes such a record to a retry topic, waits until that is done, and goes on with
the next one. Each retry topic is read by a group of its own, with a consumer in each process of the
main group. It pauses a partition until its next record is due, so that the records behind it wait
as well; then it polls, works and commits as the main group does. To its group, a record is thus
readable from when it and all before it are due.

Source: https://docs.spring.io/spring-kafka/reference/retrytopic/how-the-pattern-works.html;
`DeadLetterPublishingRecovererFactory` (the time due is that of the failure and the delay) and
`ContainerPartitionPausingBackOffManager` in spring-projects/spring-kafka.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

import numpy as np

from sim.engine.environment import Stops
from sim.engine.outcome import Fate
from sim.log import acts
from sim.log import group_state as k
from sim.log.group import Group
from sim.log.poisoned import Place


@dataclass(frozen=True)
class Retrying:
    """How often a record is tried, and where."""

    delays_s: Sequence[float]
    """[retry topics] what a record waits in each, s."""
    attempts: int
    """In all; those that are more than the topics and one go through the last topic again."""
    timeout_s: float = inf
    """A record that fails later than this after it was created is tried no more, s."""
    dead_letters: bool = True
    """Whether what is tried no more goes into a dead-letter topic; else it is dropped."""
    send_s: Callable[[], float] = lambda: 0.0
    """From sending a record to its being in a topic, s: of one after the other."""
    partition_in: Callable[[int, int, int], int] = lambda message, partition, topic: 0
    """Where a message goes that comes from a partition into a retry topic."""


class Failed(NamedTuple):
    """An attempt that failed, and how the record came to it; times in s."""

    stage: int
    """0: in the group's own topic; i: in retry topic i - 1."""
    place: Place
    """Where in that topic."""
    message: int
    readable_s: float
    asked_s: float
    """When the fetch that returned it began."""
    got_s: float
    """When it was answered."""
    polled_s: float
    """When it was handed over."""
    failed_s: float
    due_s: float
    """When it is to be tried again."""
    sent_s: float
    """When it was in the retry topic."""
    again_s: float
    """When it can be read there: not before those ahead of it."""
    attempts: int
    """How often it had been tried then."""


class RetryTopics:
    """Stage of the data plane: a group, and the groups that read its retry topics."""

    def __init__(self, main: Group, retries: Sequence[Group], policy: Retrying) -> None:
        """
        Args:
            main: the group; what is poisonous to it is so to all.
            retries: [retry topics] who reads each; the topics are empty.
            policy: how often a record is tried, and where.
        """
        self.groups = [main, *retries]
        self.policy = policy
        self.copies: list[dict[Place, Failed]] = [{} for _ in self.groups]
        """[groups] of each record in a retry topic, how it came to be there."""
        main.poisoned.share([group.poisoned for group in retries])
        for group in retries:  # the processes are the same, and so is whom a limit struck
            group.standing.acts = main.standing.acts

    def advance(self, until_s: float) -> Stops:
        """Carry all groups to ``until_s``, none beyond where one before it waits for control."""
        stops: list[tuple[float, Callable[[], None]]] = []
        for group in self.groups:
            stops += group.advance(until_s)
            until_s = min(until_s, group.stopped_s)
        return stops

    def pass_on(self, stage: int, m: int, at_s: float, place: Place) -> str:
        """As `sim.log.kafka_coordinator.PassOn`, of the group of a ``stage``.

        A consumer that is no member any more publishes the record as well; nobody fences it.
        """
        group, policy = self.groups[stage], self.policy
        (p, offset), log = place, self.groups[stage].topic.log
        row = int(log.start[p] + offset)
        message = int(log.message[row])
        before = self.copies[stage].get(place)
        attempts = 1 if before is None else before.attempts + 1
        zombie = group.zombies.get(m)
        members, at = (group.state.members, m) if zombie is None else (zombie.state.members, 0)
        age_s = at_s - float(group.topic.created_s[message])
        send_s, whom = policy.send_s(), f"consumer {m}"
        these = group.standing.acts
        if attempts >= policy.attempts or age_s > policy.timeout_s:
            old = attempts < policy.attempts
            these.note(acts.AGE if old else acts.ATTEMPTS, at_s, at_s, target=whom)
            fate = Fate.DEAD_LETTERED if policy.dead_letters else Fate.LOST_REJECTED
            said = "dead-lettered" if policy.dead_letters else "dropped"
            self._go_on(stage, m, at_s, place, fate, send_s if policy.dead_letters else 0.0)
            return f"{whom} {said} a record"
        to = min(attempts, len(self.groups) - 1)
        due_s = at_s + policy.delays_s[to - 1]
        topic = self.groups[to].topic
        q = policy.partition_in(message, p, to - 1)
        end = int(topic.log.end[q])
        ahead_s = float(topic.log.visible_s[topic.log.start[q] + end - 1]) if end else -inf
        again_s = max(due_s, at_s + send_s, ahead_s)
        self.copies[to][q, end] = Failed(
            stage, place, message, float(log.visible_s[row]), float(members.asked_s[at]),
            float(members.got_s[at]), float(members.polled_s[at]), at_s, due_s, at_s + send_s,
            again_s, attempts,
        )  # fmt: skip
        these.note(acts.RETRY_TOPIC, at_s, again_s)
        topic.put(q, np.array([message], np.int32), np.array([again_s]))
        self._go_on(stage, m, at_s, place, Fate.UNFINISHED, send_s)
        return f"{whom} sent a record to a retry topic"

    def _go_on(
        self, stage: int, m: int, at_s: float, place: Place, fate: Fate, send_s: float
    ) -> None:
        """Have consumer ``m`` go on behind a record, after ``send_s``."""
        group = self.groups[stage]
        if m in group.zombies:  # it has ended its batch
            group.poisoned.passed[place] = fate
            return
        group.pass_over(m, at_s, fate)
        members = group.state.members
        if members.phase[m] == k.WORK:
            members.end_s[m] += send_s
        elif members.phase[m] in (k.POLL, k.COMMIT):
            members.now_s[m] = max(at_s, members.now_s[m]) + send_s

    def settled(self) -> int:
        """Records of the retry topics that their groups have done with."""
        return sum(group.settled() for group in self.groups[1:])

    def total(self) -> int:
        """Records of the retry topics."""
        return sum(group.topic.records() for group in self.groups[1:])

    def of_stage(self, stage: int) -> Iterator[Failed]:
        """How each record of a retry topic came to be there."""
        yield from self.copies[stage].values()
