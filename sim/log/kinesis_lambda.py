"""Lambda's event source mapping on a stream: a function is run with a batch of records at a time.

Of each shard so many batches are in work at once (``ParallelizationFactor``), each of a part of its
hash keys, so that the order within a partition key is kept (KN-05). A part is a partition of the
group, whose one member gathers a batch, runs the function, and checkpoints when that returns. What
AWS says of a batch that fails is held here (KN-06 to KN-11):

- it is handed over again as a whole, also what had an effect, until it succeeds or its records are
  too old; what is behind it waits (``docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html``, and
  ``kinesis-on-failure-destination.html`` beside it);
- a batch that is split does not use up the retries. The halves come one after the other;
- a function that reports its first failure moves the checkpoint there
  (``services-kinesis-batchfailurereporting.html``), and with splitting the batch is split there.

Of a stream that is resharded, a shard is read once its parents have been processed to their end
(KN-13).

AWS does not say, so the lab assumes: the first half has the smaller number of records; a half is
handed over at once, and the same batch after a back-off; records are too old one by one; children
are read at once when their parents have ended.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
import simpy

from sim.engine.outcome import Fate
from sim.foundation.arrays import F64, Bools
from sim.foundation.text import count
from sim.log import acts, retried
from sim.log.group import Group
from sim.log.group_fleet import GroupFleet
from sim.log.kinesis_ends import ShardEnds
from sim.log.kinesis_lineage import Lineage


class EventSourceMapping(NamedTuple):
    """How the event source mapping deals with what fails."""

    parts: int
    """Batches of a shard at once: ParallelizationFactor."""
    bisects: bool
    """BisectBatchOnFunctionError."""
    retries: int
    """MaximumRetryAttempts; -1: for ever."""
    backoff_s: tuple[float, float]
    """Before the first retry, s, twice as long before each that follows, and at most."""
    reports: bool
    """Whether the function reports its first failure."""
    caught: Literal["skip", "skip-batch"] | None
    """What the function does about a record on which it fails: it goes on with the next, or it
    returns as if all were well; None: it fails."""
    given_up: Fate
    """Of records that are given up."""


class Invocations(GroupFleet):
    """The functions of one application, as faults see them; they act at the present time.

    There is a place for one of each part of each shard. Lambda starts a new environment for one
    that dies, so that it is alive at any time.
    """

    def __init__(
        self,
        env: simpy.Environment,
        group: Group,
        mapping: EventSourceMapping,
        say: Callable[[str], None],
        lineage: Lineage | None = None,
        seen_s: F64 | None = None,
    ) -> None:
        """
        Args:
            env: clock; the group is a stage of it.
            group: a member for each part of each shard.
            mapping: what is done about failures.
            say: takes a line for the timeline.
            lineage: the shards; None: as many as there are members for, and they stay.
            seen_s: [shards] when whoever reads a shard all along learns that it is closed, s;
                None: none is.
        """
        super().__init__(env, group, group.members, say)
        self.mapping = mapping
        self.leaving: set[int] = set()
        """Those that were told to end, and that nobody has started again since."""
        self.tried = [(-1, 0)] * group.members
        """[parts] the end of the batch that failed last, and how often it has."""
        shards = group.members // mapping.parts
        its = Lineage(shards) if lineage is None else lineage
        none_s = np.full(shards, np.inf)
        self.ends = ShardEnds(
            env, group, its, none_s if seen_s is None else seen_s, mapping.parts, self._ended
        )
        group.after_stop = self._after_stop
        for part in range(its.first * mapping.parts):
            group.reassign(part, [part], env.now)

    @property
    def useful(self) -> int | None:
        """All of them."""
        return self.group.members - len(self.ends.not_there())

    def _ended(self, shard: int) -> None:
        """A shard was processed to its end: those of its children without another parent begin."""
        self.say(f"shard {shard} was closed, and is read to its end")
        for child in self.ends.lineage.children(shard):
            if self.ends.may_begin(child):
                for part in self.ends.members(child):
                    self.group.reassign(part, [part], self.env.now)

    def orphans(self) -> Bools:
        """As in `GroupFleet`; shards that have ended or are not open yet need no reader."""
        out = super().orphans()
        out[self.ends.not_there()] = False
        return out

    def alive(self, consumer: int) -> bool:
        """Always, for Lambda starts another; but for one that somebody else is to replace."""
        return consumer not in self.leaving

    def name(self, part: int) -> str:
        """Of a part of a shard."""
        shard, number = divmod(part, self.mapping.parts)
        return f"shard {shard}" if self.mapping.parts == 1 else f"shard {shard}, part {number}"

    def _after_stop(self) -> None:
        """What the group stopped for."""
        group = self.group
        for part in retried.aged(group):
            self._age(part)
        for part in group.failed():
            self._fail(part)
        for part in group.overdue(self.env.now):
            now_s = self.env.now
            group.standing.acts.note(acts.TIMEOUT, now_s, now_s, target=self.name(part))
            self._again(part, "timed out")

    def _age(self, part: int) -> None:
        now_s, group, whom = self.env.now, self.group, self.name(part)
        n = retried.drop_old(group, part, now_s, self.mapping.given_up)
        assert n, "nothing was too old"
        group.standing.acts.note(acts.AGE, now_s, now_s, n, whom)
        self.say(f"{whom}: {count(n)} too old, given up")

    def _fail(self, part: int) -> None:
        """The function fails on a record."""
        group, mapping, now_s = self.group, self.mapping, self.env.now
        place = group.in_progress(part)
        bad, _ = group.poisoned.fails(place, part, self.lives[part])
        if bad.kills:
            self.lives[part] += 1
            self._again(part, "died")
        elif mapping.caught == "skip":
            group.standing.acts.note(acts.ATTEMPTS, now_s, now_s, target=self.name(part))
            group.pass_over(part, now_s, Fate.LOST_REJECTED)
        elif mapping.caught == "skip-batch":
            group.standing.acts.note(acts.ATTEMPTS, now_s, now_s, target=self.name(part))
            group.pass_batch_over(part, now_s, Fate.LOST_REJECTED)
        else:
            self._again(part, "failed", partly=mapping.reports)

    def _again(self, part: int, why: str, partly: bool = False) -> None:
        """A batch failed: hand it over again, in two, or no more; ``partly``: not all of it."""
        group, mapping, now_s = self.group, self.mapping, self.env.now
        p, low, high = retried.batch(group, part)
        whom = self.name(part)
        done = int(group.processed[p]) - low if partly else 0
        if done:
            retried.checkpoint(group, part, now_s)
            low += done
        if mapping.bisects and (done or high - low > 1):
            half = high - low if done else (high - low) // 2
            pieces = [half, high - low - half] if half < high - low else [half]
            self.say(f"{whom}: a batch of {high - low + done:,} {why}, split at {pieces[0]:,}")
            group.standing.acts.note(acts.RETRIES, now_s, now_s, target=whom)
            retried.rewind(group, part, now_s, now_s, pieces)
            return
        before, failures = self.tried[part]
        failures = failures + 1 if before == high else 1
        self.tried[part] = high, failures
        if 0 <= mapping.retries < failures:
            group.standing.acts.note(acts.ATTEMPTS, now_s, now_s, target=whom)
            self.say(f"{whom}: a batch of {high - low:,} {why} {_times(failures)}, given up")
            retried.give_up(group, part, now_s, mapping.given_up)
            return
        if failures == 1:
            self.say(f"{whom}: a batch of {high - low:,} {why}, and is tried again")
        first_s, most_s = mapping.backoff_s
        until_s = now_s + min(most_s, first_s * 2.0 ** min(failures - 1, 60))
        arrived_s = group.state.records.arrived_s
        if len(arrived_s):  # too old before it is tried again
            row = group.topic.log.start[p] + low
            until_s = max(now_s, min(until_s, arrived_s[row] + group.reading.max_age_s))
        group.standing.acts.note(acts.RETRIES, now_s, until_s, target=whom)
        retried.rewind(group, part, now_s, until_s, [high - low])

    # The faults' verbs.

    def crash(self, consumer: int) -> None:
        """Its environment dies: the batch in work fails, and Lambda starts another."""
        group, now_s = self.group, self.env.now
        self.lives[consumer] += 1
        group.state.members.resume_s[consumer] = -np.inf
        group.slow(consumer, now_s, 1.0)
        if group.working(consumer):
            self._again(consumer, "died")

    def terminate(self, consumer: int) -> None:
        """A batch in work is finished, and the next one is another environment's.

        Whoever waits for the end of the old one (a fault of several systems) need not wait.
        """
        self.leaving.add(consumer)
        self.lives[consumer] += 1
        self.group.slow(consumer, self.env.now, 1.0)

    def restart(self, consumer: int) -> None:
        """Nothing but that it counts as alive: Lambda has started another."""
        self.leaving.discard(consumer)

    def pause(self, consumer: int, for_s: float) -> None:
        """Freeze its environment."""
        self.group.pause(consumer, self.env.now, for_s)

    def slow(self, consumer: int, factor: float) -> None:
        """Multiply its service times, from now on."""
        self.group.slow(consumer, self.env.now, factor)

    def cut_off(self, consumer: int) -> None:
        """The part of its shard is not read; a batch in work goes on."""
        self.group.cut_off(consumer)

    def reconnect(self, consumer: int) -> None:
        """End of `cut_off`."""
        self.group.reconnect(consumer, self.env.now)
        self.ends.changed()

    def busy(self) -> int:
        """Functions at work."""
        return sum(self.group.working(part) for part in range(self.group.members))


def _times(n: int) -> str:
    return "once" if n == 1 else "twice" if n == 2 else f"{n:,} times"
