"""NATS JetStream: exact times of small scenarios, by hand, and the incidents that people report."""

import pytest

from sim.causes.explain import explain
from sim.lab import run
from sim.scenario.load import Scenario

AT_ONCE = {step: "0 ms" for step in ("publish", "deliver", "ack")}


def messages(for_s, work, faults=(), rate="1/s", stream=None, consumers=None, **consumer):
    """Messages for one consumer (or more), without latencies."""
    jobs = {"w": {"per_message": work}} | ({"other": {"per_message": work}} if consumers else {})
    return Scenario.from_mapping(
        {
            "name": "messages",
            "drain_limit": "30m",
            "duration": f"{for_s} s",
            "workload": {
                "arrivals": {"profile": [{"for": f"{for_s} s", "rate": rate}]},
                "keys": {"user": {"count": 1}},
                "service": jobs,
            },
            "systems": {
                "nats": {
                    "product": "nats",
                    "consumers": consumers
                    or {"c": {"subscribers": 1, "does": ["w"], **consumer}},
                    "latency": AT_ONCE,
                    "stream": stream or {},
                }
            },
            "faults": list(faults),
        }
    )  # fmt: skip


def told(result, group="c"):
    table = result.tables.summary
    (row,) = table[table["group"] == group].to_dict("records")
    limits = result.tables.limits
    acted = dict(zip(limits["key"], limits["times"], strict=True)) if len(limits) else {}
    return row, acted


def first_of(scenario):
    return explain(scenario, "nats", "c").groups[0].first


def bad(times=None, **more):
    times = {} if times is None else {"times": times}
    return {"at": "5 s", "fault": "poison", "target": "nats.c", "count": 1, "effect": "fail"} | (
        times | more
    )


def test_NJ_01_the_wait_runs_for_what_is_sent_ahead_and_it_is_done_twice():
    """The default of 500: some forty of 1 s are sent within a second, and 30 are done in time."""
    its = messages(1, "1 s", rate="60/s", subscribers=1)
    row, acted = told(run(its))
    assert row["processed"] == row["produced"] > 35
    assert acted["ack_wait"] == row["extra_deliveries"] > 0
    assert row["double_effects"] == row["extra_deliveries"]
    cause = first_of(its)
    assert cause.path in (
        "systems.nats.consumers.c.ack_wait", "systems.nats.consumers.c.consume.MaxMessages",
    ), cause.said  # fmt: skip
    few, _ = told(run(its.with_({"systems.nats.consumers.c.consume": {"MaxMessages": 20}})))
    assert (few["extra_deliveries"], few["double_effects"]) == (0, 0)


def test_NJ_01_what_a_dead_subscriber_had_comes_again_after_the_wait():
    crash = {"at": "10.5 s", "fault": "crash", "target": "nats.c.0", "restart_after": "1 s"}
    its = messages(20, "1 s", [crash], rate="0.5/s", subscribers=1, ack_wait="60 s")
    row, acted = told(run(its))
    assert (row["lost"], row["extra_deliveries"], acted["ack_wait"]) == (0, 1, 1)
    assert 60.0 < row["latency_max_s"] < 65.0
    cause = first_of(its)
    assert cause.path in ("faults.0", "systems.nats.consumers.c.ack_wait"), cause.said


def test_NJ_02_no_new_message_is_sent_while_so_many_are_pending():
    its = messages(60, "1 s", rate="8/s", subscribers=20, max_ack_pending=4)
    row, acted = told(run(its))
    # Four at a time of 1 s each: 480 messages take 120 s in all.
    assert 1.0 * row["produced"] / 4 == pytest.approx(60.0 + row["drain_s"], abs=1.5)
    assert acted["max_ack_pending"] > 0
    cause = first_of(its)
    assert cause.path == "systems.nats.consumers.c.max_ack_pending", cause.said


def test_NJ_03_a_message_is_given_up_after_so_many_deliveries():
    row, acted = told(run(messages(20, "10 ms", [bad()], max_deliver=4)))
    assert (row["dead_lettered"], row["lost"], row["extra_deliveries"]) == (1, 0, 3)
    assert acted["max_deliver"] == 1


def test_NJ_04_what_failed_comes_again_at_once_after_a_delay_after_the_wait_or_never():
    def latest(**consumer):
        row, _ = told(run(messages(20, "10 ms", [bad(times=1)], **consumer)))
        return row["latency_max_s"], row["extra_deliveries"], row["dead_lettered"]

    assert latest() == (pytest.approx(0.02, abs=1e-6), 1, 0)
    assert latest(nak_delay="3 s") == (pytest.approx(3.02, abs=1e-6), 1, 0)
    assert latest(on_failure="none") == (pytest.approx(30.01, abs=1e-6), 1, 0)
    assert latest(on_failure="term") == (pytest.approx(0.01, abs=1e-6), 0, 1)


def test_NJ_04_what_is_nakked_with_a_delay_is_pending_and_takes_a_place():
    its = messages(60, "10 ms", [bad(count=3)], max_ack_pending=3, nak_delay="60 s", max_deliver=5)
    row, acted = told(run(its))
    assert acted["nak_delay"] > 0
    assert row["latency_max_s"] > 100.0
    cause = first_of(its)
    assert cause.path in (
        "systems.nats.consumers.c.max_ack_pending", "systems.nats.consumers.c.nak_delay",
        "faults.0",
    ), cause.said  # fmt: skip


def test_NJ_05_without_acks_a_dead_subscriber_takes_with_it_what_it_has():
    crash = {"at": "20 s", "fault": "crash", "target": "nats.c.*", "restart_after": "1 s"}
    its = messages(60, "2 s", [crash], rate="3/s", subscribers=8, ack_policy="none")
    row, acted = told(run(its))
    assert row["lost"] == acted["ack_policy"] > 0
    cause = first_of(its)
    assert cause.path == "systems.nats.consumers.c.ack_policy", cause.said


@pytest.mark.parametrize(
    ("stream", "key"), [({"max_msgs": 100}, "max_msgs"), ({"max_age": "10 s"}, "max_age")]
)
def test_NJ_06_what_the_stream_drops_is_lost_to_who_has_not_had_it(stream, key):
    consumers = {
        "c": {"subscribers": 1, "does": ["w"], "fetch": {}},
        "quick": {"subscribers": 40, "does": ["other"]},
    }
    its = messages(60, "0.5 s", rate="10/s", consumers=consumers, stream=stream)
    result = run(its)
    slow, acted = told(result)
    quick, _ = told(result, "quick")
    assert quick["lost"] == quick["unfinished"] == 0
    assert slow["lost"] == acted[key] > 300
    assert first_of(its).path == f"systems.nats.stream.{key}"


def test_each_consumer_gets_all_and_one_that_fetches_works_batch_by_batch():
    consumers = {
        "c": {"subscribers": 2, "does": ["w"], "fetch": {"batch": 5}, "in_progress": "10 s"},
        "other": {"subscribers": 1, "does": ["other"], "only": {"user": ["user-0"]}},
    }
    result = run(messages(30, "100 ms", rate="4/s", consumers=consumers))
    for group in ("c", "other"):
        row, _ = told(result, group)
        assert row["processed"] == row["produced"] > 90


def test_a_subscriber_that_stops_gives_nothing_back():
    stop = {"at": "6.2 s", "fault": "terminate", "target": "nats.c.0", "restart_after": "1 s"}
    its = messages(1, "1 s", [stop], rate="15/s", subscribers=1)
    row, acted = told(run(its))
    # All are sent within a second. It ends the seventh; the others come once their wait is over.
    assert row["extra_deliveries"] == acted["ack_wait"] == row["produced"] - 7 > 0
    assert row["latency_max_s"] > 30.0
