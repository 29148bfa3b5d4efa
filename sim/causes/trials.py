"""Runs of a scenario with something set otherwise: the same messages through one system."""

import os
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from threading import Event, Lock
from typing import Any, TypeVar

from sim.causes.data import Change, Hypothesis
from sim.causes.harms import Numbers, numbers
from sim.engine import pace
from sim.engine.outcome import GroupOutcome
from sim.foundation.arrays import I32
from sim.foundation.errors import LabError, ScenarioError
from sim.lab import run_system
from sim.measure.tables import Tables
from sim.scenario.faults.base import RandomFault
from sim.scenario.load import Scenario
from sim.systems.placed import messages_of
from sim.traffic.messages import Messages

_T = TypeVar("_T")
_LOOK_S = 0.1
"""So often the main thread looks up from its waiting, s: it alone hears Ctrl+C."""

_NEVER_S = 1e9
"""When a fault strikes that is left out and whose place in the list must stay taken, s."""
_TIMES = ("at", "rate", "from", "until", "when")
"""Keys that say when a fault strikes."""


class Onlooker:
    """Told how far it is; does nothing."""

    def begin(self, what: str, runs: int) -> None:
        """So many runs are to be made of something; of more that come later it is told again."""

    def done(self, what: str) -> None:
        """A run of something was made."""


@dataclass(frozen=True)
class Tried:
    """What became of a system's groups in a counterfactual; or why it could not be run."""

    of: dict[str, Numbers]
    why_not: str = ""


class Laboratory:
    """Runs a scenario with changes, several at a time.

    Messages are drawn once. A change that draws others (of arrivals or keys) draws its own, with
    the same seed; all other streams of random numbers are named, and stay as they are.
    """

    def __init__(self, scenario: Scenario, watch: Onlooker | None = None) -> None:
        self.scenario = scenario
        self.messages = messages_of(scenario)
        self.runs = 0
        self._as_it_is: dict[str, Tables] = {}
        self.given: dict[tuple[str, str], tuple[int, I32 | None]] = {}
        """Of each group that was run as it is, how many messages came to its system (up to the
        last that it wants), and which of them it wants, ascending; None: all."""
        self._watch = watch or Onlooker()
        self._stop = Event()
        self._lock = Lock()

    def baseline(self, system: str) -> Tables:
        """The tables of a system as it is, which is run when it is first asked for."""
        if system not in self._as_it_is:
            self._watch.begin(system, 1)
            self._as_it_is[system] = self._in_threads(
                [
                    lambda: run_system(
                        self.scenario, system, self.messages, self._heed, on_outcome=self._keep
                    )
                ]
            )[0]
            self._watch.done(system)
        return self._as_it_is[system]

    def _keep(self, outcome: GroupOutcome) -> None:
        rows = outcome.rows
        # A draw of fewer messages is the beginning of one of more: those behind do not matter.
        come = outcome.done_s.size if rows is None else int(rows.max(initial=-1)) + 1
        self.given[outcome.system, outcome.group] = come, rows

    def try_all(self, system: str, taken: Sequence[Sequence[Hypothesis]]) -> list[Tried]:
        """Run a system without each of these, in their order.

        Args:
            system: name.
            taken: hypotheses that are taken away together.

        Raises:
            KeyboardInterrupt: stopped.
        """
        self._watch.begin(system, len(taken))

        def one(of: Sequence[Hypothesis]) -> Tried:
            tried = self._without(system, of)
            with self._lock:
                self.runs += not tried.why_not
                self._watch.done(" + ".join(hypothesis.name for hypothesis in of))
            return tried

        return self._in_threads([partial(one, of) for of in taken])

    def _without(self, system: str, of: Sequence[Hypothesis]) -> Tried:
        try:
            scenario = changed(
                self.scenario, [change for hypothesis in of for change in hypothesis.changes]
            )
            messages = self._messages_of(scenario)
            tables = run_system(scenario, system, messages, self._heed)
        except ScenarioError as error:
            return Tried({}, error.problems[0].message)
        except LabError as error:
            return Tried({}, str(error))
        except AssertionError as error:  # the others tell all the same; this one is told, too
            return Tried({}, f"a bug of the lab: {error}")
        return Tried(numbers(scenario, tables, system))

    def _messages_of(self, scenario: Scenario) -> Messages:
        ours, its = self.scenario.workload, scenario.workload
        same = (ours.arrivals, ours.keys) == (its.arrivals, its.keys)
        if same and self.scenario.start == scenario.start:
            return self.messages
        return messages_of(scenario)

    def _heed(self, system: str, now_s: float, settled: int, total: int) -> None:
        """Between two pieces of a run: whether to stop."""
        pace.check()

    def _in_threads(self, work: Sequence[Callable[[], _T]]) -> list[_T]:
        """What each gives; at Ctrl+C, or if one fails, all stop within a moment."""
        with ThreadPoolExecutor(
            max_workers=os.cpu_count(),
            thread_name_prefix="trial",
            initializer=pace.heed,
            initargs=(self._stop,),
        ) as pool:
            futures = [pool.submit(one) for one in work]
            try:
                _wait(futures)
                return [future.result() for future in futures]
            except BaseException:
                self._stop.set()
                for future in futures:
                    future.cancel()
                raise


def _wait(futures: Iterable[Future[_T]]) -> None:
    left = set(futures)
    while left:
        done, left = wait(left, _LOOK_S, FIRST_COMPLETED)
        for future in done:
            future.result()


def changed(scenario: Scenario, changes: Sequence[Change]) -> Scenario:
    """The scenario with changes, all of which are made before anybody looks at it.

    Raises:
        ScenarioError: it is none then.
    """
    made: dict[str, Any] = {}
    gone = []
    for change in changes:
        where, _, index = change.path.partition(".")
        if where == "faults" and index.isdecimal():
            gone.append(int(index))
        else:
            made.setdefault(change.path, change.value)
    if gone:
        return scenario.with_(made).with_({"faults": without(scenario.with_(made), gone)})
    return scenario.with_(made)


def without(scenario: Scenario, gone: Collection[int]) -> list[Any]:
    """The faults of a scenario without some of them, the draws of the others as they are."""
    left = [(i, fault) for i, fault in enumerate(scenario.faults) if i not in gone]
    last = max((i for i, its in left if isinstance(its, RandomFault) and its.rate), default=-1)
    faults = []
    for index, fault in enumerate(scenario.faults):
        data = fault.model_dump(mode="json", by_alias=True)
        if index not in gone:
            faults.append(data)
        elif index < last:  # what is drawn for a fault at random is drawn by its number
            timed = {key: value for key, value in data.items() if key not in _TIMES}
            faults.append({**timed, "at": _NEVER_S})
    return faults
