"""Which of the things that were taken away are causes, and which is named first."""

from collections.abc import Mapping, Sequence

from sim.causes.data import Cause, CauseKind, Counterfactual, Harm, HarmKind, Hypothesis
from sim.causes.harms import told

FALSE_BELOW = 0.1
"""Share of a harm that has to go at least with what is called a cause of it."""
ENOUGH = 0.9
"""Share that one cause alone has to take away, or else pairs are tried."""
SLIGHT = 0.05
"""Share of all there is of a harm, with what may be, that something takes away at least that does
not take away nearly all that is more."""
ALIKE = 0.05
"""Shares that differ by less are alike."""
_WEIGHT: Mapping[CauseKind, float] = {
    CauseKind.LIMIT: 1.0,
    CauseKind.FAULT: 0.88,
    CauseKind.SETTING: 0.8,
    CauseKind.WORK: 0.75,
    CauseKind.PARTITIONS: 0.7,
    CauseKind.PROMISE: 0.7,
    CauseKind.WORKERS: 0.65,
    CauseKind.TRAFFIC: 0.6,
}
"""What a share counts. More workers help against nearly everything, so that a fault or a limit is
the cause if it takes away nearly as much; the numbers that are shown are the shares themselves."""


_PAIRED = (CauseKind.LIMIT, CauseKind.FAULT, CauseKind.SETTING, CauseKind.PARTITIONS)
"""What is tried in pairs; brute force of two sorts would help against anything."""


_SPREAD = 0.88
"""What the share of more partitions counts although they are seen to be a limit: with them, other
limits are met later, too (an autoscaler may start more)."""


def _weight(one: Hypothesis, of: HarmKind) -> float:
    kind = one.kind_for(of)
    return _SPREAD if one.name == "partitions" and kind is CauseKind.LIMIT else _WEIGHT[kind]


def share(before: float, left: float) -> float:
    """Share of a harm that is gone; below 0 it has grown."""
    return 1.0 - left / before if before > 0 else 0.0


def idle(
    one: Counterfactual,
    of: HarmKind,
    tried: Sequence[Counterfactual],
    beside: Mapping[str, Counterfactual],
) -> bool:
    """Whether something that was taken away does nothing against a harm that the rest does not do.

    Args:
        one: what was taken away.
        of: the harm.
        tried: everything that was tried, of which the members of a pair alone count.
        beside: by name of a hypothesis that sets several keys, what the others do without the
            first, after which it is named.
    """
    alone = {its.name: its for its in tried if len(its.hypotheses) == 1}
    names = [hypothesis.name for hypothesis in one.hypotheses]
    others = [beside[name] for name in names if name in beside and len(names) == 1]
    if len(names) > 1:
        members = [alone[name] for name in names if name in alone]
        if any(idle(member, of, tried, beside) for member in members):
            return True
        others += members
    return any(one.share[of] - other.share[of] < FALSE_BELOW for other in others)


def _helps(one: Counterfactual, of: Harm) -> bool:
    """Whether enough of a harm goes: of what is more than may be, and of all there is of it."""
    gone = one.share[of.kind]
    slight = gone * of.value < SLIGHT * (of.value + of.allowed)
    return gone >= FALSE_BELOW and (gone >= ENOUGH or not slight)


def ranked(
    tried: Sequence[Counterfactual],
    harms: Sequence[Harm],
    of: Harm,
    beside: Mapping[str, Counterfactual] | None = None,
) -> list[Counterfactual]:
    """Those that take away some of a harm, the one to be named first in front; none is `idle`.

    By the share of the harm that goes, weighed by what sort of thing it is; of those that are
    alike, what acted in the run comes before what might have, then what takes away more of the
    other harms too.
    """
    found = [
        one for one in tried if _helps(one, of) and not idle(one, of.kind, tried, beside or {})
    ]
    others = [harm.kind for harm in harms if harm.kind != of.kind]

    def key(one: Counterfactual) -> tuple[float, ...]:
        kinds = [hypothesis.kind_for(of.kind) for hypothesis in one.hypotheses]
        weight = min(_weight(hypothesis, of.kind) for hypothesis in one.hypotheses)
        weighed = min(1.0, one.share[of.kind]) * weight
        rest = sum(max(-1.0, min(1.0, one.share[kind])) for kind in others)
        return (-round(weighed / ALIKE), len(one.hypotheses), kinds[0], -round(rest / ALIKE))

    return sorted(found, key=key)


def worth_a_pair(
    tried: Sequence[Counterfactual], of: HarmKind, most: int
) -> list[list[Hypothesis]]:
    """Pairs to be tried where one alone is not enough: the best of different keys."""
    alone = [one for one in tried if len(one.hypotheses) == 1 and one.hypotheses[0].kind in _PAIRED]
    if any(one.share[of] >= ENOUGH for one in alone):
        return []
    best = sorted(alone, key=lambda one: -one.share[of])[:4]
    best = [one for one in best if one.share[of] > ALIKE / 2]
    pairs = []
    for i, one in enumerate(best):
        for other in best[i + 1 :]:
            first, second = one.hypotheses[0], other.hypotheses[0]
            if not {change.path for change in first.changes} & {
                change.path for change in second.changes
            }:
                pairs.append(sorted((first, second), key=lambda hypothesis: hypothesis.kind))
    return pairs[:most]


def cause(one: Counterfactual, of: Harm) -> Cause:
    """The cause in words."""
    what = ", and ".join(hypothesis.what for hypothesis in one.hypotheses)
    remedies = " and ".join(hypothesis.remedy for hypothesis in one.hypotheses)
    costs = "; ".join(dict.fromkeys(its.cost for its in one.hypotheses if its.cost))
    left = told(of.kind, one.left[of.kind], one.left["unfinished"])
    price = f" (at the cost of: {costs})" if costs else ""
    return Cause(one, of.kind, f"{what}: {remedies}, {left}{price}")
