"""What `explain` finds: the harms of each group, and the causes that were shown to be some."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Literal, get_args

HarmKind = Literal[
    "lost", "unfinished", "dead_lettered", "misstated", "wrong_states", "wrong_results",
    "duplicates", "out_of_order", "late", "slower", "redelivered",
]  # fmt: skip
"""What can be wrong with what became of the messages, the most severe first."""
SEVERITY: Sequence[HarmKind] = get_args(HarmKind)
UNITS: Mapping[HarmKind, str] = {
    "misstated": "cents", "wrong_states": "final states", "wrong_results": "results",
    "late": "s", "slower": "s",
}  # fmt: skip
"""Of a harm's amount; of the others: messages."""
_COMES_OF: Mapping[HarmKind, Sequence[HarmKind]] = {
    "misstated": ("lost", "dead_lettered", "duplicates", "out_of_order"),
    "wrong_states": ("lost", "dead_lettered", "duplicates", "out_of_order"),
    "wrong_results": ("lost",),
    "slower": ("late",),
}
"""Harms that are others, seen from further away: what brings these may bring it."""


def widened(helps: Sequence[HarmKind]) -> Sequence[HarmKind]:
    """The harms that come of a thing that brings these: of a loss, books that are wrong."""
    return [kind for kind in SEVERITY if {kind, *_COMES_OF.get(kind, ())} & set(helps)]


def behind(harms: Sequence[HarmKind], amounts: Mapping[HarmKind, float]) -> Sequence[HarmKind]:
    """Harms with those that they come of, of which there is some, be it allowed or not."""
    come_of = {other for kind in harms for other in _COMES_OF.get(kind, ()) if amounts[other] > 0}
    return [kind for kind in SEVERITY if kind in harms or kind in come_of]


class CauseKind(IntEnum):
    """What sort of thing a hypothesis takes away; of two that do the same, the first is named."""

    LIMIT = 0
    """A limit that acted in the run: the table ``limits`` has it."""
    FAULT = 1
    """A fault of the scenario, which is left out."""
    SETTING = 2
    """A key that says how things are done: a batch, an order of commits, acks."""
    WORK = 3
    """Of the work: its slow share, its tail, a hot key."""
    PARTITIONS = 4
    """How many partitions or shards there are."""
    PROMISE = 5
    """What the product promises and has its price: the order within a key or a message group."""
    WORKERS = 6
    """How many consumers or workers there are."""
    TRAFFIC = 7
    """How much comes at its height."""

    @property
    def label(self) -> str:
        """In lower case, as JSON has it."""
        return self.name.lower()


@dataclass(frozen=True)
class Change:
    """Something of the scenario that is set otherwise."""

    path: str
    """As after ``--set``: ``systems.sqs.queues.q.VisibilityTimeout``."""
    value: Any
    """Its new value, as `Scenario.with_` takes it; None: it is left out, as a fault is."""


@dataclass(frozen=True)
class Hypothesis:
    """What a harm may come from, and how the scenario is without it."""

    name: str
    """Unlike that of any other of the group: ``VisibilityTimeout``, ``faults[0]``."""
    kind: CauseKind
    key: str
    """The product's own key, or ``faults[0]``, or ``workload.service.w.slow``."""
    path: str
    """Where the key stands in the scenario: ``systems.sqs.queues.q.VisibilityTimeout``."""
    value: str
    """What it is, as the scenario would write it; "": not given, and the default is none."""
    to: str
    """What it is without the cause; "": nothing."""
    changes: Sequence[Change]
    """What makes the one into the other."""
    what: str
    """The cause, as a clause: ``one message a call``."""
    remedy: str
    """The same, for a sentence: ``with MaxNumberOfMessages 10``."""
    cost: str
    """What that costs, as a clause."""
    times: int = 0
    """Of a limit: how often it acted; 0: it is not known to."""
    helps: Sequence[HarmKind] = SEVERITY
    """Harms that come of such a thing: what only delays is not the first reason of a loss."""

    def kind_for(self, harm: HarmKind) -> CauseKind:
        """Its kind where a harm is explained: a limit that acted counts for those it brings."""
        other = self.kind is CauseKind.LIMIT and harm not in self.helps
        return CauseKind.SETTING if other else self.kind


@dataclass(frozen=True)
class Harm:
    """Something that is wrong with what became of a group's messages."""

    kind: HarmKind
    value: float
    """How much of it there is, more than may be, in its unit."""
    allowed: float
    """How much there may be."""
    said: str
    """The same as a clause, with what there may be."""

    @property
    def unit(self) -> str:
        """Of both numbers."""
        return UNITS.get(self.kind, "messages")


@dataclass(frozen=True)
class Counterfactual:
    """What became of the harms without something: a counterfactual that was run."""

    hypotheses: Sequence[Hypothesis]
    """One that was taken away alone, or several together."""
    left: Mapping[HarmKind, float]
    """How much of each harm of the group is left, in its unit; more than before if a worse one has
    come instead."""
    share: Mapping[HarmKind, float]
    """Share of each harm that is gone: 1 all of it; below 0 it has grown."""

    @property
    def name(self) -> str:
        """The names of what was taken away."""
        return " + ".join(hypothesis.name for hypothesis in self.hypotheses)


@dataclass(frozen=True)
class Cause:
    """A cause that was shown to be one: without it, (much of) a harm is gone."""

    trial: Counterfactual
    harm: HarmKind
    said: str
    """A sentence: what it is, what it comes to without it, and at which cost."""

    @property
    def kind(self) -> CauseKind:
        """Of what is named first."""
        return self.trial.hypotheses[0].kind

    @property
    def key(self) -> str:
        """The product's own key, or the fault: of what is named first."""
        return self.trial.hypotheses[0].key

    @property
    def path(self) -> str:
        """Where it stands in the scenario."""
        return self.trial.hypotheses[0].path

    @property
    def value(self) -> str:
        """What it is."""
        return self.trial.hypotheses[0].value

    @property
    def share(self) -> float:
        """Of the harm that is gone without it, at most 1."""
        return min(1.0, self.trial.share[self.harm])


@dataclass(frozen=True)
class Explained:
    """A group: its harms, and their causes."""

    system: str
    group: str
    harms: Sequence[Harm]
    """The one that counts first; none: nothing is wrong."""
    causes: Mapping[HarmKind, Sequence[Cause]] = field(default_factory=dict)
    """Of each harm, the one to be named first; none: nothing that was tried is a cause of it."""
    trials: Sequence[Counterfactual] = ()
    """Everything that was tried."""
    time: str = ""
    """Where a message's time went and what consumers did with theirs; "": it was not measured."""
    untried: Mapping[str, str] = field(default_factory=dict)
    """Hypotheses by name that could not be tried, and why."""

    @property
    def first(self) -> Cause | None:
        """The first cause of the first harm."""
        causes = self.causes.get(self.harms[0].kind, ()) if self.harms else ()
        return causes[0] if causes else None


@dataclass(frozen=True, repr=False)
class Explanation:
    """Why a scenario goes wrong, group by group, the one that is worst off first.

    In a notebook it shows its text.
    """

    scenario: str
    groups: Sequence[Explained]
    messages: int
    """Of the scenario, as it was run here."""
    scale: float
    """At which it was run."""
    reduced: float
    """What part of the scenario's own scale that is; 1: all of it."""
    runs: int
    """Counterfactuals that were run."""

    def __repr__(self) -> str:
        from sim.causes.words import paragraphs

        return "\n".join(paragraphs(self, 80))

    @property
    def harmed(self) -> Sequence[Explained]:
        """The groups with a harm."""
        return [group for group in self.groups if group.harms]

    @property
    def first(self) -> Cause | None:
        """The first cause of the first harm of the group that is worst off; None: there is none."""
        return self.harmed[0].first if self.harmed else None
