"""The cheapest setting that meets goals: doubling, then bisection, then runs until it is sure.

More of what is varied is taken to be no worse. Of the members of groups, all groups are narrowed at
once, each by its own goals. With one more key beside them, such as partitions, the search goes down
a staircase: the fewest members with the most partitions, then the fewest partitions with these.
What it finds is then confirmed, and every setting one step below it refuted, by independent runs
until each decision is sure (`sim.measure.intervals.at_least`), or until a cap. More partitions may
be worse, since keys fall on them otherwise: one member fewer is tried with all of them, or, where
they are many, with some.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sim.foundation.errors import LabError
from sim.foundation.least import Least
from sim.scenario.load import Scenario
from sim.studies.dials import Dial, alone, caps
from sim.studies.goals import Goal
from sim.studies.trials import Outcomes, Told, Trials, Values

SHARE = 0.9
"""Of the runs, those that are to meet the goals, unless told otherwise."""
MOST_RUNS = 100
"""Of a setting, unless told otherwise."""
FEW = 4
"""Runs of a setting while the search looks for the place."""
SEEN = 6
"""Runs of the settings around the answer, of which a median has an interval."""
SPREAD = 12
"""Values of the other key, at most, with which one member fewer is tried."""
_AROUND = (-2, -1, 1, 2, 4)
"""Steps from the answer to settings that are shown besides."""


@dataclass(frozen=True)
class Sized:
    """What was found."""

    scenario: Scenario
    """With the system alone."""
    dials: Sequence[Dial]
    goals: Sequence[Goal]
    groups: Sequence[str]
    """Those that were held against the goals."""
    share: float
    confidence: float
    """Of the answer and what it is compared with, together."""
    most: int
    """Runs of a setting, at most."""
    answer: Values | None
    """The cheapest that is sure to meet the goals; None: none is."""
    verdicts: Mapping[Values, bool | None]
    """Of the settings that were decided, whether they meet the goals; None: not sure at the cap."""
    tried: Mapping[Values, Outcomes]
    runs: int
    """Over all settings."""
    made: Scenario | None
    """The scenario with the answer."""
    unjudged: Sequence[str] = ()
    """Needs that no run of the scenario as it is tells of."""

    @property
    def open(self) -> Sequence[Values]:
        """Settings below the answer, or on the way to it, of which it is not sure."""
        return [values for values, verdict in self.verdicts.items() if verdict is None]

    def line(self, dial: int) -> list[Values]:
        """Settings that were tried and differ from the answer in one dial alone, ascending.

        Where there is no answer, from the highest that was tried.
        """
        centre = self.answer or max(self.tried)
        found = [
            values
            for values in self.tried
            if all(a == b for i, (a, b) in enumerate(zip(values, centre, strict=True)) if i != dial)
        ]
        return sorted(values for values in found if not self.tried[values].refused)


def size_system(
    scenario: Scenario,
    dials: Sequence[Dial],
    goals: Sequence[Goal],
    folder: Path,
    share: float = SHARE,
    confidence: float = 0.95,
    most: int = MOST_RUNS,
    jobs: int | None = None,
    told: Told = lambda _values, _runs: None,
    unjudged: Sequence[str] = (),
    cluster: str | None = None,
) -> Sized:
    """Find the cheapest setting that meets goals: the fewest members, then the least of the rest.

    Args:
        scenario: with the system that the dials are of.
        dials: what is varied.
        goals: what is to be met.
        folder: where runs are kept; those that are there are not made again.
        share: of the runs, that are to meet all goals.
        confidence: that the answer does, and that no setting one step below it does.
        most: runs of a setting.
        jobs: processes; None: one a core.
        told: told what is being run.
        unjudged: needs that are not among the goals, to be named.
        cluster: as in `sim.studies.points.compute`.

    Raises:
        LabError: there is nothing to be met, or a run fails.
    """
    if not goals:
        raise LabError("no goal is given, and the scenario states no `needs`: --goal 'p99 < 2s'")
    of_one = alone(scenario, dials[0].system)
    groups = held(of_one, dials, goals)
    trials = Trials(of_one, dials, goals, groups, folder, jobs, told, cluster)
    search = Staircase(trials, share, confidence, most)
    answer = search.answer()
    if answer is not None:
        for values in search.around(answer):
            trials.run(values, SEEN)
    tried = {values: its for values, its in trials.tried.items() if its.runs or its.refused}
    return Sized(
        of_one,
        dials,
        goals,
        groups,
        share,
        confidence,
        most,
        answer,
        search.verdicts,
        tried,
        trials.runs,
        None if answer is None else trials.made(answer),
        unjudged,
    )


def held(scenario: Scenario, dials: Sequence[Dial], goals: Sequence[Goal]) -> list[str]:
    """The groups that are held against the goals.

    Those that a varied key is of, and those that a goal names; if no key is of one, all.
    """
    of_dials = {dial.group for dial in dials if dial.group is not None}
    readers = list(scenario.systems[dials[0].system].readers)
    named = {goal.group for goal in goals if goal.group is not None}
    return [group for group in readers if not of_dials or group in of_dials | named]


class Staircase:
    """Looks for the cheapest setting."""

    def __init__(self, trials: Trials, share: float, confidence: float, most: int) -> None:
        """See `size_system`."""
        self.trials = trials
        self.share = share
        self.most = most
        dials = trials.dials
        members = [i for i, dial in enumerate(dials) if dial.members]
        rest = [i for i, dial in enumerate(dials) if not dial.members]
        self.searched = members or rest
        """Dials that are narrowed at once."""
        self.beside = rest[0] if members and rest else None
        """The dial of the staircase."""
        self.capped = [caps(trials.scenario, dial) for dial in dials]
        self.partitions = trials.scenario.systems[dials[0].system].partitions
        self.verdicts: dict[Values, bool | None] = {}
        compared = len(self.searched) * len(self._spread()) + (self.beside is not None)
        self.confidence = 1 - (1 - confidence) / (1 + compared)
        """Of each of the decisions that the answer stands on (Bonferroni)."""

    def answer(self) -> Values | None:
        """The cheapest that is sure; None: none is."""
        # Mostly, the most of it does if any does.
        tried = (self._least(value) for value in reversed(self._spread()))
        found = next((values for values in tried if values is not None), None)
        if found is not None and self.beside is not None:
            found = self._down(found, self.beside)
        return self._settled(found)

    def around(self, values: Values) -> Iterator[Values]:
        """Settings that differ from this one in one dial: some steps, and twice as many."""
        for i, dial in enumerate(self.trials.dials):
            at = dial.values.index(values[i])
            for other in dict.fromkeys((*(at + step for step in _AROUND), 2 * at + 1)):
                if 0 <= other < len(dial.values):
                    yield from self._allowed(_with(values, i, dial.values[other]))

    def _spread(self) -> Sequence[int]:
        """Values of the other key, ascending: all, or some from the least to the most."""
        if self.beside is None:
            return (0,)
        values = self.trials.dials[self.beside].values
        n = min(SPREAD, len(values))
        places = [round(i * (len(values) - 1) / max(1, n - 1)) for i in range(n)]
        return [values[place] for place in places]

    def _limit(self, dial: int, beside: int | None) -> int:
        """How many of a dial's values are tried: members beyond the partitions are idle."""
        its = self.trials.dials[dial]
        partitions = self.partitions
        if self.beside is not None and self.trials.dials[self.beside].partitions:
            partitions = beside
        if not self.capped[dial] or partitions is None:
            return len(its.values)
        return max(1, sum(value <= partitions for value in its.values))

    def _least(self, beside: int) -> Values | None:
        """The fewest members of every group that look enough; None: the most are too few."""
        least = Least([str(i) for i in self.searched])
        places = dict.fromkeys(least.low, 1)
        while True:
            enough = self._try(least, places, beside)
            short = [name for name in places if not enough[name]]
            if not short:
                break
            limits = {name: self._limit(int(name), beside) for name in short}
            if all(places[name] == limits[name] for name in short):
                return None
            places |= {name: min(2 * places[name], limits[name]) for name in short}
        while middle := least.middle():
            places = {**places, **least.found(), **middle}
            self._try(least, places, beside)
        places |= least.found()
        while not all((enough := self._try(least, places, beside)).values()):
            short = [name for name in places if not enough[name]]
            if all(places[name] == self._limit(int(name), beside) for name in short):
                return None
            for name in short:  # what was enough beside others is not: one more
                places[name] = min(places[name] + 1, self._limit(int(name), beside))
        return self._at(places, beside)

    def _at(self, places: Mapping[str, int], beside: int) -> Values:
        dials = self.trials.dials
        return tuple(
            dial.values[places[str(i)] - 1] if i in self.searched else beside
            for i, dial in enumerate(dials)
        )

    def _try(self, least: Least, places: Mapping[str, int], beside: int) -> dict[str, bool]:
        passed = self.trials.passes(self._at(places, beside), self.share, FEW)
        enough = {}
        for name, place in places.items():
            group = self.trials.dials[int(name)].group
            # A group without a dial is helped by any, so far as it is helped at all.
            others = [g for g in passed if g not in self._groups()]
            its = passed if group is None else [group, *others]
            enough[name] = all(passed[g] for g in its)
            least.tried(name, place, enough[name])
        return enough

    def _groups(self) -> set[str | None]:
        return {self.trials.dials[i].group for i in self.searched}

    def _down(self, values: Values, beside: int) -> Values:
        """The fewest partitions, or least of the other key, that look enough with these members."""
        dial = self.trials.dials[beside]
        top = dial.values.index(values[beside]) + 1

        def enough(place: int) -> bool:
            other = _with(values, beside, dial.values[place - 1])
            return any(True for _ in self._allowed(other)) and all(
                self.trials.passes(other, self.share, FEW).values()
            )

        if top <= SPREAD:
            place = next((place for place in range(1, top) if enough(place)), top)
            return _with(values, beside, dial.values[place - 1])
        least = Least(["beside"])
        least.tried("beside", top, True)
        while middle := least.middle():
            least.tried("beside", middle["beside"], enough(middle["beside"]))
        return _with(values, beside, dial.values[least.found()["beside"] - 1])

    def _allowed(self, values: Values) -> Iterator[Values]:
        """The setting, unless it has members that would be idle."""
        beside = None if self.beside is None else values[self.beside]
        if all(
            dial.values.index(values[i]) < self._limit(i, beside)
            for i, dial in enumerate(self.trials.dials)
            if i in self.searched
        ):
            yield values

    def _settled(self, values: Values | None) -> Values | None:
        """From where the search ended to the cheapest setting that is sure; None: none is."""
        while values is not None and self._decide(values) is not True:
            values = self._up(values)
        while values is not None:
            less = next(self._below(values), None)
            if less is None:
                break
            values = less
        return values

    def _decide(self, values: Values) -> bool | None:
        if values not in self.verdicts:
            self.verdicts[values] = self.trials.decide(
                values, self.share, self.confidence, self.most
            )
        return self.verdicts[values]

    def _below(self, values: Values) -> Iterator[Values]:
        """Cheaper settings that are sure to do: with less of one key."""
        for i, dial in enumerate(self.trials.dials):
            at = dial.values.index(values[i])
            if at == 0:
                continue
            less = _with(values, i, dial.values[at - 1])
            others = [less]
            if self.beside is not None and i != self.beside:
                others += [_with(less, self.beside, value) for value in self._spread()]
            for other in dict.fromkeys(others):
                for allowed in self._allowed(other):
                    if self._decide(allowed):
                        yield allowed

    def _up(self, values: Values) -> Values | None:
        """One step up for each group that is short; where that is no use, of the other key."""
        tried = self.trials.tried[values]
        out = values
        for i in self.searched:
            dial = self.trials.dials[i]
            beside = None if self.beside is None else values[self.beside]
            at = dial.values.index(values[i])
            short = dial.group is None or tried.met(dial.group) < tried.runs or tried.refused
            if short and at + 1 < self._limit(i, beside):
                out = _with(out, i, dial.values[at + 1])
        if out == values and self.beside is not None:
            beside_dial = self.trials.dials[self.beside]
            at = beside_dial.values.index(values[self.beside])
            if at + 1 < len(beside_dial.values):
                out = _with(out, self.beside, beside_dial.values[at + 1])
        return None if out == values else out


def _with(values: Values, dial: int, value: int) -> Values:
    return (*values[:dial], value, *values[dial + 1 :])
