"""A group's kernel at work, piece by piece, and whether the group gets on."""

import numpy as np

from sim.engine import pieces
from sim.engine.pace import STEPS, StagePace
from sim.log import group_kernel as kernel
from sim.log import group_state as k
from sim.log.group_state_kernel import GroupState


class GroupPace:
    """Calls the kernel until it is done.

    Between two calls Ctrl+C is heard, and a group that stands still is a StandstillError.
    """

    def __init__(self, messages: int) -> None:
        """``messages``: that the group is to read."""
        self.pace = StagePace("a consumer group", messages)

    def advance(self, group: GroupState, from_s: float, until_s: float) -> None:
        """`sim.log.group_kernel.advance`, to its end."""
        group.idle.make_room()
        while kernel.advance(group, from_s, until_s, STEPS) == pieces.GOES_ON:
            self._look(group)
            group.idle.make_room()

    def consume(self, group: GroupState, until_s: float) -> None:
        """`sim.log.group_kernel.consume`, to its end."""
        while kernel.consume(group, until_s, STEPS) == pieces.GOES_ON:
            self._look(group)

    def _look(self, group: GroupState) -> None:
        """Look at the member that is being advanced."""
        members, m = group.members, group.carried
        now_s = members.end_s[m] if members.phase[m] == k.WORK else members.now_s[m]
        done = (m, group.processed, members.next_commit_s[m])
        self.pace.look(now_s, done, lambda: _doing(group, m))


def _doing(group: GroupState, m: int) -> str:
    """What member ``m`` does, for people."""
    members = group.members
    own = np.asarray(members.assigned)[m, : members.assigned_n[m]]
    doing = {k.POLL: "polls", k.WORK: "works", k.COMMIT: "commits"}.get(members.phase[m], "waits")
    offsets = np.asarray(group.offsets.position)[own].tolist()
    return f"member {m} {doing}; it reads partitions {own.tolist()}, and is at offsets {offsets}"
