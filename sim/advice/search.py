"""The fewest workers that keep the pace: doubling, then bisection, on real simulated runs.

All groups of a system are searched at once: each run gives every group a number of its own to try.
"""

from collections.abc import Callable, Mapping, Sequence
from math import ceil

from sim.advice.trial import Trial
from sim.foundation.least import Least
from sim.words.needs_met import Seen

_EXACT = 16
"""Up to so many workers the least number is found exactly; beyond, to one sixteenth."""
_IN_VAIN = 0.9
"""More workers are in vain if twice in a row neither the delay falls below this part of what it
was, nor the rate rises as much."""


class Search:
    """What was tried of one system."""

    def __init__(
        self,
        groups: Sequence[str],
        run: Callable[[Mapping[str, int]], Trial],
        keeps_pace: Callable[[Seen], bool],
        most: int,
        mean_rate: Mapping[str, float],
    ) -> None:
        """
        Args:
            groups: of the system.
            run: makes a trial with a number of workers for each group.
            keeps_pace: whether a group was quick enough.
            most: workers of a group.
            mean_rate: messages a second for each group, on average: what one worker gets through
                tells how many it takes at least.
        """
        self.run = run
        self.keeps_pace = keeps_pace
        self.most = most
        self.mean_rate = mean_rate
        self.trials: list[Trial] = []
        self.known = Least(groups)
        """Of the workers that keep the pace."""
        self._vain = dict.fromkeys(groups, 0)
        self._delay_s = dict.fromkeys(groups, float("inf"))
        self._rate = dict.fromkeys(groups, 0.0)

    def _try(self, workers: Mapping[str, int]) -> Trial:
        trial = self.run(workers)
        self.trials.append(trial)
        for seen in trial.seen:
            self.known.tried(seen.group, seen.workers, self.keeps_pace(seen))
        return trial

    def _hopeless(self, seen: Seen) -> bool:
        """Whether more workers do not help: there are no more, or the last ones were in vain."""
        in_vain = (
            seen.delay_s >= _IN_VAIN * self._delay_s[seen.group]
            and seen.rate_per_s * _IN_VAIN <= self._rate[seen.group]
        )
        self._vain[seen.group] = self._vain[seen.group] + 1 if in_vain else 0
        self._delay_s[seen.group] = seen.delay_s
        self._rate[seen.group] = seen.rate_per_s
        return seen.workers >= self.most or self._vain[seen.group] >= 2

    def once(self) -> Trial:
        """Where there is nothing to look for: a single trial."""
        return self._try(dict.fromkeys(self.known.low, 1))

    def double(self) -> Trial:
        """Double the workers of each group until it keeps the pace, or until that is hopeless."""
        workers = dict.fromkeys(self.known.low, 1)
        given_up: set[str] = set()
        while True:
            trial = self._try(workers)
            slow = [s for s in trial.seen if not self.keeps_pace(s) and s.group not in given_up]
            for seen in slow:
                if self._hopeless(seen):
                    given_up.add(seen.group)
                    continue
                more = 2 * seen.workers
                mean_rate = self.mean_rate[seen.group]
                if len(self.trials) == 1 and 0 < seen.rate_per_s < mean_rate:
                    more = max(2, ceil(mean_rate / seen.rate_per_s))
                workers[seen.group] = min(more, self.most)
            if all(seen.group in given_up for seen in slow):
                return trial

    def bisect(self) -> Trial:
        """Narrow the number of each group that was found quick enough down to the least."""
        trial = self.trials[-1]
        while middle := self.known.middle(_EXACT):
            trial = self._try({**trial.workers, **self.known.found(), **middle})
        found = {**trial.workers, **self.known.found()}
        tried = [t for t in self.trials if t.workers == found]
        return tried[-1] if tried else self._settle(found)

    def _settle(self, workers: dict[str, int]) -> Trial:
        """Run together what was found apart; with other partitions it may take a few more."""
        for _ in range(4):
            trial = self._try(workers)
            slow = [s for s in trial.seen if not self.keeps_pace(s) and s.workers < self.most]
            if not slow:
                break
            workers = {**workers, **{s.group: s.workers + ceil(s.workers / _EXACT) for s in slow}}
        return trial
