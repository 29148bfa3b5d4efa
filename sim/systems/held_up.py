"""Consumers that wait for the next stage of a pipeline: who they are in a system."""

import numpy as np

from sim.engine.held_up import Sends
from sim.engine.held_up_kernel import HeldUp
from sim.engine.outcome import Effects, GroupOutcome
from sim.engine.system import System
from sim.engine.waits import TimePart, Waits
from sim.foundation.arrays import F64, I32, I64
from sim.foundation.errors import LabError
from sim.log.group import Group
from sim.queue.broker import Broker


class Held:
    """A group whose consumers wait until the next stage has what they send."""

    def __init__(self, system: System, group: str, sends: Sends, messages: int) -> None:
        """
        Args:
            system: of which the group is one.
            group: its name.
            sends: until when its calls took, the last time.
            messages: of the system.
        """
        self.rows: I32 | None = getattr(system, "let_in", {}).get(group)
        """The messages that the group knows, ascending; None: all."""
        self.group = group
        self.held_up: HeldUp = sends.held_up(messages if self.rows is None else self.rows.size)
        stage = _stage_of(system, group)
        if isinstance(stage, Group):
            stage.state.records.keep_slowed()
            stage.state.records.sends = self.held_up
        else:
            stage.state.messages.sends = self.held_up

    def sent(self) -> tuple[Effects, I64]:
        """What it sent, in order of time, and which of its calls each was; of a run that ended.

        Messages are numbered as in its system. Who dies while it waits has sent it all the same.

        Raises:
            LabError: there were more calls than the lab can keep.
        """
        n, room = self.held_up.n, self.held_up.message.shape[0]
        if n > room:
            raise LabError(f"{self.group}: {n:,} calls, more than the lab can keep")
        called_s = np.asarray(self.held_up.called_s)[:n]
        message = np.asarray(self.held_up.message)[:n]
        if self.rows is not None:
            message = self.rows[message]
        order = np.argsort(called_s, kind="stable")
        return Effects(called_s[order], message[order]), order

    def held_s(self) -> F64:
        """[calls held up] how much longer each took than its trip, s; of those that were."""
        n = min(self.held_up.n, self.held_up.message.shape[0], self.held_up.until_s.shape[0])
        least_s = np.asarray(self.held_up.called_s)[:n] + np.asarray(self.held_up.trip_s)[:n]
        held_s = np.asarray(self.held_up.until_s)[:n] - least_s
        return held_s[held_s > 0.0]

    def waits(self, outcome: GroupOutcome) -> "BlockedWaits":
        """What its messages waited for, with what the next stage held them up apart."""
        assert outcome.waits is not None, "of every group it is known"
        blocked_s = np.asarray(self.held_up.blocked_s)
        if outcome.rows is not None and self.rows is None:
            blocked_s = blocked_s[outcome.rows]
        return BlockedWaits(outcome.waits, blocked_s)


class BlockedWaits:
    """The `sim.engine.waits.Waits` of a group that the next stage held up."""

    def __init__(self, whole: Waits, blocked_s: F64) -> None:
        self.whole = whole
        """In which that is `TimePart.SLOWED`."""
        self.blocked_s = blocked_s
        """[messages] before its first effect, s."""

    def parts_s(self, first: int, last: int) -> F64:
        """As `sim.engine.waits.Waits.parts_s`."""
        parts_s = np.ascontiguousarray(self.whole.parts_s(first, last))
        blocked_s = self.blocked_s[first:last]
        parts_s[TimePart.SLOWED] -= blocked_s
        parts_s[TimePart.BLOCKED] += blocked_s
        return parts_s


def _stage_of(system: System, group: str) -> Group | Broker:
    for stages in (getattr(system, "groups", {}), getattr(system, "queues", {})):
        if group in stages:
            stage = stages[group]
            assert isinstance(stage, Group | Broker), "the fast kernel waits for nobody"
            return stage
    raise AssertionError(f"{group} is not there")
