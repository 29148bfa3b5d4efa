"""Trials, needs and rows of an answer, made by hand."""

from dataclasses import replace

from sim.advice.advise import Row, advise, ranked
from sim.advice.trial import Trial
from sim.costs.bill import BillLine
from sim.costs.use import GroupUse, Use
from sim.scenario.load import Scenario
from sim.scenario.needs import Needs
from sim.words.needs_met import Seen, judge

GOOD = Seen(
    group="job",
    kind="queue",
    workers=3,
    produced=1_000,
    lost=0,
    dead_lettered=0,
    unfinished=0,
    handed=1_000,
    double_effects=0,
    violations=0,
    delay_s=2.0,
    behind_s=5.0,
    drain_s=1.0,
    rate_per_s=50.0,
    unrecoverable=0,
)


def trial(*seen, requests=None, hours=1.0):
    seen = seen or (GOOD,)
    workers = {s.group: s.workers for s in seen}
    groups = tuple(GroupUse(s.group, s.workers, {}, s.produced, s.handed) for s in seen)
    return Trial(workers, seen, requests or {}, Use(hours, 1_000, 300.0, 1, groups))


def scenario(**changes):
    data = {
        "name": "small",
        "duration": "100 s",
        "drain_limit": "1h",
        "workload": {
            "arrivals": {"profile": [{"for": "100 s", "rate": "30/s"}]},
            "keys": {"order": {"count": 50}},
            "service": {"job": {"per_message": "50 ms"}},
        },
        "systems": {
            "old": {
                "product": "sqs",
                "queues": {"q": {"workers": 4, "does": ["job"]}},
            }
        },
    }
    return Scenario.from_mapping(data).with_(changes)


def row(name, usd=1.0, unmet=(), workers=3, gone=0, **changes):
    seen = trial(replace(GOOD, workers=workers, unrecoverable=gone, **changes))
    needs = {need: {"loss": "none", "order": "per_key"}[need] for need in unmet}
    bad = {"loss": {"lost": 2}, "order": {"violations": 12}}
    worse = {key: value for need in unmet for key, value in bad[need].items()}
    judged = judge(Needs(**needs), [replace(GOOD, **worse)])
    lines = [BillLine("node", 1.0, "hours", usd, usd, False, "s", "2026-01-01")]
    return Row(name, name.title(), seen, 1, judged, lines, [], seen, None)


def answer(*rows, **needs):
    base = advise(scenario(**{"needs": needs or None}), 4, catalogue={})
    return replace(base, rows=ranked(rows), needs=Needs(**needs))
