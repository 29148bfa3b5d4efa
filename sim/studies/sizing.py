"""The cheapest setting that meets goals: doubling, then bisection, then runs until it is sure.

More of what is varied is taken to be no worse. Of the members of groups, all groups are narrowed at
once, each by its own goals. With one more key beside them, such as partitions, the search goes down
a staircase: the fewest members with the most partitions, then the fewest partitions with these.
Where the bill of a run says that the other key has a price, such as shards, less of it with more
members is tried as well, and more of it where that costs less.

What it finds is then confirmed, and every setting one step below it refuted, by independent runs
until each decision is sure (`sim.measure.intervals.at_least`), or until a cap. A setting that
stays open is passed through, and those below it are decided too: what is open is named beside the
answer. The k-th setting that is decided may be wrong with 1 / (k (k + 1)) of what all may be
together, which sums to that. More partitions may be worse, since keys fall on them otherwise: one
member fewer is tried with all of them, or, where they are many, with some.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from sim.foundation.errors import LabError
from sim.foundation.least import Least
from sim.scenario.load import Scenario
from sim.studies.dials import Dial, alone, caps
from sim.studies.goals import Goal
from sim.studies.trials import BATCHES, Outcomes, Told, Trials, Values

SHARE = 0.9
"""Of the runs, those that are to meet the goals, unless told otherwise."""
MOST_RUNS = 400
"""Of a setting that is hard to tell, unless told otherwise."""
FIRST_RUNS = 100
"""Of a setting, after which one with more is tried; what is still open below the answer gets the
rest, of several the best first."""
FEW = 4
"""Runs of a setting while the search looks for the place."""
SEEN = 6
"""Runs of the settings around the answer, of which a median has an interval."""
SPREAD = 12
"""Values of the other key, at most, with which one member fewer is tried."""
SAME = 1e-3
"""Bills that differ by less of them are the same: idle polls are drawn as well."""
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
        """Settings that are cheaper than the answer and may do, ascending; without one, any."""
        return sorted(
            values
            for values, verdict in self.verdicts.items()
            if verdict is None
            and (self.answer is None or cheaper(self.dials, self.tried, values, self.answer))
        )

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
    """Find the setting that meets goals for the least money a month.

    Of those that cost the same, the one with the fewest members, then with the least of the rest.

    Args:
        scenario: with the system that the dials are of.
        dials: what is varied.
        goals: what is to be met.
        folder: where runs are kept; those that are there are not made again.
        share: of the runs, that are to meet all goals.
        confidence: that the answer does, and that no setting one step below it does.
        most: runs of a setting, each of those that stay open.
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


def cheaper(
    dials: Sequence[Dial], tried: Mapping[Values, Outcomes], one: Values, other: Values
) -> bool:
    """Whether a setting costs less than another, by their bills; where these are the same or
    there is none, whether it has fewer members, or as many and less of the rest."""
    months = tried[one].usd_per_month, tried[other].usd_per_month
    if all(map(isfinite, months)) and abs(months[0] - months[1]) > SAME * max(months):
        return months[0] < months[1]

    def size(values: Values) -> tuple[int, int]:
        of = {True: 0, False: 0}
        for dial, n in zip(dials, values, strict=True):
            of[dial.members] += n
        return of[True], of[False]

    return size(one) < size(other)


class Staircase:
    """Looks for the cheapest setting."""

    def __init__(self, trials: Trials, share: float, confidence: float, most: int) -> None:
        """See `size_system`."""
        self.trials = trials
        self.share = share
        self.error = 1 - confidence
        """What all decisions together may be wrong with."""
        self.most = most
        self.first = min(FIRST_RUNS, most)
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
        self._begun: dict[Values, int] = {}
        """Of each setting that was to be decided, the how many-th it was, from 1."""

    def answer(self) -> Values | None:
        """The cheapest that is sure; None: none is."""
        # Mostly, the most of it does if any does.
        tried = (self._least(value) for value in reversed(self._spread()))
        found = next((values for values in tried if values is not None), None)
        if found is not None and self.beside is not None:
            found = self._down(found, self.beside)
        return None if found is None else self._settled(self._by_price(found))

    def around(self, values: Values) -> Iterator[Values]:
        """Settings that differ from this one in one dial: some steps, and twice as many."""
        for i, dial in enumerate(self.trials.dials):
            at = dial.values.index(values[i])
            for other in dict.fromkeys((*(at + step for step in _AROUND), 2 * at + 1)):
                if 0 <= other < len(dial.values):
                    yield from self._allowed(_with(values, i, dial.values[other]))

    def _spread(self, dial: int | None = None) -> Sequence[int]:
        """Values of the other key, ascending: all, or some from the least to the most."""
        dial = self.beside if dial is None else dial
        if dial is None:
            return (0,)
        values = self.trials.dials[dial].values
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

    def _least(self, beside: int, fewest: Values | None = None) -> Values | None:
        """The fewest members of every group that look enough; None: the most are too few.

        ``fewest``: setting with the members below which nothing is tried.
        """
        least = Least([str(i) for i in self.searched])
        places = dict.fromkeys(least.low, 1)
        if fewest is not None:
            places = {n: self._place(int(n), fewest) for n in places}
            least.low = {name: place - 1 for name, place in places.items()}
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

    def _place(self, dial: int, values: Values) -> int:
        """The how many-th value of a dial it is, from 1."""
        return self.trials.dials[dial].values.index(values[dial]) + 1

    def _saves(self, one: Values, other: Values) -> bool:
        """Whether a setting has a smaller bill than another; two runs of each tell."""
        its = [self.trials.run(values, BATCHES[0]).usd_per_month for values in (one, other)]
        return all(map(isfinite, its)) and its[0] < (1 - SAME) * its[1]

    def _cheaper(self, one: Values, other: Values) -> bool:
        for values in (one, other):
            self.trials.run(values, BATCHES[0])
        return cheaper(self.trials.dials, self.trials.tried, one, other)

    def _saving(self, values: Values, dial: int) -> list[Values]:
        """Settings that differ in a dial that has a price, and have a smaller bill.

        None if neither the least nor the most of it has: bills are taken to go one way.
        """
        others = [
            other
            for value in self._spread(dial)
            for other in self._allowed(_with(values, dial, value))
        ]
        if not any(self._saves(end, values) for end in (others[0], others[-1]) if end != values):
            return []
        return [other for other in others if other != values and self._saves(other, values)]

    def _by_price(self, found: Values) -> Values:
        """What looks enough and has the smallest bill, where the other key has a price as well.

        More of it may cost less, as messages in a call; and less of it, as shards, with more
        members.
        """
        dial = self.searched[0] if self.beside is None else self.beside
        if self.trials.dials[dial].members:
            return found
        best = found
        for there in self._saving(found, dial):
            # With more members it costs no less than with these.
            if not self._saves(there, best):
                continue
            other: Values | None = None
            if there[dial] > found[dial]:
                passed = self.trials.passes(there, self.share, FEW)
                other = there if all(passed.values()) else None
            elif self.beside is not None and any(True for _ in self._allowed(there)):
                other = self._least(there[dial], found)
            if other is not None and self._saves(other, best):
                best = other
        return best

    def _settled(self, values: Values) -> Values | None:
        """From where the search ended to the cheapest setting that is sure; None: none is."""
        at: Values | None = values
        while at is not None and self._decide(at, self.first) is not True:
            values, at = at, self._up(at)
        if at is None and self._decide(values, self.most) is True:
            at = values
        while at is not None:
            less = self._less(at)
            if less is None:
                break
            at = less
        return at

    def _decide(self, values: Values, most: int) -> bool | None:
        if self.verdicts.get(values) is None:
            k = self._begun.setdefault(values, len(self._begun) + 1)
            self.verdicts[values] = self.trials.decide(
                values, self.share, 1 - self.error / (k * (k + 1)), most
            )
        return self.verdicts[values]

    def _less(self, values: Values) -> Values | None:
        """A cheaper setting that is sure to do; None: there is none but what stays open."""
        seen, ahead, tried = {values}, [*self._below(values)], self.trials.tried
        while ahead:
            still = []
            for less in ahead:
                if less in seen or not self._cheaper(less, values):
                    continue
                seen.add(less)
                verdict = self._decide(less, self.first)
                if verdict:
                    return less
                if verdict is None:
                    still.append(less)
            # The best first: where that one cannot be told, those with a worse record cannot.
            for less in sorted(still, key=lambda one: -tried[one].met() / tried[one].runs):
                verdict = self._decide(less, self.most)
                if verdict:
                    return less
                if verdict is None:
                    break
            ahead = [
                fewer
                for less in still
                if self.verdicts[less] is None
                for fewer in self._with_fewer(less)
            ]
        return None

    def _with_fewer(self, values: Values) -> Iterator[Values]:
        """With one step less of what is searched, of one dial."""
        for i in self.searched:
            at = self._place(i, values) - 1
            if at:
                yield _with(values, i, self.trials.dials[i].values[at - 1])

    def _below(self, values: Values) -> Iterator[Values]:
        """Settings that may be cheaper, each the most of its kind: with one step less of one key;
        and with a smaller bill, with more of the other key or with less of it and more members."""
        for i, dial in enumerate(self.trials.dials):
            at = dial.values.index(values[i])
            if at == 0:
                continue
            less = _with(values, i, dial.values[at - 1])
            others = [less]
            if self.beside is not None and i != self.beside:
                others += [_with(less, self.beside, value) for value in self._spread()]
            for other in dict.fromkeys(others):
                yield from self._allowed(other)
        dial_at = self.searched[0] if self.beside is None else self.beside
        if self.trials.dials[dial_at].members:
            return
        for there in self._saving(values, dial_at):
            if there[dial_at] > values[dial_at]:
                yield there
            elif self.beside is not None:
                for i in self.searched:
                    yield from self._most_for_less(there, i, values)

    def _most_for_less(self, there: Values, dial: int, than: Values) -> Iterator[Values]:
        """With the most members of a group that still cost less than a setting does."""
        found, values = None, self.trials.dials[dial].values
        for value in values[self._place(dial, there) :]:
            more = _with(there, dial, value)
            if not any(True for _ in self._allowed(more)) or not self._saves(more, than):
                break
            found = more
        if found is not None:
            yield found

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
