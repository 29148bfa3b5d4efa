"""Workers that share out the shards of a stream by leases, as the Kinesis Client Library 2 does.

Nothing stops for everybody: a worker looks at the table of leases now and then, and takes those
that nobody has renewed, or steals from a worker with more. It sees only whether a lease's counter
has moved since it looked last, so it takes two looks to tell that an owner is dead
(`DynamoDBLeaseTaker`). Whoever takes a lease reads on from the last checkpoint.

Of a stream that is resharded (KN-13), the worker that reads a parent to its end puts leases of its
children into the table (`ShutdownTask`), at TRIM_HORIZON whatever the application begins with. They
have no owner. Whoever looks first takes all of them, for a lease that was never renewed counts as
very old, and is taken without regard to the target (`computeLeasesToTake`): the others then steal
theirs one by one. A child of two parents waits for both, and looks every 10 s whether they have
ended (`BlockOnParentShardTask`). The lease of a shard that has ended is renewed like others, counts
as one, and is deleted at its owner's five-minute checks once all children are being read
(`LeaseCleanupManager`).

A shard's record processor is a member of a `Group` that reads this shard alone, whichever worker
runs it. Left out: the processor of a worker that lost its lease stops at once, where the library
would let it finish its batch; renewals are continuous, where the library renews three times in
``failoverTimeMillis``.
"""

from collections.abc import Callable
from math import ceil, ulp

import numpy as np
import simpy

from sim.engine.environment import Steps
from sim.engine.outcome import Fate
from sim.foundation.arrays import F64, Bools
from sim.log import acts
from sim.log.group import Group
from sim.log.group_fleet import GroupFleet
from sim.log.kinesis_ends import ShardEnds
from sim.log.kinesis_lineage import Lineage
from sim.log.standing import NO_OWNER

EPSILON_S = 0.025
"""What the library adds to the failover time (LeaseManagementConfig.epsilonMillis)."""
LOOK_AT_PARENTS_S = 10.0
"""From one look whether parents have ended to the next
(CoordinatorConfig.parentShardPollIntervalMillis)."""
CLEAN_UP_S = 300.0
"""From one look whether leases of ended shards can go to the next
(LeaseCleanupConfig.completedLeaseCleanupIntervalMillis)."""
_NOBODY = -(1 << 60)
"""Owner of a lease that nobody has taken yet."""


class Leases(GroupFleet):
    """The workers of one application, as faults see them; they act at the present time."""

    def __init__(
        self,
        env: simpy.Environment,
        group: Group,
        workers: int,
        places: int,
        *,
        failover_s: float,
        most_stolen: int,
        rng: np.random.Generator,
        on_failure: str,
        retry_s: float,
        say: Callable[[str], None],
        lineage: Lineage | None = None,
        seen_s: F64 | None = None,
    ) -> None:
        """
        Args:
            env: clock; the group is a stage of it.
            group: a member for each shard. At first the workers share those that are open evenly.
            workers: worker processes at first.
            places: worker processes that there can ever be.
            failover_s: failoverTimeMillis, in s.
            most_stolen: maxLeasesToStealAtOneTime.
            rng: when each worker first looks, and what it chooses.
            on_failure: what comes of a record on which a processor fails: it is skipped (skip), it
                and the rest of its batch are (skip-batch), or it is tried again (retry).
            retry_s: between two tries, s.
            say: takes a line for the timeline.
            lineage: the shards; None: as many as there are members, and they stay.
            seen_s: [shards] when whoever reads a shard all along learns that it is closed, s;
                None: none is.
        """
        shards = group.members
        self.lineage = Lineage(shards) if lineage is None else lineage
        first = self.lineage.first
        super().__init__(env, group, places, say)
        self.failover_s = failover_s
        self.most_stolen = most_stolen
        self.rng = rng
        self.on_failure = on_failure
        self.retry_s = retry_s
        self.up = [worker < workers for worker in range(places)]
        self.factor = [1.0] * places
        self.resume_s = [-np.inf] * places
        self.cut: set[int] = set()
        """Workers that are cut off."""
        self.ending: set[int] = set()
        """Workers that were sent SIGTERM and still have batches to finish."""
        self.owner = [shard % workers for shard in range(first)] + [_NOBODY] * (shards - first)
        self.listed = list(range(first))
        """The shards whose leases are in the table, ascending."""
        self.counter_s = [0.0] * shards
        """[shards] Since when the counter of a lease without a renewing owner has stood still."""
        self.taken = [0] * shards
        """[shards] how often its lease was taken."""
        none_s = np.full(shards, np.inf)
        self.ends = ShardEnds(
            env, group, self.lineage, none_s if seen_s is None else seen_s, 1, self._ended
        )
        group.after_stop = self._after_stop
        for shard in range(first):
            group.reassign(shard, [shard], env.now)
        for worker in range(workers):
            first_s = float(rng.uniform(0.0, self.look_every_s))
            self._run(worker, first_s)

    def _run(self, worker: int, first_s: float) -> None:
        """Have the process of a worker look at the table now and then."""
        self.env.process(self._look_now_and_then(worker, first_s))
        if self.lineage.changes:
            self.env.process(self._clean_up_now_and_then(worker))

    @property
    def useful(self) -> int | None:
        """Shards: of more workers, some have nothing to do."""
        return len(set(self.listed) - self.ends.over)

    @property
    def look_every_s(self) -> float:
        """From one look of a worker at the table to its next, s."""
        return 2.0 * (self.failover_s + EPSILON_S)

    def alive(self, worker: int) -> bool:
        """Whether the process of a worker runs (paused counts)."""
        return self.up[worker]

    def leases(self, worker: int) -> list[int]:
        """The shards that a worker owns."""
        return [shard for shard, owner in enumerate(self.owner) if owner == worker]

    def _renewing(self, worker: int) -> bool:
        """Whether it renews its leases now; processes that have been replaced are negative."""
        return (
            worker >= 0
            and self.up[worker]
            and worker not in self.cut
            and self.resume_s[worker] <= self.env.now
        )

    def _look_now_and_then(self, worker: int, first_s: float) -> Steps:
        life = self.lives[worker]
        seen: dict[int, tuple[float, float]] = {}
        yield self.env.timeout(first_s)
        while self.lives[worker] == life and self.up[worker] and worker not in self.ending:
            if self.resume_s[worker] > self.env.now:
                yield self.env.timeout(self.resume_s[worker] - self.env.now)
                continue
            if worker not in self.cut:
                self._look(worker, seen)
            yield self.env.timeout(self.look_every_s)

    def _look(self, worker: int, seen: dict[int, tuple[float, float]]) -> None:
        """Take or steal leases; ``seen``: by shard its counter, and when that was new."""
        now = self.env.now
        new = [shard for shard in self.listed if self.owner[shard] == _NOBODY]
        for shard in self.rng.permutation(new) if new else ():
            created_s = self.counter_s[int(shard)]
            self.group.standing.acts.note(acts.CHILDREN, created_s, now, target=f"shard {shard}")
            self._take(worker, int(shard), ", a child of one that has ended")
        available = []
        for shard in self.listed:
            owner = self.owner[shard]
            counter_s = now if self._renewing(owner) else self.counter_s[shard]
            before = seen.get(shard)
            new_s = before[1] if before is not None and before[0] == counter_s else now
            seen[shard] = counter_s, new_s
            if now - new_s > self.failover_s:
                available.append(shard)
        if new:
            return
        held = dict.fromkeys({*self.owner, worker}, 0)
        free = set(available)
        for shard in self.listed:
            held[self.owner[shard]] += shard not in free
        held = {other: n for other, n in held.items() if n > 0 or other == worker}
        target = max(1, ceil(len(self.listed) / len(held)))
        needed = target - held[worker]
        if needed <= 0:
            return
        if available:
            for shard in self.rng.permutation(available)[:needed]:
                self._take(worker, int(shard), "")
            return
        richest = max(held, key=lambda other: (held[other], -other))
        over = held[richest] - target
        n = min(needed, over) if over > 0 else int(over == 0 and needed > 1)
        for shard in self.rng.permutation(self.leases(richest))[: min(n, self.most_stolen)]:
            whose = f" from worker {richest}" if richest >= 0 else ", which nobody had"
            self._take(worker, int(shard), whose)

    def _take(self, worker: int, shard: int, whence: str) -> None:
        group, now = self.group, self.env.now
        if not whence:
            stood_s, target = self.counter_s[shard], f"shard {shard}"
            group.standing.acts.note(acts.TAKEOVER, stood_s, now, target=target)
        self.owner[shard] = worker
        self.taken[shard] += 1
        self.say(f"worker {worker} took shard {shard}{whence}")
        if shard in self.ends.over:
            return
        group.crash(shard, now)
        if self.ends.may_begin(shard):
            self._begin(worker, shard)
        else:
            self.env.process(self._begin_after_parents(worker, shard))

    def _begin(self, worker: int, shard: int) -> None:
        """A worker reads a shard from its checkpoint on."""
        group, now = self.group, self.env.now
        group.start(shard, now)
        group.reconnect(shard, now)
        group.reassign(shard, [shard], now)
        if self.factor[worker] != 1.0:
            group.slow(shard, now, self.factor[worker])
        self.ends.changed()

    def _begin_after_parents(self, worker: int, shard: int) -> Steps:
        taken = self.taken[shard]
        while not self.ends.may_begin(shard) or not self._renewing(worker):
            yield self.env.timeout(LOOK_AT_PARENTS_S)
            if self.taken[shard] != taken or self.owner[shard] != worker or not self.up[worker]:
                return
        self._begin(worker, shard)

    def _ended(self, shard: int) -> None:
        """Its worker has read a shard to the end: leases of its children are put into the table."""
        self.say(f"shard {shard} was closed, and is read to its end")
        for child in self.lineage.children(shard):
            if child not in self.listed:
                self.listed = sorted([*self.listed, child])
                self.counter_s[child] = self.env.now
            if self.ends.may_begin(child):
                self.group.standing.becomes(child, NO_OWNER, self.env.now)

    def _clean_up_now_and_then(self, worker: int) -> Steps:
        """Delete leases of ended shards whose children have all been read from."""
        life = self.lives[worker]
        while True:
            yield self.env.timeout(CLEAN_UP_S)
            if self.lives[worker] != life or not self.up[worker]:
                return
            if not self._renewing(worker):
                continue
            for shard in self.ends.over.intersection(self.leases(worker)):
                if all(self.group.committed[p] > 0 for p in self.lineage.children(shard)):
                    self.listed.remove(shard)
                    self.owner[shard] = _NOBODY

    def orphans(self) -> Bools:
        """As in `GroupFleet`; shards that have ended or are not open yet need no reader."""
        out = super().orphans()
        out[self.ends.not_there()] = False
        return out

    def _stop(self, worker: int) -> None:
        """The process is gone: its leases are renewed no more."""
        for shard in self.leases(worker):
            if self._renewing(worker):
                self.counter_s[shard] = self.env.now
            self.group.crash(shard, self.env.now)
        self.up[worker] = False
        self.cut.discard(worker)
        self.ending.discard(worker)
        self.lives[worker] += 1

    def crash(self, worker: int) -> None:
        """SIGKILL: its shards wait until somebody has seen twice that nobody renews them."""
        if self.up[worker]:
            self._stop(worker)

    def _after_stop(self) -> None:
        """What the group stopped for: processors that have failed on a record.

        An exception is absorbed, and the batch is not handed over again ("records are skipped" in
        https://docs.aws.amazon.com/streams/latest/dev/troubleshooting-consumers.html).
        """
        group, now = self.group, self.env.now
        for shard in group.failed():
            if not group.alive(shard):  # another shard of its worker has just killed the process
                continue
            worker = self.owner[shard]
            bad, failures = group.poisoned.fails(
                group.in_progress(shard), shard, self.lives[worker]
            )
            if bad.kills:
                self.say(f"worker {worker} killed by a record")
                self._stop(worker)
                if bad.restart_after_s < np.inf:
                    self.env.process(self._restart_after(worker, bad.restart_after_s))
                continue
            if self.on_failure == "retry":
                until_s, whom = now + self.retry_s, f"shard {shard}"
                group.standing.acts.note(acts.RETRIES, now, until_s, target=whom)
                if failures == 1:
                    self.say(f"worker {worker} failed on a record, and tries it again")
                group.give_back(shard, now, self.retry_s)
                continue
            group.standing.acts.note(acts.ATTEMPTS, now, now, target=f"shard {shard}")
            if self.on_failure == "skip-batch":
                self.say(f"worker {worker} skipped a batch from a record on")
                group.pass_batch_over(shard, now, Fate.LOST_REJECTED)
            else:
                self.say(f"worker {worker} skipped a record")
                group.pass_over(shard, now, Fate.LOST_REJECTED)

    def terminate(self, worker: int) -> None:
        """SIGTERM: it finishes its batches and checkpoints; its leases still have to run out.

        It takes no more leases: the library stops its taker first
        (`Scheduler.createWorkerShutdownCallable`).
        """
        if self.up[worker] and worker not in self.ending:
            self.ending.add(worker)
            self.env.process(self._finish(worker))

    def _finish(self, worker: int) -> Steps:
        group, life = self.group, self.lives[worker]
        for shard in self.leases(worker):
            group.hold(shard, self.env.now)
        while self.lives[worker] == life:
            busy = [
                shard
                for shard in self.leases(worker)
                if group.alive(shard) and not group.held(shard)
            ]
            if not busy:
                self._stop(worker)
                return
            free_s = max(group.free_s(shard) for shard in busy)
            yield self.env.timeout(max(free_s - self.env.now, ulp(self.env.now)))

    def restart(self, worker: int) -> None:
        """A new process: it looks at once, and steals one lease at each look from who has most."""
        if self.up[worker]:
            return
        self.up[worker] = True
        self.factor[worker] = 1.0
        self.resume_s[worker] = -np.inf
        # A new process is a new worker to the others: the leases of the old one are not its own.
        for shard in self.leases(worker):
            self.owner[shard] = -1 - worker
        self._run(worker, 0.0)

    def pause(self, worker: int, for_s: float) -> None:
        """Stop the whole process: it renews nothing, and can lose its leases."""
        if not self.up[worker]:
            return
        for shard in self.leases(worker):
            if self._renewing(worker):
                self.counter_s[shard] = self.env.now
            self.group.pause(shard, self.env.now, for_s)
        self.resume_s[worker] = max(self.resume_s[worker], self.env.now + for_s)

    def slow(self, worker: int, factor: float) -> None:
        """Multiply its service times, from now on, also of shards that it takes later."""
        if not self.up[worker]:
            return
        self.factor[worker] = factor
        for shard in self.leases(worker):
            self.group.slow(shard, self.env.now, factor)

    def cut_off(self, worker: int) -> None:
        """It neither reads, checkpoints nor renews; it goes on with what it has in hand."""
        if not self.up[worker] or worker in self.cut:
            return
        for shard in self.leases(worker):
            if self._renewing(worker):
                self.counter_s[shard] = self.env.now
            self.group.cut_off(shard)
        self.cut.add(worker)

    def reconnect(self, worker: int) -> None:
        """End of `cut_off`: it renews what nobody has taken."""
        if worker not in self.cut:
            return
        self.cut.remove(worker)
        for shard in self.leases(worker):
            self.group.reconnect(shard, self.env.now)
        self.ends.changed()

    def busy(self) -> int:
        """Workers with a shard on which they are at work."""
        group = self.group
        return len({self.owner[m] for m in range(group.members) if group.working(m)})
