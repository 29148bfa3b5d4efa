"""What is wrong with what became of a group's messages, as numbers that a remedy can take away."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite

from sim.causes.data import SEVERITY, Harm, HarmKind
from sim.causes.work import asked_s, longest_s
from sim.foundation.text import count, duration, messages
from sim.measure.latency import level_s
from sim.measure.tables import Tables
from sim.scenario.faults.groups import PoisonFault
from sim.scenario.load import Scenario
from sim.scenario.products.kafka import KafkaSystem
from sim.scenario.products.rabbitmq import RabbitmqQueue
from sim.scenario.products.sqs import SqsQueue
from sim.traffic.generate import strokes
from sim.words.needs_met import Seen, seen_of
from sim.words.why import WASTE

SLIGHT = 0.05
"""Share of the messages below which duplicates and disorder come after what is worse."""
FEW = 0.001
"""Share of the messages that are not processed below which one kind of them comes after the others;
and of all messages that a remedy may lose without losing its worth."""
_NOT_PROCESSED: Sequence[HarmKind] = ("lost", "unfinished", "dead_lettered")


@dataclass(frozen=True)
class Numbers:
    """A group's numbers in one run, in messages or s, before it is asked what there may be."""

    of: Mapping[HarmKind, float]
    produced: int
    delay_s: float
    """The quantile of the delay that is asked for; inf: messages are left over."""
    drain_s: float
    """After the last arrival, s; inf: never."""

    @property
    def not_processed(self) -> float:
        """Messages, whatever came of them instead."""
        return sum(self.of[kind] for kind in _NOT_PROCESSED)


@dataclass(frozen=True)
class Bounds:
    """How much of each harm there may be; inf: it is none here."""

    of: Mapping[HarmKind, float]
    delay_s: float
    """Of the quantile of the delay; inf: it is not asked for."""
    needed: bool
    """Whether the scenario says what it needs."""


def numbers(scenario: Scenario, tables: Tables, system: str) -> dict[str, Numbers]:
    """What a run gave, by group of a system.

    ``redelivered``: deliveries beyond the first of each message, whatever came of them. ``late``
    is the time by which the group was behind: the age of the oldest message that waited or
    the time that it took to drain, whichever is more, s.
    """
    quantile = 0.99 if scenario.needs is None else scenario.needs.quantile
    rows = tables.summary[tables.summary["system"] == system].to_dict("records")
    seen = seen_of(tables, system, quantile)
    return {one.group: _numbers(one, row) for one, row in zip(seen, rows, strict=True)}


def _numbers(seen: Seen, row: Mapping[object, object]) -> Numbers:
    watched_s = float(str(row["watched_s"]))
    drain_s = seen.drain_s if isfinite(seen.drain_s) else watched_s
    return Numbers(
        {
            "lost": seen.lost,
            "unfinished": seen.unfinished,
            "dead_lettered": seen.dead_lettered,
            "duplicates": seen.double_effects,
            "out_of_order": seen.violations,
            "late": max(seen.behind_s, drain_s),
            "redelivered": float(str(row["extra_deliveries"])),
        },
        seen.produced,
        seen.delay_s,
        seen.drain_s,
    )


def bounds(scenario: Scenario, system: str, group: str, produced: int, duration_s: float) -> Bounds:
    """How much of each harm there may be: by the needs, or else by what the product promises.

    Without needs, a group may be behind by what counts as level, by the delay that the scenario
    asks for and by its longest work; disorder counts where the product keeps an order.
    """
    needs = scenario.needs
    level = level_s(duration_s) + asked_s(scenario, system, group)
    if needs is None:
        order = 0.0 if _keeps_order(scenario, system, group) else inf
        late_s = level + longest_s(scenario, system, group)
        of: dict[HarmKind, float] = dict.fromkeys(SEVERITY, 0.0)
        again = WASTE * produced
        return Bounds(
            of | {"out_of_order": order, "late": late_s, "redelivered": again}, inf, False
        )
    loss = {"none": 0.0, "some": inf}.get(str(needs.loss))
    return Bounds(
        {
            "lost": float(needs.loss) * produced if loss is None else loss,
            "unfinished": 0.0,
            "dead_lettered": inf,
            "duplicates": 0.0 if needs.double_effects == "none" else inf,
            "out_of_order": inf if needs.order == "none" else 0.0,
            "late": inf if needs.drain is None else needs.drain,
            "redelivered": inf,
        },
        inf if needs.max_delay is None else needs.max_delay,
        True,
    )


def _keeps_order(scenario: Scenario, system: str, group: str) -> bool:
    """Whether the product promises the order of the messages of a key."""
    its, readers = scenario.systems[system], scenario.systems[system].readers[group]
    order_by = scenario.workload.order_by
    wanted = set(scenario.workload.keys if order_by is None else order_by)
    if isinstance(readers, SqsQueue):
        return readers.fifo_queue and set(readers.message_group_id or ()) <= wanted
    if isinstance(readers, RabbitmqQueue):
        return readers.arguments.single_active_consumer
    if isinstance(its, KafkaSystem) and group in its.share_groups:
        return False
    key = getattr(its, "partition_key", None)
    return key is not None and set(key) <= wanted


def hopeless(scenario: Scenario, system: str, group: str, duration_s: float) -> int:
    """Messages of a group that fail or kill their process for ever, as the scenario has it."""
    n = 0
    for index, fault in enumerate(scenario.faults):
        its = isinstance(fault, PoisonFault) and fault.strikes_group(system, group)
        if its and isinstance(fault, PoisonFault) and fault.times is None:
            n += fault.count * len(strokes(scenario, index, duration_s))
    return n


def excess(now: Numbers, allowed: Bounds) -> dict[HarmKind, float]:
    """How much more there is of each harm than may be; 0: it is none."""
    over = {kind: max(0.0, now.of[kind] - allowed.of[kind]) for kind in SEVERITY}
    if allowed.needed:
        behind_s = 0.0
        if isfinite(allowed.of["late"]):  # `drain` asks for the time after the last arrival alone
            drain_s = now.drain_s if isfinite(now.drain_s) else now.of["late"]
            behind_s = max(0.0, drain_s - allowed.of["late"])
        delay_s = now.delay_s if isfinite(now.delay_s) else now.of["late"]
        over["late"] = max(behind_s, delay_s - allowed.delay_s, 0.0)
    return over


def harms(now: Numbers, allowed: Bounds, hopeless: int = 0) -> list[Harm]:
    """What is wrong, the most severe first; what is slight, and comes with worse, at the end.

    Args:
        now: of the run.
        allowed: how much there may be.
        hopeless: messages that fail whenever they are tried: that these are lost is slight.
    """
    over = excess(now, allowed)
    found = [
        Harm(kind, over[kind], _allowed(kind, allowed), said)
        for kind, said in _said(now, allowed)
        if over[kind] > _hardly(kind, allowed)
    ]
    return sorted(found, key=lambda harm: _slight(harm, now, hopeless))


def _hardly(kind: HarmKind, allowed: Bounds) -> float:
    """How much more than may be is nothing to explain, where no need says what may be: s."""
    return 0.2 * allowed.of["late"] if kind == "late" and not allowed.needed else 0.0


def _slight(harm: Harm, now: Numbers, hopeless: int) -> bool:
    if harm.kind == "late":
        return harm.value < harm.allowed
    if harm.kind in _NOT_PROCESSED:
        return harm.value <= max(hopeless, FEW * now.not_processed)
    return harm.value < SLIGHT * now.produced


def _allowed(kind: HarmKind, allowed: Bounds) -> float:
    if kind == "late" and isfinite(allowed.delay_s):
        return allowed.delay_s
    return allowed.of[kind]


def _said(now: Numbers, allowed: Bounds) -> Iterator[tuple[HarmKind, str]]:
    of = now.of
    yield "lost", f"{messages(of['lost'])} {_is(of['lost'])} lost"
    left = of["unfinished"]
    yield "unfinished", f"it never drains: {messages(left)} {_is(left)} left when the run ends"
    yield (
        "dead_lettered",
        f"{messages(of['dead_lettered'])} {_is(of['dead_lettered'])} dead-lettered",
    )
    again = of["duplicates"]
    yield "duplicates", f"{messages(again)} {'takes' if again == 1 else 'take'} effect again"
    wrong = of["out_of_order"]
    yield "out_of_order", f"{messages(wrong)} {_is(wrong)} processed out of order"
    yield "late", _late(now, allowed)
    more = of["redelivered"]
    yield "redelivered", f"{count(more)} deliveries are repeats"


def _late(now: Numbers, allowed: Bounds) -> str:
    if isfinite(allowed.delay_s) and now.delay_s > allowed.delay_s:
        its = "some are not processed at all" if now.delay_s == inf else duration(now.delay_s)
        return f"its delay is {its}, where {duration(allowed.delay_s)} are allowed"
    if now.drain_s > 0 and now.of["late"] <= now.drain_s < inf:
        return f"it drains {duration(now.drain_s)} after the last arrival"
    return f"it falls {duration(now.of['late'])} behind"


def _is(n: float) -> str:
    return "is" if n == 1 else "are"


def left(before: Numbers, now: Numbers, allowed: Bounds) -> dict[HarmKind, float]:
    """How much of each harm is left in another run, in its unit; what became worse counts.

    A message that is now dead-lettered instead of lost is not saved, and a group that is quick
    because it loses messages has not caught up.
    """
    over = excess(now, allowed)
    grown = now.not_processed - before.not_processed
    for kind in _NOT_PROCESSED:
        others = grown - (now.of[kind] - before.of[kind])
        over[kind] += max(0.0, others)
    if grown > FEW * before.produced:
        over["duplicates"] += grown
        over["out_of_order"] += grown
        over["late"] = inf
    return over


def told(kind: HarmKind, amount: float, unfinished: float) -> str:
    """What is left of a harm, as a clause with "it"; with ``unfinished`` messages never drained."""
    if kind == "late":
        if amount == inf:
            return "it is quick only because messages are not processed"
        if unfinished:
            return f"{messages(unfinished)} never {'gets' if unfinished == 1 else 'get'} processed"
        return f"it is still {duration(amount)} too late" if amount > 0 else "it keeps up"
    if kind == "unfinished":
        return (
            f"{messages(amount)} {'is' if amount == 1 else 'are'} left" if amount else "it drains"
        )
    if kind == "duplicates":
        n = f"{count(amount)} duplicate{'' if amount == 1 else 's'}" if amount else "no duplicate"
        return f"{n} {'are' if amount > 1 else 'is'} applied"
    words = {
        "lost": "lost", "dead_lettered": "dead-lettered",
        "out_of_order": "out of order", "redelivered": "delivered in vain",
    }[kind]  # fmt: skip
    return (
        f"{count(amount)} {'is' if amount == 1 else 'are'} {words}"
        if amount
        else f"none is {words}"
    )
