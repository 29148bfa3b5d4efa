"""One simulated run of a preset: the scenario's workload and faults, a number of workers a group.

The messages are those of the scenario, made once; every preset and every number of workers gets
the same ones, and the same work for each.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import ceil
from typing import Any

import numpy as np

from sim.advice.data import Preset
from sim.advice.own import Own
from sim.advice.strikes import moved, of_publisher
from sim.costs.use import Use, use_of
from sim.foundation.errors import ScenarioError
from sim.foundation.units import Distribution
from sim.lab import run_system
from sim.measure.tables import Tables
from sim.scenario.faults.base import Fault
from sim.scenario.faults.groups import PoisonFault, SeekFault
from sim.scenario.faults.processes import CrashFault, PauseFault
from sim.scenario.load import Scenario, distribution_files
from sim.scenario.needs import Needs
from sim.scenario.products.aws_lambda import LONGEST_S
from sim.traffic.messages import Messages
from sim.words.needs_met import Seen, seen_of, total, worst_of

NAME = "advised"
"""Name of the only system of a trial's scenario, if that is not one of the scenario's own."""

_CALL_S = 0.025
"""Time a send is reckoned to take when senders are counted; the mean is 17 ms."""
_LEAST_TIMEOUT_S = 3
"""Of a Lambda function: its default
(https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html)."""
_LONGEST_VISIBILITY_S = 43_200
_LEAST_IDLE_S = 60
"""How long an entry of a Redis stream is pending before another consumer claims it, at least (an
assumption: XAUTOCLAIM has no default)."""
_GIVEN_UP_S = 900.0
"""What fails for ever may be tried so long, and then be given up, before a run is cut off."""
_RESTART_S = 60.0
_REPLAY_S = 60.0
_HALTS = 20
_HALT_S = 5.0
"""Shorter than any session, lease or lock: nobody takes the halted worker for dead."""


@dataclass(frozen=True)
class Trial:
    """What one run showed."""

    workers: Mapping[str, int]
    seen: Sequence[Seen]
    requests: Mapping[str, int]
    """Calls that a service bills, by kind, over all groups."""
    use: Use
    """What it used of what is billed."""

    def worst(self, column: str) -> Seen:
        """The group with the highest value."""
        return worst_of(self.seen, column)

    def sum(self, column: str) -> int:
        """Over all groups."""
        return total(self.seen, column)


class Bench:
    """Runs presets under the workload and the faults of one scenario."""

    def __init__(self, scenario: Scenario, messages: Messages, needs: Needs) -> None:
        """
        Args:
            scenario: whose systems only lend their names to the faults' targets.
            messages: of the scenario.
            needs: which quantile of the delay to look at, which order, and whether consumers crash.
        """
        self.scenario = scenario
        self.messages = messages
        self.needs = needs
        self.jobs = list(scenario.workload.service)
        data = scenario.model_dump(mode="json", by_alias=True)
        data["workload"]["arrivals"]["multiply"] = (
            scenario.workload.arrivals.multiply * scenario.scale
        )
        data["scale"] = 1.0
        data.pop("shows", None)  # of what the scenario's own systems keep, as are books
        if scenario.workload.ordered_by is not None or needs.order == "total":
            data["workload"]["order_by"] = self.order_by
        data["drain_limit"] = self.patience_s
        trace, cases = scenario.workload.arrivals.trace, scenario.workload.cases
        if trace is not None:
            data["workload"]["arrivals"]["trace"]["path"] = str(trace.file)
        if cases is not None:
            data["workload"]["cases"]["path"] = str(cases.file)
        for path, its in distribution_files(scenario.workload):
            place = data["workload"]
            for key in path:
                place = place[key]
            place["path"] = str(its.file)
        self._data = data
        self.peak = _peak_rate(messages)

    @property
    def patience_s(self) -> float:
        """How long after the last arrival a run goes on: if quick is asked for, not much longer."""
        allowed_s = [s for s in (self.needs.max_delay, self.needs.drain) if s is not None]
        if not allowed_s:
            return self.scenario.drain_limit
        least_s = _GIVEN_UP_S if self.fails_for_ever else 0.0
        patience_s = max(self.messages.duration_s / 2, 2 * max(allowed_s), least_s)
        return min(self.scenario.drain_limit, patience_s)

    @property
    def order_by(self) -> list[str]:
        """The dimensions within which order matters; none: all messages are in one order."""
        if self.needs.order == "total":
            return []
        return self.scenario.workload.ordered_by or []

    @property
    def busy(self) -> float:
        """Workers of a group that are busy on average, if each has one message at a time."""
        services = self.scenario.workload.service.values()
        rate = len(self.messages) / self.messages.duration_s
        return rate * max(its.per_message.mean_s() for its in services)

    @property
    def strikes_publishers(self) -> bool:
        """Whether a fault of the scenario strikes publishers or brokers."""
        return any(of_publisher(fault) for fault in self.scenario.faults)

    @property
    def fails(self) -> bool:
        """Whether handlers raise, by a fault or by a share of the workload."""
        services = self.scenario.workload.service.values()
        return any(
            isinstance(fault, PoisonFault) and fault.effect == "fail"
            for fault in self.scenario.faults
        ) or any(
            its.poison is not None and its.poisons and its.poison.effect == "fail"
            for its in services
        )

    @property
    def fails_for_ever(self) -> bool:
        """Whether handlers raise on some messages whenever these are tried; or die of a share."""
        services = self.scenario.workload.service.values()
        return any(
            isinstance(fault, PoisonFault) and fault.effect == "fail" and fault.times is None
            for fault in self.scenario.faults
        ) or any(
            its.poison is not None and its.poison.times is None for its in services if its.poisons
        )

    def why_not(self, preset: Preset) -> str | None:
        """Why a preset makes no sense for this workload, as a clause; None: it does."""
        if preset.only == "several_jobs" and len(self.jobs) == 1:
            return "there is one job"
        if preset.only == "several_jobs" and self.needs.routing:
            return "each job wants messages of its own"
        if preset.only == "publisher" and not self.strikes_publishers:
            return "no fault strikes publishers or brokers"
        if preset.only == "failing" and not self.fails:
            return "nothing makes a handler raise"
        if self.needs.routing and not preset.routes:
            return "its keys cannot say which messages a job wants"
        try:
            self._with_systems(preset, dict.fromkeys(self.groups(preset), 1), [])
        except ScenarioError as error:
            if all(problem.path.endswith(".product") for problem in error.problems):
                return "its product is unknown"
            raise
        return None

    def groups(self, preset: Preset) -> Mapping[str, list[str]]:
        """The jobs of each group or queue."""
        if isinstance(preset, Own):
            return preset.jobs
        if "$everything" in str(preset.system):
            return {"everything": self.jobs}
        return {job: [job] for job in self.jobs}

    def mean_rates(self, preset: Preset) -> Mapping[str, float]:
        """Messages a second that each group or queue wants, on average."""
        wanted = self.messages.of_each(self.needs.routing)
        return {
            group: len(wanted.get(group, self.messages)) / self.messages.duration_s
            for group in self.groups(preset)
        }

    def system(self, preset: Preset, workers: Mapping[str, int]) -> Any:
        """The system as in a scenario."""
        if isinstance(preset, Own):
            return preset.with_workers(workers)
        publishers = [
            _from_anywhere(system.publishing.per_message)
            for system in self.scenario.systems.values()
            if system.publishing is not None
        ]
        words = {
            "$jobs": self.jobs,
            "$key": self.order_by or None,
            "$group": self.order_by,
            "$partitions": self._partitions_of(workers),
            "$senders": max(1, ceil(self.peak * _CALL_S)),
            "$batch_senders": max(1, ceil(self.peak * _CALL_S / 10)),
            "$timeout": self._timeout_s(10),
            "$stream_timeout": self._timeout_s(100),
            "$visibility": min(_LONGEST_VISIBILITY_S, 6 * self._timeout_s(10)),
            "$idle_ms": 1_000 * max(_LEAST_IDLE_S, 6 * self._timeout_s(1)),
            "$publisher_work": publishers[0] if publishers else 0.0,
            "$exchange": {"type": "headers"} if self.needs.routing else None,
        }
        of_job = {
            job: {"$only": self.needs.routing.get(job), "$bindings": self._bindings(job)}
            for job in self.jobs
        }
        its = _merged(preset.system, preset.hopeless) if self.fails_for_ever else preset.system
        data = _filled(its, words, of_job, workers)
        if self.strikes_publishers:
            data |= _filled(preset.publisher, words, of_job, workers)
        return data

    def _timeout_s(self, batch: int) -> int:
        """Of a Lambda function: three batches at the mean of the work, and two slow messages."""
        works = self.scenario.workload.service.values()
        batch_s = max(batch * its.per_message.mean_s() + its.per_batch for its in works)
        slow_s = max((its.slow.time.mean_s() for its in works if its.slow is not None), default=0.0)
        return min(int(LONGEST_S), max(_LEAST_TIMEOUT_S, ceil(3 * batch_s + 2 * slow_s)))

    def _bindings(self, job: str) -> list[Any] | None:
        """Of a job's queue to a headers exchange; None: there is none."""
        if not self.needs.routing:
            return None
        wanted = self.needs.routing.get(job, {})
        return [
            {"arguments": dict(zip(wanted, values, strict=True))}
            for values in product(*wanted.values())
        ]

    def _partitions_of(self, workers: Mapping[str, int]) -> int:
        return 1 if self.needs.order == "total" else max(workers.values())

    def faults(self, preset: Preset, workers: Mapping[str, int]) -> tuple[list[Fault], list[Fault]]:
        """The scenario's faults as they strike this preset, and those that do not."""
        groups = dict(self.groups(preset))
        name = _name(preset)
        system = self.system(preset, workers)
        parts = ("publisher", "broker") if "publisher" in system else ()
        its = {**groups, **{part: [] for part in parts}}
        struck: list[Fault] = list(self.scenario.faults)
        spared: list[Fault] = []
        if not isinstance(preset, Own):  # of its own system, those of others fall away at the run
            struck, spared = moved(
                self.scenario, name, its, workers, tables=system["product"] == "postgres"
            )
        if self.needs.consumer_crash == "survives":
            struck += [
                CrashFault(
                    at=self.messages.duration_s / 2,
                    target=f"{name}.{group}.0",
                    restart_after=_RESTART_S,
                )
                for group in groups
            ]
        return struck, spared

    def run(
        self,
        preset: Preset,
        workers: Mapping[str, int],
        *,
        slowed: str | None = None,
        halting: bool = False,
        replayed: bool = False,
        sent_at_once: bool = False,
    ) -> Trial:
        """Run a preset.

        Args:
            preset: what to run.
            workers: of each group or queue.
            slowed: a job whose every message takes twenty times as long; None: none.
            halting: whether the first worker of each group stands still for five seconds, twenty
                times: what it holds is overtaken, if anything can overtake.
            replayed: whether all groups want to read everything again when arrivals have ended;
                the run is over a minute later.
            sent_at_once: whether a send takes no time: then no sender overtakes another.
        """
        faults, _ = self.faults(preset, workers)
        name = _name(preset)
        if halting:
            faults += [
                PauseFault.model_validate(
                    {
                        "at": (i + 0.5) / _HALTS * self.messages.duration_s,
                        "target": f"{name}.{group}.0",
                        "for": _HALT_S,
                    }
                )
                for group in self.groups(preset)
                for i in range(_HALTS)
            ]
        if replayed:
            faults += [
                SeekFault(at=self.messages.duration_s, target=f"{name}.{group}", to="beginning")
                for group in self.groups(preset)
            ]
        scenario = self._of_those_that_strike(preset, workers, faults, slowed, replayed)
        if sent_at_once:
            scenario = scenario.with_({f"systems.{name}.latency.send": 0.0})
        tables = run_system(scenario, name, self.messages)
        use = use_of(
            scenario,
            tables,
            name,
            messages=len(self.messages),
            message_bytes=float(self.messages.size_bytes.mean()),
            workers=workers,
        )
        functions = scenario.systems[name].functions
        return _trial(tables, name, workers, self.needs.quantile, use, functions)

    def made(self, preset: Preset, workers: Mapping[str, int]) -> Scenario:
        """The scenario with this system alone, and the faults that strike it: what was judged."""
        faults, _ = self.faults(preset, workers)
        found = self._of_those_that_strike(preset, workers, faults)
        return found.with_(drain_limit=self.scenario.drain_limit)

    def _of_those_that_strike(
        self,
        preset: Preset,
        workers: Mapping[str, int],
        faults: Sequence[Fault],
        slowed: str | None = None,
        replayed: bool = False,
    ) -> Scenario:
        """A system's scenario, without the faults that it has no part for."""
        while True:
            try:
                return self._with_systems(preset, workers, faults, slowed, replayed)
            except ScenarioError as error:
                unfit = {_fault_number(problem.path) for problem in error.problems}
                if None in unfit:
                    raise
                faults = [fault for i, fault in enumerate(faults) if i not in unfit]

    def _with_systems(
        self,
        preset: Preset,
        workers: Mapping[str, int],
        faults: Sequence[Fault],
        slowed: str | None = None,
        replayed: bool = False,
    ) -> Scenario:
        data = dict(self._data)
        if replayed:
            data["drain_limit"] = _REPLAY_S
        data["systems"] = {_name(preset): self.system(preset, workers)}
        if isinstance(preset, Own):
            # Its numbers are those of the scenario, which its scale multiplies.
            data["scale"] = self.scenario.scale
            arrivals = self.scenario.workload.arrivals
            its = data["workload"]["arrivals"] | {"multiply": arrivals.multiply}
            data["workload"] = data["workload"] | {"arrivals": its}
        data["faults"] = [fault.model_dump(mode="json", by_alias=True) for fault in faults]
        if slowed is not None:
            service = dict(data["workload"]["service"])
            mean_s = self.scenario.workload.service[slowed].per_message.mean_s()
            service[slowed] = service[slowed] | {"slow": {"share": 1, "time": 20 * mean_s}}
            data["workload"] = data["workload"] | {"service": service}
        return Scenario.from_mapping(data)


def _name(preset: Preset) -> str:
    """Of the only system of a trial's scenario."""
    return preset.name if isinstance(preset, Own) else NAME


def _from_anywhere(distribution: Distribution) -> Any:
    """A distribution as in a scenario; its file, if it has one, by the whole of its path."""
    data = distribution.model_dump(mode="json", by_alias=True)
    if distribution.csv is not None:
        data["csv"]["path"] = str(distribution.csv.file)
    return data


def _fault_number(path: str) -> int | None:
    parts = path.split(".")
    return int(parts[1]) if parts[0] == "faults" and len(parts) > 1 else None


def _peak_rate(messages: Messages) -> float:
    """Messages a second in the busiest of 200 equal parts of the time."""
    if not len(messages):
        return 0.0
    counts, edges = np.histogram(messages.created_s, 200, (0.0, messages.duration_s))
    return float(counts.max() / (edges[1] - edges[0]))


def _merged(node: Any, more: Any) -> Any:
    """Data with others merged into it, key by key."""
    if not isinstance(node, dict) or not isinstance(more, dict):
        return more
    return {
        **node,
        **{key: _merged(node[key], its) if key in node else its for key, its in more.items()},
    }


def _filled(
    node: Any,
    words: Mapping[str, Any],
    of_job: Mapping[str, Mapping[str, Any]],
    workers: Mapping[str, int],
) -> Any:
    """A preset's data with the words replaced; a key whose word stands for nothing is left out."""
    if isinstance(node, dict):
        out = {}
        for key, inner in node.items():
            if key == "$each_job":
                for job, its in of_job.items():
                    own = {**words, **its, "$job": job, "$workers": workers[job]}
                    out[job] = _filled(inner, own, of_job, workers)
            elif key == "$everything":
                own = {**words, "$workers": workers["everything"]}
                out["everything"] = _filled(inner, own, of_job, workers)
            elif (value := _filled(inner, words, of_job, workers)) is not None:
                out[key] = value
        return out
    if isinstance(node, list):
        return [_filled(inner, words, of_job, workers) for inner in node]
    return words[node] if isinstance(node, str) and node.startswith("$") else node


def _trial(
    tables: Tables,
    name: str,
    workers: Mapping[str, int],
    quantile: float,
    use: Use,
    functions: Collection[str],
) -> Trial:
    seen = seen_of(tables, name, quantile, workers, functions)
    requests: dict[str, int] = {}
    for request in tables.requests.to_dict("records"):
        kind = str(request["request"])
        requests[kind] = requests.get(kind, 0) + int(request["calls"])
    return Trial(dict(workers), seen, requests, use)
