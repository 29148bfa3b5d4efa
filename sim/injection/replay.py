"""Wrong results: what a bug spoils, and what a seek back puts right or finds gone.

While a group has a bug, whatever it processes has a wrong effect. The last effect of a message is
the one that stays: reading the message again, without the bug, puts it right.
"""

from dataclasses import dataclass, field

import numpy as np

from sim.engine.outcome import Effects
from sim.engine.system import Setup
from sim.engine.waits import Limit
from sim.scenario.faults.groups import BugFault, SeekFault

REPEATS = 1 << 16
"""Repeats of effects that are kept beyond one for each message, and one more for each seek."""


@dataclass
class Replay:
    """What happened to one group, as faults write it down."""

    buggy_s: list[tuple[float, float]] = field(default_factory=list)
    """(from, until) of its bugs, s."""
    gone: int = 0
    """Messages that a seek asked for and that had been deleted, over all its seeks."""
    without_reader_s: float = np.nan
    """Time without a reader, over all partitions, s; NaN: there are none, or no faults."""
    longest_without_reader_s: float = np.nan
    """The longest of any partition, s."""
    last_seek_s: float = -np.inf
    """The last of its seeks at a known time."""
    limits: dict[tuple[str, str], Limit] = field(default_factory=dict)
    """Of those that operate it, by key and path: an autoscaler's."""

    def acts(self, limit: Limit) -> None:
        """Note that a limit acted, again perhaps."""
        place = limit.key, limit.path
        if (before := self.limits.get(place)) is not None:
            limit = limit._replace(times=before.times + limit.times, first_s=before.first_s)
        self.limits[place] = limit


@dataclass(frozen=True)
class Righted:
    """Messages with a wrong effect, by their last one."""

    wrong: int
    """It is wrong."""
    right: int
    """It is right: they were processed again."""


def repeats_kept(setup: Setup, group: str) -> int:
    """How many times of repeated processing a group's kernel has to keep: 0 if nobody asks.

    Args:
        setup: of the system, with the messages that the group is given.
        group: name.
    """
    scenario, system = setup.scenario, setup.name
    its = [
        fault
        for fault in scenario.faults
        if isinstance(fault, BugFault | SeekFault) and fault.strikes_group(system, group)
    ]
    seeks = sum(isinstance(fault, SeekFault) for fault in its)
    alone = not scenario.pipeline  # the table `pipeline` counts what each group does twice
    if scenario.systems[system].readers[group].ledger is None and len(its) == seeks and alone:
        return 0
    return len(setup.messages) * (1 + seeks) + REPEATS


def seeks_of(setup: Setup, group: str) -> list[SeekFault]:
    """The seeks that strike a group of a system, or may."""
    return [
        fault
        for fault in setup.scenario.faults
        if isinstance(fault, SeekFault) and fault.strikes_group(setup.name, group)
    ]


def righted(effects: Effects | None, replay: Replay) -> Righted:
    """Count the messages that bugs spoilt.

    Args:
        effects: every effect of the group; None only if it had no bug.
        replay: when it had.
    """
    if not replay.buggy_s:
        return Righted(0, 0)
    assert effects is not None, "the effects of a group with a bug are kept"
    wrong = np.zeros(effects.at_s.size, np.bool_)
    for from_s, until_s in replay.buggy_s:
        first, last = np.searchsorted(effects.at_s, [from_s, until_s])
        wrong[first:last] = True
    messages = int(effects.message.max(initial=-1)) + 1
    ever, at_last = np.zeros(messages, np.bool_), np.zeros(messages, np.bool_)
    ever[effects.message[wrong]] = True
    at_last[effects.message] = wrong  # of several effects, the last one stays
    return Righted(int(at_last.sum()), int((ever & ~at_last).sum()))
