"""RabbitMQ: what leaves one queue enters another, with exact figures."""

import numpy as np
import pytest

from sim.causes.explain import explain
from sim.foundation.errors import LabError
from sim.lab import run
from sim.scenario.load import Scenario
from sim.systems.rabbitmq_dead_letters import ttl_s
from sim.traffic.generate import generate

TO_WORK = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "work"}
TO_RETRY = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "retry"}
RETRY = {"consumers": 0, "arguments": {"x-message-ttl": 10_000, **TO_WORK}}
FAILS = {"at": "10s", "fault": "poison", "target": "s.work", "effect": "fail"}


def scenario(queues, faults=(), for_s=60, rate="10/s", drain="1h", keys=None, **system):
    does = {"handler": "h"}
    for name, queue in queues.items():
        if queue.get("consumers"):
            queue.setdefault("does", [does.get(name, "w")])
    jobs = {job for queue in queues.values() for job in queue.get("does", ())}
    return Scenario.from_mapping(
        {
            "name": "letters",
            "duration": f"{for_s}s",
            "drain_limit": drain,
            "workload": {
                "arrivals": {"profile": [{"for": f"{for_s}s", "rate": rate}]},
                "keys": keys or {"k": {"count": 100}},
                "service": {job: {"per_message": "10 ms"} for job in sorted(jobs)},
            },
            "systems": {"s": {"product": "rabbitmq", "queues": queues, **system}},
            "faults": list(faults),
        }
    )


def spent(tables):
    """Mean seconds of each part that is not nothing, of one group."""
    rows = tables.waits.set_index("part")["mean_s"]
    return {part: value for part, value in rows.items() if value > 1e-3}


def acted(tables):
    if "key" not in tables.limits:
        return {}
    rows = tables.limits.to_dict("records")
    return {(row["key"], row["what"]): row["times"] for row in rows}


def test_RQ_16_RQ_17_messages_of_two_seconds_wait_behind_those_of_a_minute():
    its = scenario(
        {"delay": {"consumers": 0, "arguments": TO_WORK}, "work": {"consumers": 4}},
        producer={"expiration": [2_000, "60000"]},
    )
    tables = run(its).tables
    summary = tables.summary.iloc[0]
    created_s = generate(its).created_s
    n = created_s.size
    assert (summary["processed"], summary["lost"], summary["dead_lettered"]) == (n, 0, 0)
    # It leaves with the latest that was asked for of all before it.
    asked_s = np.where(np.arange(n) % 2, 60.0, 2.0)
    leaves_s = np.maximum.accumulate(created_s + asked_s)
    late_s = leaves_s - created_s - asked_s
    found = spent(tables)
    assert found["delay asked for"] == pytest.approx(asked_s.mean(), abs=1e-6)
    assert found["head of line"] == pytest.approx(late_s.mean(), abs=0.01)  # 0.3 ms of sending
    behind = int((late_s > 1e-3).sum())
    assert [
        times for (key, what), times in acted(tables).items()
        if key == "expiration" and "behind the first" in what
    ] == [behind]  # fmt: skip


def test_RQ_17_a_time_to_live_of_the_queue_alone_delays_all_alike_and_is_no_harm():
    delay = {"consumers": 0, "arguments": {"x-message-ttl": 30_000, **TO_WORK}}
    its = scenario({"delay": delay, "work": {"consumers": 4}})
    tables = run(its).tables
    assert spent(tables)["delay asked for"] == pytest.approx(30.0, abs=1e-6)
    assert "head of line" not in spent(tables) and not acted(tables)
    assert not explain(its).groups[0].harms


def test_the_cause_named_first_is_the_time_to_live_at_the_head():
    its = scenario(
        {"delay": {"consumers": 0, "arguments": TO_WORK}, "work": {"consumers": 4}},
        producer={"expiration": {"k": {"k0": 900_000, "k1": 5_000}}},
        keys={"k": {"weights": {"k0": 1, "k1": 9}}},
    )
    (group,) = explain(its).groups
    assert [causes[0].key for causes in group.causes.values()] == ["expiration"]


def test_RQ_16_a_rejected_message_comes_back_from_its_retry_queue():
    its = scenario(
        {"work": {"consumers": 1, "on_failure": "reject", "arguments": TO_RETRY}, "retry": RETRY},
        [{**FAILS, "times": 3}],
    )
    tables = run(its).tables
    summary = tables.summary.iloc[0]
    n = generate(its).created_s.size
    assert (summary["processed"], summary["dead_lettered"], summary["lost"]) == (n, 0, 0)
    assert summary["extra_deliveries"] == 3
    assert summary["latency_max_s"] == pytest.approx(30.05, abs=0.1)
    assert spent(tables)["delay asked for"] * n == pytest.approx(30.0, abs=1e-6)


def test_RQ_18_a_message_that_nobody_rejects_is_dropped_when_it_is_to_come_back():
    work = {
        "consumers": 1,
        "on_failure": "reject-requeue",
        "arguments": {"x-queue-type": "quorum", "x-delivery-limit": 2, **TO_RETRY},
    }
    its = scenario({"work": work, "retry": RETRY}, [FAILS])
    tables = run(its).tables
    summary = tables.summary.iloc[0]
    n = generate(its).created_s.size
    assert (summary["processed"], summary["lost"], summary["dead_lettered"]) == (n - 1, 1, 0)
    assert any(key == "x-dead-letter-exchange" for key, _ in acted(tables))


def test_RQ_16_what_is_put_aside_where_nobody_reads_is_dead_lettered_and_the_run_ends():
    arguments = {"x-dead-letter-exchange": "dlx", "x-dead-letter-routing-key": "failed"}
    aside = {"consumers": 0, "bindings": [{"source": "dlx", "routing_key": "failed"}]}
    its = scenario(
        {"work": {"consumers": 1, "on_failure": "reject", "arguments": arguments}, "aside": aside},
        [{**FAILS, "count": 7}],
    )
    tables = run(its).tables
    summary = tables.summary.iloc[0]
    assert (summary["dead_lettered"], summary["lost"], summary["unfinished"]) == (7, 0, 0)


def test_RQ_16_what_another_group_reads_is_its_work():
    to = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "handler"}
    its = scenario(
        {
            "work": {"consumers": 1, "on_failure": "reject", "arguments": to},
            "handler": {"consumers": 1},
        },
        [{**FAILS, "count": 7}],
    )
    rows = run(its).tables.summary.set_index("group")
    n = generate(its).created_s.size
    assert rows["processed"].to_dict() == {"work": n - 7, "handler": 7}
    assert rows["dead_lettered"].to_dict() == {"work": 7, "handler": 0}
    assert rows["lost"].sum() == 0 and rows["unfinished"].sum() == 0


def test_messages_that_expire_without_a_dead_letter_exchange_are_lost_to_those_behind():
    queues = {"work": {"consumers": 1, "on_failure": "reject", "arguments": TO_RETRY}}
    queues["retry"] = {"consumers": 0, "arguments": {"x-message-ttl": 5_000}}
    its = scenario(queues, [FAILS])
    summary = run(its).tables.summary.iloc[0]
    # It was given up by the work queue; what becomes of it where it was put aside is no loss more.
    assert (summary["dead_lettered"], summary["lost"]) == (1, 0)


def test_queues_that_are_both_published_to_and_linked_are_refused():
    queues = {
        "delay": {"consumers": 0, "arguments": TO_WORK, "bindings": ["a"]},
        "work": {"consumers": 1, "bindings": ["b"]},
    }
    with pytest.raises(LabError, match="published to the queues delay, work"):
        run(scenario(queues))


def test_RQ_17_times_to_live_are_had_in_turn_or_by_the_values_of_a_dimension():
    work = {"consumers": 1}
    by_key = {"plan": {"free": "5 s"}}
    keys = {"plan": {"weights": {"free": 1, "paid": 1}}}
    its = scenario({"work": dict(work)}, keys=keys, producer={"expiration": by_key})
    messages = generate(its)
    found = ttl_s(its.systems["s"], messages)
    free = np.array(messages.dims["plan"])[messages.entity] == "free"
    np.testing.assert_array_equal(found, np.where(free, 5.0, np.inf))
    its = scenario({"work": dict(work)}, producer={"expiration": [1_000, None]})
    assert ttl_s(its.systems["s"], messages)[:3].tolist() == [1.0, np.inf, 1.0]
    assert ttl_s(scenario({"work": dict(work)}).systems["s"], messages) is None
