"""What is wrong with what became of a group's messages, as numbers that a remedy can take away."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, isfinite, isnan
from typing import Any

import numpy as np
import pandas as pd

from sim.causes.data import SEVERITY, Harm, HarmKind
from sim.causes.work import asked_s, longest_s
from sim.foundation.arrays import I32
from sim.foundation.text import count, duration, messages, money
from sim.measure.latency import level_s
from sim.measure.tables import Tables
from sim.scenario.faults.groups import PoisonFault
from sim.scenario.load import Scenario
from sim.scenario.needs import most
from sim.scenario.products.kafka import KafkaSystem
from sim.scenario.products.pubsub import PubsubSystem
from sim.scenario.products.rabbitmq import RabbitmqQueue
from sim.scenario.products.sqs import SqsQueue
from sim.traffic.generate import poisonous_rows, strokes
from sim.words.needs_met import Seen, seen_of
from sim.words.why import WASTE

SLIGHT = 0.05
"""Share of the messages below which duplicates and disorder come after what is worse."""
FEW = 0.001
"""Share of the messages that are not processed below which one kind of them comes after the others;
and of all messages that a remedy may lose without losing its worth."""
_NOT_PROCESSED: Sequence[HarmKind] = ("lost", "unfinished", "dead_lettered")
_SHOWN: Mapping[str, HarmKind] = {
    "lost": "lost", "dead_lettered": "dead_lettered", "unfinished": "unfinished",
    "duplicates_delivered": "redelivered", "duplicates_applied": "duplicates",
    "out_of_order": "out_of_order", "wrong_results": "wrong_results",
    "money_misstated": "misstated", "lag": "late", "age_of_oldest": "late",
    "time_to_drain": "late", "latency": "slower",
}  # fmt: skip
"""By measure of `sim.scenario.shows`, the harm that it is."""
_COUNTED: Sequence[HarmKind] = ("duplicates", "out_of_order", "redelivered")
"""Harms of which there may be none where the scenario is about them."""
_UNASKED: Sequence[HarmKind] = ("misstated", "wrong_states", "wrong_results")
"""Harms of which needs say nothing: they come after those of which they do."""
TIMES = 2.0
"""A group is slower than a sibling from so many times its latency on…"""
APART_S = 0.25
"""…and from so much more of it, s."""


@dataclass(frozen=True)
class Numbers:
    """A group's numbers in one run, in messages or s, before it is asked what there may be."""

    of: Mapping[HarmKind, float]
    produced: int
    delay_s: float
    """The quantile of the delay that is asked for; inf: messages are left over."""
    drain_s: float
    """After the last arrival, s; inf: never."""
    asked_s: float = 0.0
    """Of its latencies, what the configuration asks for: a delay, s."""

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
    about: HarmKind | None = None
    """The harm that the scenario is about (`shows:`), which comes first; None: it does not say."""
    latency: str = "median latency"
    """Which latency ``slower`` is of."""
    sibling: str = ""
    """The group whose latency is the measure of it."""
    sibling_s: float = inf
    """That latency, s."""

    def beside(self, sibling: str, its_s: float, its_asked_s: float, asked_s: float) -> "Bounds":
        """The same, where a sibling shows what latency there could be.

        Args:
            sibling: its name.
            its_s: its latency, s.
            its_asked_s: of it, what its configuration asks for, s.
            asked_s: what that of this group asks for, s.
        """
        own_s = max(0.0, its_s - its_asked_s)
        most_s = asked_s + max(TIMES * own_s, own_s + APART_S)
        of = {**self.of, "slower": most_s}
        return replace(self, of=of, sibling=sibling, sibling_s=its_s)


def numbers(scenario: Scenario, tables: Tables, system: str) -> dict[str, Numbers]:
    """What a run gave, by group of a system.

    ``redelivered``: deliveries beyond the first of each message, whatever came of them. ``late``
    is the time by which the group was behind: the age of the oldest message that waited or
    the time that it took to drain, whichever is more, s. ``slower`` is a latency, s: the one that
    the scenario is about, or else the median. Of books, ``misstated`` is money in cents, and
    ``wrong_states`` are final states of entities; of results that a bug spoilt, ``wrong_results``
    stay wrong.
    """
    quantile = 0.99 if scenario.needs is None else scenario.needs.quantile
    rows = tables.summary[tables.summary["system"] == system].to_dict("records")
    seen = seen_of(tables, system, quantile)
    books, shown = _by_group(tables.ledger, system), {}
    if scenario.shows is not None and scenario.shows.measure == "latency":
        shown = _by_group(tables.shown, system)
    return {
        one.group: _numbers(
            one,
            row,
            books.get(one.group, {}),
            shown.get(one.group, {}),
            asked_s(scenario, system, one.group),
        )
        for one, row in zip(seen, rows, strict=True)
    }


def _by_group(table: pd.DataFrame, system: str) -> dict[str, Mapping[Any, Any]]:
    """The row of each group of a system."""
    if not len(table):
        return {}
    rows = table[table["system"] == system].to_dict("records")
    return {str(row["group"]): row for row in rows}


def _numbers(
    seen: Seen,
    row: Mapping[Any, Any],
    books: Mapping[Any, Any],
    shown: Mapping[Any, Any],
    asked: float,
) -> Numbers:
    drain_s = seen.drain_s if isfinite(seen.drain_s) else float(row["watched_s"])
    late_s = max(seen.behind_s, drain_s)
    latency_s = float(shown.get("value", row["latency_p50_s"]))
    if isnan(latency_s):
        latency_s = 0.0
    return Numbers(
        {
            "lost": seen.lost,
            "unfinished": seen.unfinished,
            "dead_lettered": seen.dead_lettered,
            "misstated": float(books.get("misstatement_cents", 0.0)),
            "wrong_states": float(books.get("entities_wrong", 0.0)),
            "wrong_results": float(row["wrong_effects"]),
            "duplicates": seen.double_effects,
            "out_of_order": seen.violations,
            "late": late_s,
            "slower": latency_s if isfinite(latency_s) else late_s,
            "redelivered": float(row["extra_deliveries"]),
        },
        seen.produced,
        seen.delay_s,
        seen.drain_s,
        asked,
    )


def bounds(scenario: Scenario, system: str, group: str, produced: int, duration_s: float) -> Bounds:
    """How much of each harm there may be: by the needs, or else by what the product promises.

    Without needs, a group may be behind by what counts as level, by the delay that the scenario
    asks for and by its longest work; disorder counts where the product keeps an order. Books are to
    be right, and there may be none of what the scenario is about.
    """
    found = _promised if scenario.needs is None else _needed
    its = found(scenario, system, group, produced, duration_s)
    shows = scenario.shows
    if shows is None or (shows.jobs and not set(shows.jobs) & _jobs(scenario, system, group)):
        return its
    about = _SHOWN[shows.measure]
    if about in _COUNTED:
        its = replace(its, of={**its.of, about: 0.0})
    if shows.measure == "latency":
        quantile = f"p{100 * shows.quantile:.6g}" if shows.quantile < 1 else "longest latency"
        its = replace(its, latency=f"{quantile} of {shows.called}" if shows.called else quantile)
    return replace(its, about=about)


def _jobs(scenario: Scenario, system: str, group: str) -> set[str]:
    return set(scenario.systems[system].readers[group].does)


def _promised(
    scenario: Scenario, system: str, group: str, produced: int, duration_s: float
) -> Bounds:
    level = level_s(duration_s) + asked_s(scenario, system, group)
    of: dict[HarmKind, float] = {
        **dict.fromkeys(SEVERITY, 0.0),
        "out_of_order": 0.0 if _keeps_order(scenario, system, group) else inf,
        "late": level + longest_s(scenario, system, group),
        "slower": inf,
        "redelivered": WASTE * produced,
    }
    return Bounds(of, inf, False)


def _needed(
    scenario: Scenario, system: str, group: str, produced: int, duration_s: float
) -> Bounds:
    needs = scenario.needs
    assert needs is not None
    of: dict[HarmKind, float] = {
        **dict.fromkeys(SEVERITY, 0.0),
        "lost": most(needs.loss).number(produced),
        "dead_lettered": most(needs.dead_letters).number(produced),
        "duplicates": 0.0 if needs.double_effects == "none" else inf,
        "out_of_order": inf if needs.order == "none" else 0.0,
        "late": inf if needs.drain is None else needs.drain,
        "slower": inf,
        "redelivered": inf,
    }
    return Bounds(of, inf if needs.max_delay is None else needs.max_delay, True)


def _keeps_order(scenario: Scenario, system: str, group: str) -> bool:
    """Whether the product promises the order of the messages of a key."""
    its, readers = scenario.systems[system], scenario.systems[system].readers[group]
    wanted = set(scenario.workload.ordered_by or ())
    if isinstance(readers, SqsQueue):
        return readers.fifo_queue and set(readers.message_group_id or ()) <= wanted
    if isinstance(its, PubsubSystem):
        key = its.publisher.ordering_key
        return its.subscriptions[group].enable_message_ordering and set(key or ()) <= wanted
    if isinstance(readers, RabbitmqQueue):
        return readers.arguments.single_active_consumer
    if isinstance(its, KafkaSystem) and group in its.share_groups:
        return False
    key = getattr(its, "partition_key", None)
    return key is not None and set(key) <= wanted


def hopeless(
    scenario: Scenario,
    system: str,
    group: str,
    duration_s: float,
    given: int = 0,
    rows: I32 | None = None,
) -> int:
    """Messages of a group that fail or kill their process for ever, as the scenario has it.

    Args:
        scenario: with its faults and its workload.
        system: name.
        group: of the system.
        duration_s: until the last arrival, s.
        given: messages that come to the system, of which a share may be poisonous: in a later stage
            of a pipeline, other than those of the workload.
        rows: those that the group wants, ascending; None: all.
    """
    n, drawn = 0, np.zeros(0, np.int64)
    for index, fault in enumerate(scenario.faults):
        its = isinstance(fault, PoisonFault) and fault.strikes_group(system, group)
        if its and isinstance(fault, PoisonFault) and fault.times is None:
            n += fault.count * len(strokes(scenario, index, duration_s))
    readers = scenario.systems[system].readers.get(group)
    for job in readers.does if readers is not None else ():
        always = scenario.workload.service[job].poison
        if always is not None and always.times is None:
            drawn = np.union1d(drawn, poisonous_rows(scenario, given, job))
    return n + int((drawn if rows is None else np.intersect1d(drawn, rows)).size)


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
    """What is wrong: what the scenario is about, then the most severe; what is slight at the end.

    Of needs, what they say nothing of comes after what misses them.

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

    def key(harm: Harm) -> tuple[bool, ...]:
        beside_needs = allowed.needed and harm.kind in _UNASKED
        return (_slight(harm, now, hopeless), harm.kind != allowed.about, beside_needs)

    return sorted(found, key=key)


def _hardly(kind: HarmKind, allowed: Bounds) -> float:
    """How much more than may be is nothing to explain, where no need says what may be: s."""
    return 0.2 * allowed.of["late"] if kind == "late" and not allowed.needed else 0.0


def _slight(harm: Harm, now: Numbers, hopeless: int) -> bool:
    if harm.kind == "late":
        return harm.value < harm.allowed
    if harm.kind in ("misstated", "slower"):
        return False
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
    yield "misstated", f"the books are wrong by {money(of['misstated'])}"
    states = of["wrong_states"]
    yield (
        "wrong_states",
        f"{count(states)} final state{'' if states == 1 else 's'} {_is(states)} wrong",
    )
    stay = of["wrong_results"]
    yield "wrong_results", f"{count(stay)} result{' stays' if stay == 1 else 's stay'} wrong"
    again = of["duplicates"]
    yield "duplicates", f"{messages(again)} {'takes' if again == 1 else 'take'} effect again"
    wrong = of["out_of_order"]
    yield "out_of_order", f"{messages(wrong)} {_is(wrong)} processed out of order"
    yield "late", _late(now, allowed)
    yield (
        "slower",
        f"its {allowed.latency} is {duration(of['slower'])}, where that of {allowed.sibling} is "
        f"{duration(allowed.sibling_s)}",
    )
    more = of["redelivered"]
    yield "redelivered", f"{count(more)} deliveries are repeats"


def _late(now: Numbers, allowed: Bounds) -> str:
    if isfinite(allowed.delay_s) and now.delay_s > allowed.delay_s:
        limit = f"{duration(allowed.delay_s)} are allowed"
        if now.delay_s == inf:
            return f"some are not processed at all, where {limit}"
        return f"its delay is {duration(now.delay_s)}, where {limit}"
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
        over["late"] = over["slower"] = inf
    return over


def told(kind: HarmKind, amount: float, unfinished: float) -> str:
    """What is left of a harm, as a clause with "it"; with ``unfinished`` messages never drained."""
    if kind == "late":
        if amount == inf:
            return "it is quick only because messages are not processed"
        if unfinished:
            return f"{messages(unfinished)} never {'gets' if unfinished == 1 else 'get'} processed"
        return f"it is still {duration(amount)} too late" if amount > 0 else "it keeps up"
    if kind == "slower":
        if amount == inf:
            return "it is quick only because messages are not processed"
        return f"it is still {duration(amount)} too slow" if amount > 0 else "it is quick enough"
    if kind == "misstated":
        return f"the books are wrong by {money(amount)}" if amount else "the books are right"
    if kind == "wrong_states":
        n = f"{count(amount)} final state" if amount else "no final state"
        return f"{n}s are wrong" if amount > 1 else f"{n} is wrong"
    if kind == "wrong_results":
        return (
            f"{count(amount)} stay{'s' if amount == 1 else ''} wrong" if amount else "none is wrong"
        )
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
