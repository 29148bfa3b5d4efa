"""The answer: every preset tried, judged, priced and ranked, and which way to go, in words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import ceil, isfinite
from typing import Any

from sim.advice.chosen import chosen
from sim.advice.data import Preset, presets
from sim.advice.own import MORE, Own, own_systems
from sim.advice.reasons import Hottest, hottest
from sim.advice.search import Search
from sim.advice.trial import Bench, Trial
from sim.costs.bill import BillLine, bill, total
from sim.costs.prices import Prices, prices
from sim.foundation.errors import LabError
from sim.scenario.load import Scenario
from sim.scenario.needs import Needs
from sim.scenario.pipeline import refuse_pipeline
from sim.systems.placed import messages_of
from sim.systems.size import USUAL, Allowance, check, free_bytes, size
from sim.words.needs_met import PACE, Judgement, judge, keeps_pace

MOST_MESSAGES = 2_000_000
"""A workload with more is tried at a smaller scale."""
MOST_WORKERS = 64
"""Of a group, unless told otherwise, or twice as many as are busy on average, if that is more."""


@dataclass(frozen=True)
class Row:
    """One system, tried."""

    preset: str
    title: str
    trial: Trial
    """With the fewest workers that keep the pace, or the most that were tried."""
    trials: int
    judged: Sequence[Judgement]
    lines: Sequence[BillLine]
    spared: Sequence[str]
    """Faults of the scenario that this system has no part for."""
    replayed: Trial
    """With a seek to the beginning at the end of arrivals."""
    alone: Trial | None
    """The trial with one worker, if that is another one."""
    more: Trial | None = None
    """The same with two more workers of each group (`own.MORE`), where that was tried."""
    own: bool = False
    """Whether it is a system of the scenario."""
    made: Scenario | None = None
    """What was judged, as a scenario with this system alone."""
    assumes: str = ""
    """As `Preset.assumes`."""
    overtaken_by_senders: bool = False
    """Whether it keeps the order of what it is sent, and senders alone do not."""

    @property
    def unmet(self) -> Sequence[Judgement]:
        """The needs that are not met."""
        return [judgement for judgement in self.judged if not judgement.met]

    @property
    def usd_per_hour(self) -> float:
        """The bill of an hour."""
        return total(self.lines)

    @property
    def workers(self) -> int:
        """Over all groups; 0 where Lambda functions do the work."""
        return sum(group.workers for group in self.trial.use.groups)

    @property
    def team(self) -> str:
        """Who does the work: "7 workers", "4 shards"; of a Lambda function behind a queue, ""."""
        n, what = self.workers, "worker"
        if not n and self.trial.use.partitions > 1:
            n, what = ceil(self.trial.use.partitions), "shard"
        return f"{n} {what}{'' if n == 1 else 's'}" if n else ""

    @property
    def slow_alone(self) -> bool:
        """Whether it misses nothing but the pace."""
        others = [j for j in self.unmet if j.need.partition(":")[0] not in PACE]
        return bool(self.unmet) and not others

    @property
    def gone(self) -> bool:
        """Whether messages were gone after they were read."""
        return self.replayed.sum("unrecoverable") > 0


@dataclass(frozen=True)
class Advice:
    """The rows, best first, and what they were made from."""

    scenario: Scenario
    needs: Needs
    rows: Sequence[Row]
    messages: int
    scale: float
    """Of the trials."""
    reduced: float
    """What part of the scenario's own scale that is; 1: all of it."""
    most_workers: int
    prices: Prices
    hottest: Hottest | None = None
    """The key whose messages take longest in order."""

    @property
    def fit(self) -> Sequence[Row]:
        """The systems that meet every need."""
        return [row for row in self.rows if not row.unmet]


class Watch:
    """Told how far it is; does nothing."""

    def begin(self, titles: Sequence[str]) -> None:
        """These systems will be tried."""

    def tries(self, title: str, workers: Mapping[str, int]) -> None:
        """A run begins."""

    def done(self, title: str) -> None:
        """A system was tried."""


def advise(
    scenario: Scenario,
    most_workers: int | None = None,
    watch: Watch | None = None,
    catalogue: Mapping[str, Preset] | None = None,
    allowed: Allowance | None = None,
    own: bool = True,
    only: Sequence[str] = (),
    without: Sequence[str] = (),
) -> Advice:
    """Try every preset that applies, and the systems of the scenario as they are.

    Args:
        scenario: its workload, faults and needs.
        most_workers: of a group; None: 64, or twice as many as are busy on average.
        watch: told how far it is.
        catalogue: the systems to try; None: those of `presets.yaml`.
        allowed: memory that the messages may take; None: what is free.
        own: whether to judge the systems of the scenario as well.
        only: names, products or kin of the systems to try, as `chosen` has them; none: all.
        without: the same, of those that are not.

    Raises:
        LabError: there is no message, or more than memory has room for, or a word of `only` or
            `without` names no system, or these leave none.
    """
    refuse_pipeline(scenario.pipeline, "sim advise")
    watch = watch or Watch()
    needs = scenario.needs or Needs()
    check(scenario, size(scenario).workload, allowed or USUAL, free_bytes())
    messages = messages_of(scenario)
    reduced = min(1.0, MOST_MESSAGES / max(1, len(messages)))
    if reduced < 1:
        scenario = scenario.with_(scale=scenario.scale * reduced)
        messages = messages_of(scenario)
    if not len(messages):
        raise LabError(f"{scenario.name} has no messages: any system will do")
    bench = Bench(scenario, messages, needs)
    most = most_workers or max(MOST_WORKERS, 2 * ceil(bench.busy))
    tried = presets() if catalogue is None else catalogue
    yours = dict(own_systems(scenario)) if own else {}
    why_not = {name: why for name, its in tried.items() if (why := bench.why_not(its))}
    names = chosen({**tried, **yours}, why_not, only, without)
    tried = {name: tried[name] for name in names if name in tried}
    yours = {name: yours[name] for name in names if name in yours}
    watch.begin([preset.title for preset in (*tried.values(), *yours.values())])
    rows = []
    for name, preset in tried.items():
        rows.append(_row(name, preset, bench, most, watch))
        watch.done(preset.title)
    for name, preset in yours.items():
        rows.append(_own_row(name, preset, bench, watch))
        watch.done(preset.title)
    rows = ranked(rows)
    best = rows[0] if rows and not rows[0].unmet else None
    if best is not None and not best.own and tried[best.preset].works:
        workers = {group: n + MORE for group, n in best.trial.workers.items()}
        rows[0] = replace(best, more=bench.run(tried[best.preset], workers))
    return Advice(
        scenario,
        needs,
        rows,
        len(messages),
        scenario.scale,
        reduced,
        most,
        prices(),
        hottest(bench),
    )


def ranked(rows: Sequence[Row]) -> list[Row]:
    """Fewest unmet needs first, then what assumes nothing, the lower bill, fewer workers."""
    return sorted(
        rows,
        key=lambda r: (len(r.unmet), bool(r.assumes), round(r.usd_per_hour, 6), r.workers),
    )


def _row(name: str, preset: Preset, bench: Bench, most_workers: int, watch: Watch) -> Row:
    needs = bench.needs

    def run(workers: Mapping[str, int], **how: Any) -> Trial:
        watch.tries(preset.title, workers)
        return bench.run(preset, workers, **how)

    search = Search(
        list(bench.groups(preset)),
        run,
        lambda seen: keeps_pace(needs, seen),
        most_workers,
        bench.mean_rates(preset),
    )
    trial = search.double() if preset.sized else search.once()
    replayed = run(trial.workers, replayed=True)
    if preset.sized and all(
        judgement.met for judgement in judge(needs, trial.seen, replayed=replayed.seen)
    ):
        trial = search.bisect()
    row = _judged(name, preset, bench, trial, replayed, run)
    alone = search.trials[0]
    return replace(
        row,
        trials=row.trials + len(search.trials),
        alone=alone if preset.works and alone.workers != trial.workers else None,
    )


def _own_row(name: str, preset: Own, bench: Bench, watch: Watch) -> Row:
    """A system of the scenario: with its own workers, and with two more of each group."""

    def run(workers: Mapping[str, int], **how: Any) -> Trial:
        watch.tries(preset.title, workers)
        return bench.run(preset, workers, **how)

    trial = run(preset.members)
    row = _judged(name, preset, bench, trial, run(trial.workers, replayed=True), run)
    more = None
    if preset.works:
        more = run({group: n + MORE for group, n in trial.workers.items()})
    return replace(row, trials=row.trials + 1 + preset.works, more=more, own=True)


def _judged(
    name: str,
    preset: Preset,
    bench: Bench,
    trial: Trial,
    replayed: Trial,
    run: Callable[..., Trial],
) -> Row:
    """What a trial and those that it calls for say of a system."""
    needs = bench.needs
    halting = None
    if needs.order != "none" and not trial.sum("violations"):
        doubled = {group: max(4, 2 * n) for group, n in trial.workers.items()}
        halting = run(doubled, halting=True).seen
    slowed = []
    shared = any(len(jobs) > 1 for jobs in bench.groups(preset).values())
    judged = judge(needs, trial.seen, halting=halting, replayed=replayed.seen)
    fits = all(judgement.met for judgement in judged)
    if needs.readers == "independent" and len(bench.jobs) > 1 and (shared or fits):
        slowest = max(
            bench.jobs, key=lambda job: bench.scenario.workload.service[job].per_message.mean_s()
        )
        slowed = [(slowest, run(trial.workers, slowed=slowest).seen)]
    made = bench.made(preset, trial.workers)
    (system,) = made.systems.values()
    return Row(
        name,
        preset.title,
        trial,
        1 + len(slowed) + (halting is not None),
        judge(needs, trial.seen, halting=halting, replayed=replayed.seen, slowed=slowed),
        bill(system, trial.use, prices()),
        [f"{fault.fault} of {fault.target}" for fault in bench.faults(preset, trial.workers)[1]],
        replayed,
        None,
        made=made,
        assumes=preset.assumes,
        overtaken_by_senders=_overtaken(preset, bench, trial, judged, run),
    )


def _overtaken(
    preset: Preset,
    bench: Bench,
    trial: Trial,
    judged: Sequence[Judgement],
    run: Callable[..., Trial],
) -> bool:
    """Whether a FIFO queue is out of order only since several threads send to it at once."""
    order = f"order: {bench.needs.order}"
    if "'FifoQueue': True" not in str(preset.system):
        return False
    if all(judgement.met for judgement in judged if judgement.need == order):
        return False
    return not run(trial.workers, sent_at_once=True).sum("violations")


def as_data(advice: Advice, words: str) -> dict[str, Any]:
    """The answer as plain data, for `--json`."""
    month = advice.prices.hours_per_month
    return {
        "scenario": advice.scenario.name,
        "messages": advice.messages,
        "scale": advice.scale,
        "part_of_the_scenarios_scale": advice.reduced,
        "needs": advice.needs.model_dump(mode="json", by_alias=True),
        "answer": words,
        "systems": [
            {
                "system": row.preset,
                "title": row.title,
                "yours": row.own,
                "meets_needs": not row.unmet,
                "workers": {group.name: group.workers for group in row.trial.use.groups},
                "runs": row.trials,
                "needs": [_finite(asdict(judgement)) for judgement in row.judged],
                "usd_per_hour": row.usd_per_hour,
                "usd_per_month": row.usd_per_hour * month,
                "bill": [asdict(line) for line in row.lines],
                "seen": [_finite(asdict(seen)) for seen in row.trial.seen],
                "with_more_workers": None
                if row.more is None
                else {
                    "workers": row.more.workers,
                    "seen": [_finite(asdict(seen)) for seen in row.more.seen],
                },
                "not_struck_by": row.spared,
                "assumes": row.assumes or None,
                "overtaken_by_senders": row.overtaken_by_senders,
            }
            for row in advice.rows
        ],
        "assumes": assumed(advice),
        "hottest_key": None if advice.hottest is None else asdict(advice.hottest),
        "prices": {"date": advice.prices.date, "region": advice.prices.region},
    }


def assumed(advice: Advice) -> str | None:
    """What the answer takes for granted of brokers, as a sentence; None: a fault strikes them."""
    if any("broker" in fault.kinds for fault in advice.scenario.faults):
        return None
    return (
        "Assumed: no broker, database or cloud service fails, since no fault of the scenario "
        "strikes one. Those of Kafka's brokers are tried where `faults:` has them: leader_crash, "
        "power_loss, unreachable and others of `SYSTEM.broker.0`."
    )


def _finite(data: dict[str, Any]) -> dict[str, Any]:
    return {
        key: None if isinstance(value, float) and not isfinite(value) else value
        for key, value in data.items()
    }
