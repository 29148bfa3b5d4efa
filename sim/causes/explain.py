"""Why a scenario goes wrong: what of it the harms go away without, each shown by a run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sim.causes.data import (
    SEVERITY,
    CauseKind,
    Counterfactual,
    Explained,
    Explanation,
    Harm,
    Hypothesis,
    behind,
)
from sim.causes.harms import Bounds, Numbers, bounds, excess, harms, hopeless, left, numbers
from sim.causes.hypotheses import acted_on, hypotheses, unexplored
from sim.causes.ranking import (
    ENOUGH,
    FALSE_BELOW,
    cause,
    idle,
    ranked,
    share,
    worth_a_pair,
)
from sim.causes.scale import part
from sim.causes.siblings import compared, quickest
from sim.causes.trials import Laboratory, Onlooker, Tried
from sim.foundation.errors import LabError, unknown
from sim.measure.tables import Tables
from sim.scenario.load import Scenario
from sim.scenario.pipeline import edge_from
from sim.systems.size import USUAL, Allowance, check, free_bytes, size
from sim.words.waits import SMALL, said, splits

MOST_PAIRS = 6
"""Pairs that are tried of a group."""
MOVED_S = 1.0
"""By so much later is a stage to which what waited before it was moved, s."""
_PARTS = 3
"""Parts of a message's time that are named."""


def explain(
    scenario: Scenario,
    system: str | None = None,
    group: str | None = None,
    onlooker: Onlooker | None = None,
    allowed: Allowance | None = None,
) -> Explanation:
    """Find out why a scenario goes wrong.

    Runs it as it is, then without each thing that a harm may come from, with the same messages;
    one that is large, at a smaller scale.

    Args:
        scenario: to be explained.
        system: only this one; None: all.
        group: only groups of this name; None: all.
        onlooker: told how far it is.
        allowed: memory that it may take; None: what is free.

    Raises:
        LabError: there is no such system or group, or the scenario cannot be run.
        KeyboardInterrupt: stopped.
    """
    systems = _systems(scenario, system, group)
    smaller = part(scenario)
    if smaller > 1:
        scenario = scenario.with_(scale=scenario.scale / smaller)
    check(scenario, size(scenario), allowed or USUAL, free_bytes())
    laboratory = Laboratory(scenario, onlooker)
    seen = _Baselines(laboratory)
    found = []
    for name in systems:
        found += _explain(seen, name, group)
    return Explanation(
        scenario.name,
        sorted(found, key=_severity),
        len(laboratory.messages),
        scenario.scale,
        1.0 / smaller,
        laboratory.runs,
    )


def _systems(scenario: Scenario, system: str | None, group: str | None) -> list[str]:
    if system is not None and system not in scenario.systems:
        raise LabError(unknown("system", system, list(scenario.systems)))
    names = list(scenario.systems) if system is None else [system]
    if group is None:
        return names
    having = [name for name in names if group in scenario.systems[name].readers]
    if not having:
        known = dict.fromkeys(g for name in names for g in scenario.systems[name].readers)
        raise LabError(unknown("group", group, list(known)))
    return having


def _severity(one: Explained) -> tuple[int, float]:
    """To sort by: the group that is worst off first."""
    if not one.harms:
        return (len(SEVERITY), 0.0)
    return (SEVERITY.index(one.harms[0].kind), -one.harms[0].value)


@dataclass(frozen=True)
class _Baseline:
    """A group as it is."""

    now: Numbers
    allowed: Bounds
    wrong: Sequence[Harm]


class _Baselines:
    """The systems of a scenario as they are, each run when it is first asked for."""

    def __init__(self, laboratory: Laboratory) -> None:
        self.laboratory = laboratory
        self._judged: dict[str, dict[str, _Baseline]] = {}

    def groups(self, system: str) -> dict[str, _Baseline]:
        """What is wrong with the groups of a system, seen alone."""
        if system not in self._judged:
            scenario, duration_s = self.laboratory.scenario, self.laboratory.messages.duration_s
            its = {}
            for group, now in numbers(scenario, self.laboratory.baseline(system), system).items():
                allowed = bounds(scenario, system, group, now.produced, duration_s)
                never = self.hopeless(system, group)
                its[group] = _Baseline(now, allowed, harms(now, allowed, never))
            self._judged[system] = its
        return self._judged[system]

    def beside_others(self, system: str, group: str) -> _Baseline:
        """What is wrong with a group, also beside what its siblings do.

        How quick one is counts where the scenario is about that, or where nothing else is wrong,
        with the sibling neither.
        """
        judged = self.groups(system)[group]
        scenario = self.laboratory.scenario
        is_about = judged.allowed.about == "slower"
        if judged.wrong and not is_about:
            return judged
        others = {
            where: its.now
            for where in compared(scenario, system, group)
            if not (its := self.groups(where[0])[where[1]]).wrong or is_about
        }
        best = quickest(scenario, judged.now, others)
        if best is None:
            return judged
        allowed = judged.allowed.beside(*best, judged.now.asked_s)
        never = self.hopeless(system, group)
        return _Baseline(judged.now, allowed, harms(judged.now, allowed, never))

    def hopeless(self, system: str, group: str) -> int:
        """Messages of a group that never succeed; asked when the system was run as it is."""
        its = self.laboratory
        given, rows = its.given.get((system, group), (0, None))
        return hopeless(its.scenario, system, group, its.messages.duration_s, given, rows)


def _explain(seen: _Baselines, system: str, only: str | None) -> list[Explained]:
    found = []
    for group in seen.groups(system):
        if only is not None and group != only:
            continue
        judged = seen.beside_others(system, group)
        if judged.wrong:
            found.append(_Search(seen.laboratory, system, group, judged).explained())
        else:
            found.append(Explained(system, group, []))
    return found


class _Search:
    """Looks for the causes of one group's harms."""

    def __init__(self, laboratory: Laboratory, system: str, group: str, judged: _Baseline) -> None:
        self.laboratory = laboratory
        self.system, self.group = system, group
        self.now, self.allowed, self.harms = judged.now, judged.allowed, judged.wrong
        kinds = [harm.kind for harm in self.harms]
        scenario, tables = laboratory.scenario, laboratory.baseline(system)
        come_of = behind(kinds, self.now.of)
        self.hypotheses = hypotheses(scenario, system, group, kinds, tables.limits, come_of)
        self.time = _time(tables, system, group)
        self.tried: list[Counterfactual] = []
        self.beside: dict[str, Counterfactual] = {}
        acted = acted_on(tables.limits, scenario, system, group)
        self.untried = unexplored(self.hypotheses, acted)
        for name, its in self._bottlenecks(tables):
            limits = laboratory.baseline(name).limits
            known = {one.name for one in self.hypotheses}
            for one in hypotheses(scenario, name, its, kinds, limits, come_of):
                if one.path.startswith("systems."):
                    there = f"{one.remedy} in {name}.{its}"
                    one = replace(one, name=f"{name}: {one.name}", remedy=there)
                if one.name not in known:
                    self.hypotheses.append(one)

    def explained(self) -> Explained:
        """Try each thing alone, four times the workers where twice is not enough, then pairs."""
        more = [h for h in self.hypotheses if h.kind is CauseKind.WORKERS][1:]
        self._try([[one] for one in self.hypotheses if one not in more])
        first = self.harms[0].kind
        if not any(one.share[first] >= ENOUGH for one in self.tried):
            self._try([[one] for one in more])
        self._try_beside()
        busy = [one for one in self.tried if not idle(one, first, self.tried, self.beside)]
        self._try(worth_a_pair(busy, first, MOST_PAIRS))
        causes = {
            harm.kind: [
                cause(one, harm) for one in ranked(self.tried, self.harms, harm, self.beside)
            ]
            for harm in self.harms
        }
        return Explained(
            self.system, self.group, self.harms, causes, self.tried, self.time, self.untried
        )

    def _moved(self, of: Sequence[Hypothesis]) -> str | None:
        """The next stage, if a change of its settings only makes it hold what waits here.

        It has room for more, and is no quicker: then it is later than before.
        """
        systems = {one.path.split(".")[1] for one in of if one.path.startswith("systems.")}
        for name in systems - {self.system}:
            before = numbers(self.laboratory.scenario, self.laboratory.baseline(name), name)
            (tried,) = self.laboratory.try_all(name, [of])
            for group, its in tried.of.items():
                if its.of["late"] > before[group].of["late"] + MOVED_S:
                    return name
        return None

    def _bottlenecks(self, tables: Tables) -> Iterator[tuple[str, str]]:
        """System and group of each stage of a pipeline for which this one waits, the next first."""
        pipeline, at = self.laboratory.scenario.pipeline, (self.system, self.group)
        while (edge := edge_from(pipeline, *at)) is not None and _is_held_up(tables, *at):
            tables = self.laboratory.baseline(edge.to)
            its = list(self.laboratory.scenario.systems[edge.to].readers)
            yield from ((edge.to, group) for group in its)
            at = edge.to, its[0]

    def _try(self, taken: Sequence[Sequence[Hypothesis]]) -> None:
        if not taken:
            return
        for of, tried in zip(taken, self.laboratory.try_all(self.system, taken), strict=True):
            if tried.why_not or self.group not in tried.of:
                self.untried[" + ".join(one.name for one in of)] = tried.why_not
            elif (where := self._moved(of)) is not None:
                what = f"what waits here waits in {where} then"
                self.untried[" + ".join(one.name for one in of)] = what
            else:
                self.tried.append(self._judged(of, tried))

    def _try_beside(self) -> None:
        """Try what goes with a key without the key itself: it may be that alone that helps."""
        kinds = [harm.kind for harm in self.harms]
        taken = [
            [replace(one.hypotheses[0], changes=one.hypotheses[0].changes[1:])]
            for one in self.tried
            if len(one.hypotheses[0].changes) > 1
            and any(one.share[kind] >= FALSE_BELOW for kind in kinds)
        ]
        if taken:
            tried = self.laboratory.try_all(self.system, taken)
            for of, its in zip(taken, tried, strict=True):
                if not its.why_not and self.group in its.of:
                    self.beside[of[0].name] = self._judged(of, its)

    def _judged(self, of: Sequence[Hypothesis], tried: Tried) -> Counterfactual:
        before = excess(self.now, self.allowed)
        after = left(self.now, tried.of[self.group], self.allowed)
        shares = {kind: share(before[kind], after[kind]) for kind in before}
        return Counterfactual(of, after, shares)


def _is_held_up(tables: Tables, system: str, group: str) -> bool:
    its = tables.pipeline
    its = its[(its["system"] == system) & (its["group"] == group)]
    return bool((its["held_up"] > 0).any())


def _time(tables: Tables, system: str, group: str) -> str:
    """Where a message's time went, and what consumers did with theirs; "" where not measured."""
    words = []
    its = [one for one in splits(tables.waits) if (one.system, one.group) == (system, group)]
    if its and sum(its[0].mean_s.values()) > 0:
        words.append(f"a message's time: {said(its[0].mean_s, _PARTS)}")
    if len(tables.workers):
        rows = tables.workers
        rows = rows[(rows["system"] == system) & (rows["group"] == group)]
        rows = rows[rows["share"] >= SMALL].sort_values("share", ascending=False)
        parts = [f"{name} {share:.0%}" for name, share in rows[["activity", "share"]].values]
        words += [f"that of its consumers: {', '.join(parts)}".replace("%", " %")] if parts else []
    return "; ".join(words)
