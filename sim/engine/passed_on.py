"""What one stage of a pipeline hands to the next: its effects, as messages."""

from dataclasses import dataclass, replace

import numpy as np

from sim.engine.outcome import Effects, GroupOutcome
from sim.foundation.arrays import F64, I32
from sim.traffic.messages import Messages


@dataclass(frozen=True)
class PassedOn:
    """The messages that a stage is given, and what they come from."""

    messages: Messages
    origin: I32
    """[messages] the message of the workload that each comes from, after all stages before."""
    begun_s: F64
    """[messages of the workload] when each was created, s."""

    @classmethod
    def first(cls, messages: Messages) -> "PassedOn":
        """The messages of the workload itself."""
        return cls(messages, np.arange(len(messages), dtype=np.int32), messages.created_s)


def effects_of(outcome: GroupOutcome) -> Effects:
    """Every effect of a group, in order of time; messages are numbered as in its system."""
    its = outcome.history
    if its is None:
        everyone = np.arange(outcome.done_s.size, dtype=np.int32)
        none = np.zeros(0, np.int32)
        its = Effects.of(outcome.done_s, everyone, np.zeros(0), none)
    assert its.at_s.size == outcome.effects.sum(dtype=np.int64), "not every effect is known"
    message = its.message if outcome.rows is None else outcome.rows[its.message]
    return Effects(its.at_s, message.astype(np.int32))


def passed_on(given: PassedOn, effects: Effects, size_bytes: int | None = None) -> PassedOn:
    """What a group of a stage hands on: a message for each of its effects.

    Args:
        given: what the stage was given.
        effects: of the group, each when what comes of it is sent.
        size_bytes: of each message; None: of that which it comes from.
    """
    messages = given.messages
    ends_s = max(messages.duration_s, float(effects.at_s.max(initial=0.0)))
    its = replace(messages.only(effects.message), created_s=effects.at_s, duration_s=ends_s)
    if size_bytes is not None:
        its = replace(its, size_bytes=np.array([size_bytes], np.int32))
    return PassedOn(its, given.origin[effects.message], given.begun_s)
