"""Trials, needs and rows of an answer, made by hand."""

from dataclasses import replace

from sim.advice.advise import Row, advise, ranked
from sim.advice.bill import bill
from sim.advice.data import Prices
from sim.advice.trial import Trial
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


def trial(*seen, requests=None, hours=1.0, partitions=3):
    seen = seen or (GOOD,)
    workers = {s.group: s.workers for s in seen}
    return Trial(workers, seen, requests or {}, hours, partitions)


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


READ = {"source": "s", "read": "2026-01-01"}


PRICES = Prices.model_validate(
    {
        "date": "2026-01-02",
        "currency": "USD",
        "region": "somewhere",
        "hours_per_month": 730,
        "prices": {
            "call": {"price": 0.5, "per": "1_000_000 requests", "chunk": "64 KiB", **READ},
            "put": {"price": 0.02, "per": "1_000_000 requests", "chunk": "25 kB", **READ},
            "node": {"price": 0.2, "per": "1 hours", **READ},
            "disk": {"price": 0.1, "per": "1 GB-months", **READ},
            "worker": {"price": 0.01, "per": "1 hours", "assumption": True, **READ},
        },
    }
)


def billed(quantities, message_bytes=1_000.0, **kwargs):
    lines = bill(
        quantities,
        trial(replace(GOOD, produced=3_600_000), **kwargs),
        messages=3_600_000,
        message_bytes=message_bytes,
        prices=PRICES,
    )
    return {line.what: line for line in lines}


def row(name, usd=1.0, unmet=(), workers=3, gone=0, **changes):
    seen = trial(replace(GOOD, workers=workers, unrecoverable=gone, **changes))
    needs = {need: {"loss": "none", "order": "per_key"}[need] for need in unmet}
    bad = {"loss": {"lost": 2}, "order": {"violations": 12}}
    worse = {key: value for need in unmet for key, value in bad[need].items()}
    judged = judge(Needs(**needs), [replace(GOOD, **worse)])
    lines = [replace(billed({"node": 1})["node"], usd_per_hour=usd)]
    return Row(name, name.title(), seen, 1, judged, lines, [], seen, None)


def answer(*rows, **needs):
    base = advise(scenario(**{"needs": needs or None}), 4, catalogue={})
    return replace(base, rows=ranked(rows), needs=Needs(**needs))
