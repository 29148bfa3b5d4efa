"""A consumer group reading a topic: its members' poll loops, and what can happen to a member."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sim.kernels import log as k
from sim.log.runs import Runs
from sim.log.topic import Topic


class Group:
    """Stage of the data plane: members poll, process and commit as time goes on.

    The verbs (`crash`, `pause`, …) act at the time to which the stage was last advanced.
    """

    def __init__(
        self,
        topic: Topic,
        service_s: NDArray[np.float32],
        members: int,
        reading: k.Reading,
        grid_s: NDArray[np.float64],
        keep_repeats: int = 0,
        committed: bool = True,
    ) -> None:
        """
        Args:
            topic: what the group reads.
            service_s: [messages] work that each message takes, s.
            members: single-threaded consumers; those beyond the partitions stay idle (KC-01).
            reading: how they poll and commit.
            grid_s: [grid] ascending times at which offsets are sampled.
            keep_repeats: how many times of repeated processing to keep (of the first, all are).
            committed: whether the group has committed offset 0 before; if not, it begins where
                auto.offset.reset says (KB-10).
        """
        partitions = topic.log.end.size
        n = topic.log.message.size
        self.topic = topic
        self.service_s: NDArray[np.float32] | None = service_s
        self.reading = reading
        self.gathered = np.zeros(partitions, np.int64)
        begins = np.full(partitions, 0 if committed else k.NOWHERE, np.int64)
        self.runs = Runs(begins)
        self.followed = 0
        """Jumps of positions that `runs` knows of."""
        self.state = k.Group(
            phase=np.full(members, k.POLL, np.int64),
            hold=np.zeros(members, np.int64),
            now_s=np.zeros(members),
            end_s=np.zeros(members),
            factor=np.ones(members),
            resume_s=np.full(members, -np.inf),
            next_commit_s=np.full(members, max(reading.auto_commit_s, 0.0)),
            turn=np.zeros(members, np.int64),
            fetched=np.zeros(members, np.int64),
            first=np.zeros(members, np.int64),
            at=np.zeros(members, np.int64),
            assigned=np.zeros((members, partitions), np.int64),
            assigned_n=np.zeros(members, np.int64),
            processed=begins.copy(),
            position=begins.copy(),
            committed=begins.copy(),
            commit_s=np.full(partitions, -np.inf),
            scan=np.zeros(partitions, np.int64),
            astray=np.zeros(members, np.int64),
            sought=np.full(partitions, k.NOWHERE, np.int64),
            service_s=np.zeros(n, np.float32),
            effects=np.zeros(n, np.uint16),
            done_s=np.full(n, np.inf),
            grid_s=grid_s,
            grid_committed=np.zeros((grid_s.size, partitions), np.int64),
            grid_position=np.zeros((grid_s.size, partitions), np.int64),
            grid_commit_s=np.zeros((grid_s.size, partitions)),
            grid_next=np.zeros((3, partitions), np.int64),
            counts=np.zeros(4, np.int64),
            again_row=np.zeros(keep_repeats, np.int32),
            again_s=np.zeros(keep_repeats),
            jumps=np.zeros((partitions, 5), np.int64),
            jump_s=np.zeros(partitions),
            jumped=np.zeros(1, np.int64),
        )

    @property
    def members(self) -> int:
        """Consumers of the group, alive or not."""
        return self.state.phase.size

    def advance(self, until_s: float) -> None:
        """Carry every member to ``until_s``."""
        if self.service_s is not None:
            k.gather(self.topic.log, self.gathered, self.service_s, self.state.service_s)
            if self.gathered.sum() == self.topic.log.message.size:
                self.service_s = None  # of a hundred million messages, it is 400 MB
        self._make_room()
        k.consume(until_s, self.topic.log, self.state, self.reading)

    def assign(self, partitions_of: Sequence[Sequence[int]], at_s: float) -> None:
        """Give each member its partitions; all are read from their committed offsets (KC-11)."""
        s = self.state
        k.finish_samples(s, at_s)
        self._place(np.arange(s.position.size), s.committed)
        for m, partitions in enumerate(partitions_of):
            s.assigned[m, : len(partitions)] = partitions
            s.assigned_n[m] = len(partitions)
            s.turn[m] = s.fetched[m] = 0
            s.hold[m] = 0
            if s.phase[m] == k.HELD:
                s.phase[m] = k.POLL
                s.now_s[m] = max(at_s, s.resume_s[m])
                s.next_commit_s[m] = at_s + max(self.reading.auto_commit_s, 0.0)
        self._look()

    def _place(self, partitions: NDArray[np.int64], offsets: NDArray[np.int64]) -> None:
        """Have ``partitions`` be read from ``offsets`` on."""
        s = self.state
        self._follow_jumps()
        self.runs.close(partitions, s.position[partitions], offsets)
        s.processed[partitions] = offsets
        s.position[partitions] = offsets

    def _follow_jumps(self) -> None:
        s = self.state
        for p, position, to in s.jumps[self.followed : s.jumped[0], :3]:
            self.runs.close([p], position, to)
        self.followed = int(s.jumped[0])

    def _make_room(self) -> None:
        """Between two control events, each partition's position jumps at most once."""
        s = self.state
        room, needed = s.jump_s.size, int(s.jumped[0]) + s.position.size
        if needed > room:
            jumps, jump_s = np.zeros((2 * needed, s.jumps.shape[1]), np.int64), np.zeros(2 * needed)
            jumps[:room], jump_s[:room] = s.jumps, s.jump_s
            self.state = s._replace(jumps=jumps, jump_s=jump_s)

    def _look(self, at_s: float | None = None) -> None:
        """Have members look where to go on, if a partition of theirs is sought or not in the log.

        ``at_s``: when it became so; those that wait for records ask again then.
        """
        s = self.state
        stray = (s.sought != k.NOWHERE) | (s.position < self.topic.log.first)
        if not stray.any():
            return
        for m in range(self.members):
            s.astray[m] = stray[s.assigned[m, : s.assigned_n[m]]].any()
            if at_s is not None and s.astray[m] and s.phase[m] == k.POLL:
                s.now_s[m] = max(s.now_s[m], at_s)

    def deleted(self, at_s: float) -> None:
        """Take notice that records were deleted from the log (KB-09)."""
        self._look(at_s)

    def seek(self, offsets: NDArray[np.int64], at_s: float) -> None:
        """Have every partition be read from another offset, from its owner's next poll on.

        The offset is committed then, too: it is the one way in which committed offsets move back.
        ``offsets`` [partitions]; `k.BEGINNING` and `k.END` as they are then.
        """
        self.state.sought[:] = offsets
        self._look(at_s)

    def hold(self, m: int, at_s: float) -> None:
        """Have member ``m`` join the rebalance at its next poll: now, if it is waiting in one."""
        s = self.state
        if s.phase[m] == k.OFF:
            return
        s.hold[m] = 1
        if s.phase[m] == k.POLL:
            s.now_s[m] = max(s.now_s[m], at_s)
            if s.now_s[m] <= at_s:
                if self.reading.auto_commit_s >= 0.0:
                    k.commit(s, m, at_s)
                s.phase[m] = k.HELD

    def held(self, m: int) -> bool:
        """Whether member ``m`` has stopped for the rebalance."""
        return bool(self.state.phase[m] == k.HELD)

    def free_s(self, m: int) -> float:
        """When member ``m`` will next poll, if nothing changes, s."""
        return float(k.batch_end_s(self.topic.log, self.state, self.reading, m))

    def alive(self, m: int) -> bool:
        """Whether the process of member ``m`` runs (paused counts)."""
        return bool(self.state.phase[m] != k.OFF)

    def backlog(self, now_s: float) -> int:
        """Records in the log and not committed."""
        return int((self.topic.readable(now_s) - np.maximum(self.state.committed, 0)).sum())

    def age_s(self, now_s: float) -> float:
        """Time since the oldest of these could be read, s; 0 if there is none."""
        log = self.topic.log
        committed = np.maximum(self.state.committed, log.first)
        waits = np.flatnonzero(self.topic.readable(now_s) > committed)
        oldest_s = log.visible_s[log.start[waits] + committed[waits]].min(initial=now_s)
        return float(now_s - oldest_s)

    def busy(self, now_s: float) -> int:
        """Members that are at work on a record."""
        return sum(self.working(m, now_s) for m in range(self.members))

    def working(self, m: int, now_s: float) -> bool:
        """Whether member ``m`` is at work on a record."""
        return bool(self.state.phase[m] == k.WORK and self.state.resume_s[m] <= now_s)

    def crash(self, m: int, at_s: float) -> None:
        """SIGKILL: nothing more is processed or committed; a commit under way is lost."""
        self.state.phase[m] = k.OFF
        self.state.hold[m] = 0

    def join(self, m: int, at_s: float) -> None:
        """A new process takes the place of member ``m`` and waits for partitions."""
        s = self.state
        s.phase[m] = k.HELD
        s.now_s[m] = at_s
        s.assigned_n[m] = 0
        s.factor[m] = 1.0
        s.resume_s[m] = -np.inf

    def take(self, m: int, partitions: Sequence[int], at_s: float) -> None:
        """Have member ``m`` read these partitions from their committed offsets; nobody else may."""
        s = self.state
        k.finish_samples(s, at_s)
        self._place(np.asarray(partitions), s.committed[list(partitions)])
        s.assigned[m, : len(partitions)] = partitions
        s.assigned_n[m] = len(partitions)
        s.turn[m] = s.fetched[m] = s.hold[m] = 0
        s.phase[m] = k.POLL
        s.now_s[m] = at_s

    def pause(self, m: int, at_s: float, for_s: float) -> None:
        """Stop the whole process (a GC pause); pauses that overlap end with the last."""
        s = self.state
        resume = max(s.resume_s[m], at_s + for_s)
        shift = resume - max(at_s, s.resume_s[m])
        s.resume_s[m] = resume
        if s.phase[m] == k.WORK:
            s.end_s[m] += shift
        elif s.phase[m] == k.POLL:
            s.now_s[m] = max(s.now_s[m], resume)

    def slow(self, m: int, at_s: float, factor: float) -> None:
        """Make member ``m`` take ``factor`` times its service times, from now on."""
        s = self.state
        if s.phase[m] == k.WORK:
            running_from = max(at_s, s.resume_s[m])
            s.end_s[m] = running_from + (s.end_s[m] - running_from) * (factor / s.factor[m])
        s.factor[m] = factor

    def settled(self) -> int:
        """Records before the committed offsets, or skipped and nothing handed over since."""
        s = self.state
        jumps = s.jumps[: s.jumped[0]]
        skipped = np.zeros_like(s.committed)
        skipped[jumps[:, 0]] = jumps[:, 2]
        done = np.where(s.position == skipped, skipped, s.committed)
        return int(np.maximum(done, 0).sum())

    def finish(self, until_s: float) -> None:
        """Complete the samples; call once, at the end."""
        k.finish_samples(self.state, until_s)
        self._follow_jumps()
        position = self.state.position
        self.runs.close(np.arange(position.size), position, position)
