"""The needs of a scenario, held against what one run of it showed: for `sim run`, report and CI.

A run tells nothing of some needs: whether what was processed could be read again, if nothing asked
for it, or whether a slow job holds up others. These are named, and left to `sim advise`, which
makes further runs for them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any
from xml.etree import ElementTree

from sim.foundation.text import names
from sim.measure.tables import Tables
from sim.scenario.faults.groups import SeekFault
from sim.scenario.faults.processes import CrashFault
from sim.scenario.load import Scenario
from sim.scenario.needs import Needs
from sim.words.needs_met import Judgement, judge, missed, seen_of, worst_of


@dataclass(frozen=True)
class Unjudged:
    """A need of which the run shows nothing."""

    need: str
    """As in the scenario."""
    why: str
    """What would have to happen in a run that shows it, as a clause."""


@dataclass(frozen=True)
class SystemJudged:
    """What a run says of one system and the needs."""

    system: str
    judged: Sequence[Judgement]
    unjudged: Sequence[Unjudged]
    delay_s: float
    """The quantile of the delay that is asked for, of the worst group; inf: some never are done."""

    @property
    def unmet(self) -> list[Judgement]:
        """What it does not meet."""
        return [judgement for judgement in self.judged if not judgement.met]


def judge_run(scenario: Scenario, tables: Tables) -> list[SystemJudged]:
    """Every system of a run, held against the needs: fewest unmet first, then the shorter delay.

    Args:
        scenario: what was run; one without needs judges nothing.
        tables: of the run.
    """
    needs = scenario.needs
    if needs is None:
        return []
    found = []
    for system in tables.summary["system"].unique():
        functions = scenario.systems[system].functions
        seen = seen_of(tables, system, needs.quantile, functions=functions)
        sought = _struck(scenario, system, SeekFault)
        disordered = any(one.violations for one in seen)
        unjudged = list(_unjudged(scenario, needs, system, sought, disordered))
        left_out = {one.need.partition(":")[0]: None for one in unjudged}
        asked = needs.model_copy(
            update={key: value for key, value in _UNASKED.items() if key in left_out}
        )
        judged = judge(asked, seen, replayed=seen if sought else None)
        found.append(SystemJudged(system, judged, unjudged, worst_of(seen, "delay_s").delay_s))
    return sorted(found, key=lambda one: (len(one.unmet), one.delay_s))


_UNASKED = {"order": "none", "unwanted": "allowed"}
"""How a need is stated that asks for nothing; the others are judged only if it is shown how."""


def _unjudged(
    scenario: Scenario, needs: Needs, system: str, sought: bool, disordered: bool
) -> Iterator[Unjudged]:
    if needs.order == "total" and scenario.workload.order_by != [] and not disordered:
        yield Unjudged("order: total", "order is counted within keys (`workload.order_by: []`)")
    if needs.routing and needs.unwanted == "none":
        yield Unjudged("unwanted: none", "what a job is handed in vain is not counted")
    if needs.replay == "required" and not sought:
        yield Unjudged("replay: required", "nothing seeks back")
    if needs.consumer_crash == "survives" and not _struck(scenario, system, CrashFault):
        yield Unjudged("consumer_crash: survives", "not every group has a consumer killed")
    if needs.readers == "independent":
        yield Unjudged("readers: independent", "no job is made slow")


def _struck(scenario: Scenario, system: str, kind: type[SeekFault | CrashFault]) -> bool:
    """Whether a fault of this kind strikes each group of a system."""
    return all(
        any(
            isinstance(fault, kind)
            and (
                fault.strikes_group(system, group)
                if isinstance(fault, SeekFault)
                else fault.strikes_any(system, group, readers.members)
            )
            for fault in scenario.faults
        )
        for group, readers in scenario.systems[system].readers.items()
    )


def said_of_needs(found: Sequence[SystemJudged]) -> list[str]:
    """A sentence for each system, or several that are alike, best first; and what is not judged."""
    alike: dict[str, list[str]] = {}
    for one in found:
        alike.setdefault(_said(one), []).append(one.system)
    sentences = [
        f"{names(systems)} {said if len(systems) == 1 else _plural(said)}"
        for said, systems in alike.items()
    ]
    left: dict[Unjudged, list[str]] = {}
    for one in found:
        for unjudged in one.unjudged:
            left.setdefault(unjudged, []).append(one.system)
    if left:
        where = {
            need: "" if len(systems) == len(found) else f" in {names(systems)}"
            for need, systems in left.items()
        }
        what = "; ".join(f"{need.need}{where[need]}, since {need.why}" for need in left)
        sentences.append(f"A run does not show, but `sim advise` does: {what}.")
    return sentences


def _said(one: SystemJudged) -> str:
    """What a system meets or misses, as the rest of a sentence.

    Counted are the needs that the scenario states and the run shows; that nothing is left goes
    without saying where it is so and more is asked.
    """
    (left, *stated), unmet = one.judged, one.unmet
    of_them = [judgement for judgement in stated if not judgement.met]
    if unmet:
        if not of_them:
            return f"does not finish: {missed(unmet)}."
        also = "" if left.met else "does not finish, and "
        return f"{also}misses {_of(len(of_them), len(stated))}: {missed(unmet)}."
    if not stated:
        return f"leaves nothing: {left.said}."
    n = len(stated)
    all_of_them = "the need" if n == 1 else "both needs" if n == 2 else f"all {n} needs"
    return f"meets {all_of_them}: {'; '.join(j.said for j in stated)}."


def _of(some: int, stated: int) -> str:
    return "the need" if stated == 1 else f"{some} of {stated} needs"


_PLURAL = {"misses": "miss", "meets": "meet", "does": "do", "leaves": "leave"}


def _plural(said: str) -> str:
    verb, _, rest = said.partition(" ")
    rest = rest.replace("and misses", "and miss", 1) if verb == "does" else rest
    return f"{_PLURAL[verb]} {rest}"


def needs_as_data(scenario: Scenario, found: Sequence[SystemJudged]) -> dict[str, Any]:
    """The same as plain data; null is a number without an end."""
    return {
        "scenario": scenario.name,
        "hash": scenario.hash,
        "seed": scenario.seed,
        "scale": scenario.scale,
        "met": not any(one.unmet for one in found),
        "systems": [
            {
                "system": one.system,
                "met": not one.unmet,
                "needs": [
                    {
                        key: None if isinstance(value, float) and not isfinite(value) else value
                        for key, value in asdict(judgement).items()
                    }
                    for judgement in one.judged
                ],
                "not_judged": [asdict(unjudged) for unjudged in one.unjudged],
            }
            for one in found
        ],
    }


def needs_as_junit(scenario: Scenario, found: Sequence[SystemJudged]) -> str:
    """The same as JUnit XML, which CI systems show: a suite a system, a case a need."""
    root = ElementTree.Element("testsuites", name=f"needs of {scenario.name}")
    for one in found:
        cases = len(one.judged) + len(one.unjudged)
        suite = ElementTree.SubElement(
            root, "testsuite", name=one.system, tests=str(cases), failures=str(len(one.unmet)),
            errors="0", skipped=str(len(one.unjudged)),
        )  # fmt: skip
        whose = f"{scenario.name}.{one.system}"
        for judgement in one.judged:
            case = ElementTree.SubElement(suite, "testcase", classname=whose, name=judgement.need)
            if judgement.met:
                ElementTree.SubElement(case, "system-out").text = judgement.said
            else:
                ElementTree.SubElement(case, "failure", message=judgement.said)
        for unjudged in one.unjudged:
            case = ElementTree.SubElement(suite, "testcase", classname=whose, name=unjudged.need)
            ElementTree.SubElement(
                case, "skipped", message=f"a run does not show it: {unjudged.why}"
            )
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"
