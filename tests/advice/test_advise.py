"""`sim advise`: the search, each need on made-up numbers, the ranking, the bill, a run."""

import json
from dataclasses import replace
from math import inf

import pytest
from typer.testing import CliRunner

from sim.advice.advise import Row, advise, ranked
from sim.advice.bill import bill, total
from sim.advice.data import Preset, Prices, Stored, presets, prices
from sim.advice.judge import judge, keeps_pace
from sim.advice.search import Search
from sim.advice.trial import Bench, Seen, Trial
from sim.advice.words import closing, notes, said, table
from sim.cli.commands import app
from sim.scenario.load import Scenario
from sim.scenario.needs import Needs
from sim.traffic.generate import generate

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
    best_rate=50.0,
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


# The search


def crowd(needed, most=1_000, mean_rate=100.0):
    """A search among groups of which each keeps the pace from a number of workers on."""

    def run(workers):
        return trial(
            *(
                replace(
                    GOOD,
                    group=g,
                    workers=n,
                    delay_s=1.0 if n >= needed[g] else 1e3 / n,
                    best_rate=2.0 * n,
                )
                for g, n in workers.items()
            )
        )

    return Search(
        list(needed),
        run,
        lambda seen: seen.delay_s <= 1.0,
        most,
        dict.fromkeys(needed, mean_rate),
    )


@pytest.mark.parametrize("needed", [1, 2, 3, 7, 13, 16, 49, 50, 51])
def test_the_search_finds_the_fewest_workers(needed):
    search = crowd({"a": needed})
    search.double()
    found = search.bisect().workers["a"]
    assert needed <= found <= needed + max(0, needed // 16)
    if needed <= 16:
        assert found == needed
    assert len(search.trials) <= 10


def test_the_search_is_for_every_group_by_itself():
    search = crowd({"a": 3, "b": 11, "c": 1})
    search.double()
    assert search.bisect().workers == {"a": 3, "b": 11, "c": 1}


def test_what_one_worker_got_through_tells_where_to_go_on():
    search = crowd({"a": 60})
    search.double()
    assert [t.workers["a"] for t in search.trials] == [1, 50, 100]


def test_the_search_stops_at_the_most_workers():
    search = crowd({"a": 40}, most=30)
    last = search.double()
    assert last.workers == {"a": 30}
    assert not search.keeps_pace(last.seen[0])


def test_the_search_stops_where_more_workers_are_in_vain():
    def run(workers):
        return trial(replace(GOOD, workers=workers["job"], delay_s=40.0))

    search = Search(["job"], run, lambda seen: seen.delay_s <= 1.0, 1_000, {"job": 1.0})
    search.double()
    assert len(search.trials) == 3


def test_groups_found_apart_are_run_together_and_given_more_if_that_is_not_enough():
    def run(workers):
        """With six partitions a consumer has two of five; with five, one each: the hot one."""
        together = max(workers.values())
        slow = {"a": workers["a"] < 4 or (workers["a"] == 4 and together < 8), "b": False}
        return trial(
            *(
                replace(GOOD, group=g, workers=n, delay_s=9.0 if slow[g] else 0.5)
                for g, n in workers.items()
            )
        )

    search = Search(["a", "b"], run, lambda seen: seen.delay_s <= 1.0, 100, {"a": 1.0, "b": 1.0})
    search.high = {"a": 4, "b": 1}
    search.low = {"a": 3, "b": 0}
    search.trials.append(run({"a": 8, "b": 1}))
    assert search.bisect().workers == {"a": 5, "b": 1}


# Each need


BAD = {
    "max_delay": ({"max_delay": 1.5}, {}, "99 % within 2 s with 3 workers, where 1.5 s"),
    "drain": ({"drain": 0.5}, {}, "drained 1 s after"),
    "loss": ({"loss": "none"}, {"lost": 1}, "1 of 1,000 messages is lost"),
    "loss: 0.5 %": ({"loss": 0.005}, {"lost": 6}, "6 of 1,000 messages are lost"),
    "double_effects": (
        {"double_effects": "none"}, {"double_effects": 2}, "2 of 1,000 messages are processed again"
    ),
    "order: per_key": (
        {"order": "per_key"}, {"violations": 12}, "12 of 1,000 messages are processed out of order"
    ),
    "order: total": ({"order": "total"}, {"violations": 1}, "1 of 1,000 messages is processed out"),
    "replay": ({"replay": "required"}, {"unrecoverable": 1_000}, "read again, all are gone"),
    "everything": (
        {},
        {"unfinished": 4, "delay_s": inf, "drain_s": inf},
        "4 of 1,000 messages are still unprocessed when the run ends",
    ),
}  # fmt: skip


@pytest.mark.parametrize("need", BAD)
def test_each_need_can_rule_a_system_out(need):
    stated, changed, words = BAD[need]
    bad = trial(replace(GOOD, **changed))
    (unmet,) = [j for j in judge(Needs(**stated), bad, replayed=bad) if not j.met]
    assert unmet.need.startswith(need.partition(":")[0])
    assert words in unmet.said
    assert all(j.met for j in judge(Needs(), bad)) == (need != "everything")


@pytest.mark.parametrize("need", BAD)
def test_what_meets_a_need_is_not_ruled_out(need):
    stated = BAD[need][0]
    if stated.get("max_delay") or stated.get("drain"):
        stated = dict.fromkeys(stated, 2.0)
    assert all(j.met for j in judge(Needs(**stated), trial(), replayed=trial()))
    if "loss" in stated and stated["loss"] != "none":
        assert all(j.met for j in judge(Needs(**stated), trial(replace(GOOD, lost=5))))


def test_the_worst_group_counts():
    worst = replace(GOOD, group="late", delay_s=9.0)
    (_, quick) = judge(Needs(max_delay=5.0), trial(GOOD, worst))
    assert not quick.met
    assert "9 s in late" in quick.said


def test_order_that_only_a_single_worker_keeps_does_not_count():
    one = trial(replace(GOOD, workers=1))
    two = trial(replace(GOOD, workers=2, violations=61))
    needs = Needs(order="per_key")
    assert all(j.met for j in judge(needs, one))
    (unmet,) = [j for j in judge(needs, one, halting=two) if not j.met]
    assert "61 of 1,000 messages are processed out of order with 2 workers, one of" in unmet.said


def test_a_job_that_holds_up_another_one_rules_a_system_out():
    needs = Needs(readers="independent", max_delay=5.0)
    quick, slow = (replace(GOOD, group=g) for g in ("quick", "slow"))
    alone = trial(replace(quick, delay_s=2.1), replace(slow, delay_s=900.0))
    held = trial(replace(quick, delay_s=700.0), replace(slow, delay_s=900.0))
    before = trial(quick, slow)
    assert all(j.met for j in judge(needs, before, slowed=[("slow", alone)]))
    (unmet,) = [j for j in judge(needs, before, slowed=[("slow", held)]) if not j.met]
    assert "quick is delayed by 12 min instead of 2 s" in unmet.said


def test_what_a_job_is_handed_and_does_not_want_rules_a_system_out():
    needs = Needs(routing={"rare": {"kind": ["fraud"]}})
    rare = replace(GOOD, group="rare", produced=20)
    (unmet,) = [j for j in judge(needs, trial(GOOD, rare)) if not j.met]
    assert unmet.said == "rare is handed 1,000 messages, of which it wants 20"
    assert all(j.met for j in judge(needs, trial(GOOD, replace(rare, handed=20))))
    needs = Needs(routing=needs.routing, unwanted="allowed")
    assert all(j.met for j in judge(needs, trial(GOOD, rare)))


def test_routing_is_tried_on_what_can_route_and_on_what_throws_away():
    routed = scenario(
        workload={
            "arrivals": {"profile": [{"for": "100 s", "rate": "30/s"}]},
            "keys": {"kind": {"weights": {"order": 9, "fraud": 1}}, "user": {"count": 20}},
            "service": {"all": {"per_message": "1 ms"}, "rare": {"per_message": "50 ms"}},
        },
        systems={
            "old": {
                "product": "sqs",
                "queues": {
                    "a": {"workers": 1, "does": ["all"]},
                    "r": {"workers": 1, "does": ["rare"]},
                },
            }
        },
        needs={"routing": {"rare": {"kind": ["fraud"]}}},
    )
    messages = generate(routed)
    wanted = messages.where({"kind": ["fraud"]}).size
    answer = advise(routed, most_workers=4)
    assert "sqs_one_queue" not in [row.preset for row in answer.rows]
    routing = {
        row.preset: next(j.met for j in row.judged if j.need == "routing") for row in answer.rows
    }
    logs = {"kafka", "kinesis", "share_group"}
    assert {name for name, met in routing.items() if not met} == logs
    for row in answer.rows:
        rare, every = (next(s for s in row.trial.seen if s.group == g) for g in ("rare", "all"))
        assert (rare.produced, every.produced) == (wanted, len(messages))
        assert rare.handed == (len(messages) if row.preset in logs else wanted)


def test_more_workers_are_sought_only_for_the_pace():
    needs = Needs(max_delay=3.0, drain=2.0, loss="none", order="per_key", replay="required")
    assert keeps_pace(needs, replace(GOOD, lost=3, violations=3, unrecoverable=3))
    assert not keeps_pace(needs, replace(GOOD, delay_s=3.1))
    assert not keeps_pace(needs, replace(GOOD, drain_s=2.1))
    assert not keeps_pace(Needs(), replace(GOOD, unfinished=1))


# The bill, by hand

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


def test_requests_cost_what_was_counted_by_the_hour():
    requests = {"send": 400_000, "receive": 300_000, "empty receive": 900_000, "delete": 400_000}
    lines = billed({"call": "requests"}, requests=requests, hours=2.0)
    assert lines["call"].usd_per_hour == pytest.approx(2_000_000 / 2 * 0.5 / 1e6)
    assert lines["worker"].usd_per_hour == pytest.approx(3 * 0.01)
    assert lines["worker"].assumption
    assert total(list(lines.values())) == pytest.approx(0.5 + 0.03)


def test_large_messages_are_several_requests():
    requests = {"send": 3_600_000, "delete": 100}
    (line, _) = billed({"call": "requests"}, 2 * 65_536, requests=requests).values()
    assert line.quantity == 2 * 3_600_000 + 100
    (line, _) = billed({"put": "messages"}, 25_001.0).values()
    assert line.usd_per_hour == pytest.approx(2 * 3_600_000 * 0.02 / 1e6)


def test_nodes_and_partitions_cost_by_the_hour():
    lines = billed({"node": 3}, hours=2.0)
    assert lines["node"].usd_per_hour == pytest.approx(0.6)
    assert billed({"node": "partitions"}, partitions=7)["node"].usd_per_hour == pytest.approx(1.4)


def test_storage_costs_what_is_there_at_any_time():
    # 3.6 GB an hour, kept for two days in three copies: 518.4 GB at 0.1 USD a month of 730 h.
    line = billed({"disk": Stored(copies=3, keep="2 d")})["disk"]
    assert line.usd_per_hour == pytest.approx(518.4 * 0.1 / 730)


def test_every_price_in_use_has_a_source_and_is_an_assumption_unless_its_official_page_was_read():
    for preset in presets().values():
        assert set(preset.bill) <= set(prices().prices)
    for name, price in prices().prices.items():
        assert price.source and price.read <= prices().date, name
        assert price.assumption or price.source == price.see, name


# The ranking


def row(name, usd=1.0, unmet=(), workers=3, gone=0, **changes):
    seen = trial(replace(GOOD, workers=workers, unrecoverable=gone, **changes))
    needs = {need: {"loss": "none", "order": "per_key"}[need] for need in unmet}
    bad = {"loss": {"lost": 2}, "order": {"violations": 12}}
    worse = {key: value for need in unmet for key, value in bad[need].items()}
    judged = judge(Needs(**needs), trial(replace(GOOD, **worse)))
    lines = [replace(billed({"node": 1})["node"], usd_per_hour=usd)]
    return Row(name, name.title(), seen, 1, judged, lines, [], seen, None)


def test_needs_come_before_the_bill_and_the_bill_before_workers():
    rows = [
        row("cheap but lossy", usd=0.1, unmet=["loss"]),
        row("dear", usd=3.0),
        row("worst", usd=0.01, unmet=["loss", "order"]),
        row("same price, more workers", usd=2.0, workers=4),
        row("same price, fewer workers", usd=2.0, workers=2),
    ]
    assert [r.preset for r in ranked(rows)] == [
        "same price, fewer workers",
        "same price, more workers",
        "dear",
        "cheap but lossy",
        "worst",
    ]


def test_equals_stay_in_the_order_of_the_presets():
    rows = [row("first"), row("second"), row("third")]
    assert ranked(rows) == rows
    assert ranked(rows[::-1]) == rows[::-1]


def answer(*rows, **needs):
    base = advise(scenario(**{"needs": needs or None}), 4, catalogue={})
    return replace(base, rows=ranked(rows), needs=Needs(**needs))


def test_the_closing_words_say_gone_or_still_there():
    queue, log = row("queue", gone=900), row("log", usd=5.0)
    assert closing(answer(queue, log)).startswith("Either will do")
    words = closing(answer(row("queue", gone=900, unmet=["order"]), log, order="per_key"))
    assert "a log is the way to go. Take Log with 3 workers (5.00 USD an hour)." in words
    assert "Because of `order: per_key` no queue here will do: with Queue, 12 of 1,000" in words
    words = closing(answer(queue, row("log", unmet=["loss"])))
    assert words.startswith("You need each message gone once it is processed: a queue.")
    assert "Because of `loss: none` no log here will do" in words
    words = closing(answer(row("queue", unmet=["loss", "order"]), row("log", unmet=["order"])))
    assert words.startswith("No system here meets every need. Nearest is Log")


# Presets and runs


def test_every_preset_is_a_system_and_says_what_it_costs():
    jobs = {job: {"per_message": "1 ms"} for job in ("one", "two")}
    s = scenario(
        **{
            "workload.service": jobs,
            "systems": {
                "old": {"product": "sqs", "queues": {"q": {"workers": 1, "does": ["one", "two"]}}}
            },
        }
    )
    bench = Bench(s, generate(s), Needs())
    for name, preset in presets().items():
        if preset.only != "publisher":
            assert bench.applies(preset), name


def test_a_product_that_the_lab_does_not_know_does_not_apply():
    s = scenario()
    preset = Preset(title="T", system={"product": "zeromq"}, bill={})
    assert not Bench(s, generate(s), Needs()).applies(preset)


def test_faults_strike_the_consumers_that_do_the_same_job():
    s = scenario(
        faults=[
            {"at": 1, "fault": "crash", "target": "old.q.3", "restart_after": 5},
            {"at": 1, "fault": "crash", "target": "*.q.3", "restart_after": 5},
            {"at": 2, "fault": "pause", "target": "old.q.*", "for": 2},
            {"at": 3, "fault": "deploy", "target": "old.q"},
            {"at": 4, "fault": "scale", "target": "old.q", "to": 9},
        ]
    )
    bench = Bench(s, generate(s), Needs(consumer_crash="survives"))
    faults, spared = bench.faults(presets()["sqs_batched"], {"job": 2})
    assert [(f.fault, f.target) for f in faults] == [
        ("crash", "advised.job.1"),
        ("pause", "advised.job.*"),
        ("deploy", "advised.job"),
        ("crash", "advised.job.0"),
    ]
    assert [fault.fault for fault in spared] == ["scale"]


def test_the_calls_of_a_queue_are_counted():
    """A delete for each receive that found something; four receives are under way at the end."""
    s = scenario()
    seen = Bench(s, generate(s), Needs()).run(presets()["sqs_batched"], {"job": 4})
    n = seen.seen[0].produced
    assert seen.requests["delete"] == seen.requests["receive"] - 4
    assert n / 10 <= seen.requests["receive"] <= n
    assert n / 10 <= seen.requests["send"] <= n
    defaults = Bench(s, generate(s), Needs()).run(presets()["sqs_defaults"], {"job": 4})
    assert {defaults.requests[call] for call in ("send", "delete")} == {n}
    assert n <= defaults.requests["receive"] <= n + 4


def test_advice_on_a_small_scenario(tmp_path):
    """30/s of 50 ms: two workers at least; a queue loses what a log still has."""
    path = tmp_path / "small.yaml"
    data = scenario(needs={"max_delay": "5 s", "order": "per_key"}).model_dump(
        mode="json", by_alias=True
    )
    path.write_text(json.dumps(data))
    command = ["advise", str(path), "--max-workers", "8"]
    run = CliRunner().invoke(app, [*command, "--json"])
    assert run.exit_code == 0, run.output
    found = json.loads(run.stdout)
    systems = {system["system"]: system for system in found["systems"]}
    assert set(systems) == {name for name, p in presets().items() if p.only is None}
    fit = {name for name, system in systems.items() if system["meets_needs"]}
    assert {"kafka", "sqs_fifo"} <= fit
    assert not fit & {"sqs_defaults", "sqs_batched", "rabbitmq", "share_group"}
    assert 2 <= systems["kafka"]["workers"]["job"] <= 4
    (unmet,) = [need for need in systems["sqs_batched"]["needs"] if not need["met"]]
    assert unmet["need"] == "order: per_key"
    assert found["systems"][0]["meets_needs"]
    assert found["answer"].startswith("Either will do")
    text = CliRunner().invoke(app, command).stdout
    assert "Either will do" in text
    assert "out of order" in text


def test_a_bill_that_no_official_page_backs_is_said_to_be_rough():
    official = row("broker")
    assert not [note for note in notes(answer(official)) if "rough" in note]
    guess = replace(official.lines[0], what="worker", assumption=True)
    some = replace(official, lines=[*official.lines, guess])
    backed = "No official page was found to back"
    assert f"{backed} the price of worker: the bill is rough." in notes(answer(some))
    every = replace(official, lines=[guess])
    assert f"{backed} any of these prices: the bill is rough." in notes(answer(every))


def test_a_table_row_says_what_rules_a_system_out():
    lossy = row("lossy", unmet=["loss"])
    assert said(lossy) == "2 of 1,000 messages are lost (loss: none)"
    assert table(answer(row("fine"), lossy)).row_count == 2
