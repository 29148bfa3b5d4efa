"""Workers that share out the shards of a stream by leases, as the Kinesis Client Library 2 does.

Nothing stops for everybody: a worker looks at the table of leases now and then, and takes those
that nobody has renewed, or steals from a worker with more. It sees only whether a lease's counter
has moved since it looked last, so it takes two looks to tell that an owner is dead
(`DynamoDBLeaseTaker`). Whoever takes a lease reads on from the last checkpoint.

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
from sim.log import acts
from sim.log.group import Group
from sim.log.group_fleet import GroupFleet

EPSILON_S = 0.025
"""What the library adds to the failover time (LeaseManagementConfig.epsilonMillis)."""


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
    ) -> None:
        """
        Args:
            env: clock; the group is a stage of it.
            group: a member for each shard. At first the workers share them evenly.
            workers: worker processes at first.
            places: worker processes that there can ever be.
            failover_s: failoverTimeMillis, in s.
            most_stolen: maxLeasesToStealAtOneTime.
            rng: when each worker first looks, and what it chooses.
            on_failure: what comes of a record on which a processor fails: it is skipped (skip), it
                and the rest of its batch are (skip-batch), or it is tried again (retry).
            retry_s: between two tries, s.
            say: takes a line for the timeline.
        """
        shards = group.members
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
        self.owner = [shard % workers for shard in range(shards)]
        self.counter_s = [0.0] * shards
        """[shards] Since when the counter of a lease without a renewing owner has stood still."""
        group.after_stop = self._after_stop
        for shard in range(shards):
            group.reassign(shard, [shard], env.now)
        for worker in range(workers):
            first_s = float(rng.uniform(0.0, self.look_every_s))
            env.process(self._look_now_and_then(worker, first_s))

    @property
    def useful(self) -> int | None:
        """Shards: of more workers, some have nothing to do."""
        return self.group.members

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
        seen: dict[int, tuple[int, float, float]] = {}
        yield self.env.timeout(first_s)
        while self.lives[worker] == life and self.up[worker] and worker not in self.ending:
            if self.resume_s[worker] > self.env.now:
                yield self.env.timeout(self.resume_s[worker] - self.env.now)
                continue
            if worker not in self.cut:
                self._look(worker, seen)
            yield self.env.timeout(self.look_every_s)

    def _look(self, worker: int, seen: dict[int, tuple[int, float, float]]) -> None:
        """Take or steal leases; ``seen``: by shard its owner, counter, and when that was new."""
        now = self.env.now
        available = []
        for shard, owner in enumerate(self.owner):
            counter_s = now if self._renewing(owner) else self.counter_s[shard]
            before = seen.get(shard)
            same = before is not None and before[:2] == (owner, counter_s)
            new_s = before[2] if same and before is not None else now
            seen[shard] = (owner, counter_s, new_s)
            if now - new_s > self.failover_s:
                available.append(shard)
        held = dict.fromkeys({*self.owner, worker}, 0)
        free = set(available)
        for shard, owner in enumerate(self.owner):
            held[owner] += shard not in free
        held = {other: n for other, n in held.items() if n > 0 or other == worker}
        target = max(1, ceil(len(self.owner) / len(held)))
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
        group.crash(shard, now)
        group.start(shard, now)
        group.reconnect(shard, now)
        group.reassign(shard, [shard], now)
        if self.factor[worker] != 1.0:
            group.slow(shard, now, self.factor[worker])
        self.say(f"worker {worker} took shard {shard}{whence}")

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
            busy = [shard for shard in self.leases(worker) if not group.held(shard)]
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
        self.env.process(self._look_now_and_then(worker, 0.0))

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

    def busy(self) -> int:
        """Workers with a shard on which they are at work."""
        group = self.group
        return len({self.owner[m] for m in range(group.members) if group.working(m)})
