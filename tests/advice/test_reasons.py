"""Why no system keeps an order: one key that is more than one consumer's work."""

from dataclasses import replace

import numpy as np
import pytest

from helpers.advice import answer, row, scenario
from sim.advice.advise import advise
from sim.advice.data import presets
from sim.advice.reasons import Hottest, hottest
from sim.advice.trial import Bench
from sim.advice.words import closing
from sim.scenario.needs import Needs
from sim.traffic.generate import generate

HOT = Hottest("order-0", "job", 900, 3_000, 450.0, 160.0)


def bench(needs, **changes):
    its = scenario(needs=needs, **changes)
    return Bench(its, generate(its), its.needs)


def test_the_hottest_key_is_the_one_whose_work_takes_longest():
    """30/s for 100 s of 50 ms each: of keys with weights of 3 and 1, the first has 3 in 4."""
    keys = {"order": {"weights": {"a": 3, "b": 1}}}
    its = bench({"order": "per_key", "drain": "20 s"}, **{"workload.keys": keys})
    found = hottest(its)
    n = int((its.messages.entity == 0).sum())
    assert (found.name, found.job, found.messages, found.of) == ("a", "job", n, len(its.messages))
    assert found.work_s == pytest.approx(0.05 * n, rel=1e-6)
    assert found.limit_s == 120.0 and not found.never_done
    slow = bench(
        {"order": "per_key", "drain": "20 s"},
        **{"workload.keys": keys, "workload.service.job.per_message": "100 ms"},
    )
    assert hottest(slow).never_done


def test_of_several_jobs_the_longest_counts_and_without_order_none():
    jobs = {"quick": {"per_message": "1 ms"}, "long": {"per_message": "9 ms"}}
    systems = {
        "old": {"product": "sqs", "queues": {"q": {"workers": 1, "does": ["quick", "long"]}}}
    }
    its = bench({"order": "total"}, **{"workload.service": jobs, "systems": systems})
    found = hottest(its)
    assert (found.name, found.job, found.messages) == ("", "long", len(its.messages))
    assert found.work_s == pytest.approx(0.009 * len(its.messages), rel=1e-6)
    assert found.limit_s == 100.0 + its.patience_s
    assert hottest(bench({"loss": "none"})) is None


def test_what_is_said_of_it():
    assert HOT.never_done
    assert HOT.said().startswith(
        "No number of workers helps: in order is one after the other, and those of order-0 alone "
        "(900 messages, 30 % of all) take job 7 min 30 s so, where there are 2 min 40 s."
    )
    whole = replace(HOT, name="", messages=3_000)
    assert "and all messages (3,000 messages) take job 7 min 30 s so" in whole.said()
    lossy = replace(answer(row("lossy", unmet=["loss"])), hottest=HOT)
    assert closing(lossy).startswith("No number of workers helps")
    possible = replace(lossy, hottest=replace(HOT, work_s=100.0))
    assert closing(possible).startswith("No system here meets every need.")
    fits = replace(answer(row("fine", gone=3)), hottest=HOT)
    assert closing(fits).startswith("You need each message gone")


def test_a_fifo_queue_that_only_its_senders_bring_out_of_order_is_told():
    """Two keys at 200/s: two of a key are often under way at once, by several threads."""
    its = scenario(
        needs={"order": "per_key"},
        **{
            "workload.arrivals.profile": [{"for": "100 s", "rate": "200/s"}],
            "workload.keys": {"order": {"count": 2}},
            "workload.service.job.per_message": "1 ms",
        },
    )
    tried = {name: presets()[name] for name in ("sqs_fifo", "sqs_batched")}
    # At ten a call, one thread would do for 200/s.
    fifo = tried["sqs_fifo"].model_copy(
        update={"system": tried["sqs_fifo"].system | {"producer": {"threads": 8, "batch": 1}}}
    )
    advice = advise(its, 4, catalogue=tried | {"sqs_fifo": fifo}, own=False)
    rows = {one.preset: one for one in advice.rows}
    assert rows["sqs_fifo"].unmet and rows["sqs_fifo"].overtaken_by_senders
    assert rows["sqs_batched"].unmet and not rows["sqs_batched"].overtaken_by_senders
    assert (
        "SQS FIFO, a message group for each key with 1 worker (0.46 USD an hour) would do if one "
        "sender had all messages of a key" in closing(advice)
    )


def test_needs_of_no_order_ask_for_no_key():
    its = scenario()
    assert hottest(Bench(its, generate(its), Needs())) is None
    assert np.isfinite(hottest(Bench(its, generate(its), Needs(order="per_key"))).work_s)
