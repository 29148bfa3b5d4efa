"""A publisher, its topic and its books, end to end: what each setting promises under any faults."""

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sim.foundation.errors import ScenarioError
from sim.lab import run
from sim.scenario.load import Scenario
from sim.scenario.products.kafka_brokers import KafkaBrokers
from sim.systems.kafka_publisher import coordinator_of
from sim.traffic.generate import generate

ROOT = Path(__file__).parents[2]
TRACES = Path(os.environ.get("LAB_TRACES", ROOT.parent / "shared" / "traces"))
KILL = {"at": "6 s", "fault": "crash", "target": "*.publisher.0", "restart_after": "1 s"}
OUTAGE = {"at": "4 s", "fault": "unreachable", "target": "*.broker.*", "for": "3 s"}


def scenario(publisher, producer=None, ledger="naive", faults=(), seed=1, **changes):
    """Ten seconds of transactions through one Kafka system."""
    return Scenario.from_mapping(
        {
            "name": "publishing",
            "seed": seed,
            "duration": "10 s",
            "drain_limit": "10 min",
            "workload": {
                "arrivals": {"profile": [{"for": "10 s", "rate": "30/s"}]},
                "keys": {
                    "transaction": {
                        "lifecycle": {
                            "states": ["pending", "processing", "settled"],
                            "gap": {"exponential": "500 ms"},
                            "amount": {"median": 40, "p99": 900},
                        }
                    }
                },
                "service": {"books": {"per_message": "1 ms"}},
            },
            "systems": {
                "kafka": {
                    "product": "kafka",
                    "topic": {"partitions": 3, "replication.factor": 3, "min.insync.replicas": 2},
                    "partition_key": ["transaction"],
                    "producer": {"client": "librdkafka", **(producer or {})},
                    "publisher": publisher,
                    "groups": {
                        "books": {
                            "consumers": 2,
                            "does": ["books"],
                            "ledger": ledger,
                            "isolation.level": "read_committed",
                        }
                    },
                }
            },
            "faults": list(faults),
        }
    ).with_(changes)


def tables_of(*args, **kwargs):
    tables = run(scenario(*args, **kwargs)).tables
    return tables.summary.iloc[0], tables.ledger.iloc[0], tables.producer.iloc[0], tables


def test_without_faults_every_order_books_everything_once():
    for order in ("produce", "commit-produce", "produce-flush-commit", "transaction"):
        summary, ledger, producer, _ = tables_of({"order": order})
        assert summary["processed"] == summary["produced"] == producer["appended"]
        assert ledger["entities_wrong"] == ledger["misstatement_cents"] == 0
        assert producer["duplicates_appended"] == producer["reordered"] == 0


def test_LP_04b_a_crash_with_a_backlog_loses_the_backlog():
    """No brokers from 4 s on, and a crash at 6 s; the timer committed at 5 s.

    What was read after that is read again: only the second before it is lost.
    """
    _, _, alone, _ = tables_of({"order": "produce"}, faults=[KILL])
    _, _, backlog, tables = tables_of({"order": "produce"}, faults=[OUTAGE, KILL])
    assert alone["lost_buffer"] <= 5
    created = np.sort(tables.messages["created_s"].to_numpy())
    committed = ((created > 4) & (created < 5)).sum()
    assert backlog["lost_buffer"] == pytest.approx(committed, rel=0.1)
    waiting = ((created > 4) & (created < 6)).sum()
    assert tables.buffer["remaining"].max() == pytest.approx(waiting, rel=0.1)
    assert (
        tables.fates.query("place == 'producer buffer'")["messages"].iloc[0]
        == (backlog["lost_buffer"])
    )


def test_flush_before_commit_loses_nothing_and_the_wrong_order_does():
    faults = [OUTAGE, KILL]
    _, _, right, _ = tables_of({"order": "produce-flush-commit"}, faults=faults)
    assert right["lost_buffer"] == right["lost_before_sending"] == 0
    _, _, wrong, _ = tables_of({"order": "commit-produce"}, faults=faults)
    assert wrong["lost_buffer"] + wrong["lost_before_sending"] > 0


def test_the_alarm_on_the_buffer_is_on_the_timeline():
    publisher = {"order": "produce", "alarm_over": 50}
    _, _, _, tables = tables_of(publisher, {"request.timeout.ms": 1_000}, faults=[OUTAGE])
    alarm = tables.faults[tables.faults["text"].str.startswith("alarm")].iloc[0]
    assert 4 < alarm["t_s"] < 6 and 7 <= alarm["until_s"] < 9


def test_KB_07_an_unclean_election_loses_what_was_acknowledged():
    crash = {"at": "6 s", "fault": "leader_crash", "target": "*.broker.0", "for": "1 s"}
    _, _, clean, _ = tables_of({"order": "produce"}, faults=[crash])
    assert clean["lost_failover"] == 0
    _, _, unclean, tables = tables_of({"order": "produce"}, faults=[{**crash, "behind": "2 s"}])
    created = tables.messages["created_s"]
    led = ((created > 4) & (created < 6)).sum() / 3
    assert unclean["lost_failover"] == pytest.approx(led, rel=0.3)


def test_KP_06_the_leader_alone_acknowledges_what_its_crash_loses():
    """acks=1: what followers had not fetched is gone; 500 ms of it, of a third of the keys."""
    crash = {"at": "6 s", "fault": "leader_crash", "target": "*.broker.0", "for": "1 s"}
    late = {"systems.kafka.brokers.replicate": "500 ms"}
    _, _, one, _ = tables_of({"order": "produce"}, {"acks": 1}, faults=[crash], **late)
    assert 5 < one["lost_failover"] < 30
    _, _, all_, _ = tables_of({"order": "produce"}, {"acks": "all"}, faults=[crash], **late)
    assert all_["lost_failover"] == 0


def test_KB_04_05_too_few_replicas_in_sync_delay_and_do_not_lose():
    """Two of three brokers die for 3 s: acks=all waits in the client, acks=1 in the log, unread."""
    crashes = [
        {"at": "4 s", "fault": "leader_crash", "target": f"*.broker.{b}", "for": "3 s"}
        for b in (0, 1)
    ]
    for acks in ("all", 1):
        late = {"systems.kafka.brokers.replicate": 0}
        summary, _, _, tables = tables_of(
            {"order": "produce"}, {"acks": acks}, faults=crashes, **late
        )
        assert summary["lost"] == 0
        assert 2.9 < summary["latency_max_s"] < 5
        waiting = tables.buffer["remaining"].max()
        assert waiting > 150 if acks == "all" else waiting < 30
        series = tables.series.query("4.3 < t_s < 6.9")
        assert series["processed"].max() - series["processed"].min() <= 2


def limit(tables, key):
    """The row of a limit of the publisher, as a dictionary; None: it did not act."""
    if tables.limits.empty:
        return None
    found = tables.limits.query("key == @key and group == 'publisher'").to_dict("records")
    return found[0] if found else None


def test_KP_04_a_full_queue_that_loses_records_is_a_limit_that_can_be_relaxed():
    key = "queue.buffering.max.messages"
    _, _, producer, tables = tables_of({"order": "produce"}, {key: 50}, faults=[OUTAGE])
    found = limit(tables, key)
    assert found["times"] == producer["lost_rejected"] > 100
    assert found["value"] == "50" and 4 < found["first_s"] < found["last_s"] < 7.5
    more = {f"systems.kafka.{found['path']}": 5_000}
    _, _, producer, tables = tables_of({"order": "produce"}, {key: 50}, faults=[OUTAGE], **more)
    assert producer["lost_rejected"] == 0 and limit(tables, key) is None


def test_KB_04_too_few_replicas_in_sync_are_a_limit():
    crashes = [
        {"at": "4 s", "fault": "leader_crash", "target": f"*.broker.{b}", "for": "3 s"}
        for b in (0, 1)
    ]
    tables = tables_of({"order": "produce"}, {"acks": "all"}, faults=crashes)[-1]
    found = limit(tables, "min.insync.replicas")
    assert (found["value"], found["path"]) == ("2", "topic.min.insync.replicas")
    assert 4 <= found["first_s"] < found["last_s"] <= 7
    one = {"systems.kafka.topic.min.insync.replicas": 1}
    tables = tables_of({"order": "produce"}, {"acks": "all"}, faults=crashes, **one)[-1]
    assert limit(tables, "min.insync.replicas") is None


def test_KP_02_a_delivery_timeout_is_a_limit_of_so_many_records():
    of = {"delivery.timeout.ms": 1_000, "request.timeout.ms": 500, "linger.ms": 0}
    _, _, producer, tables = tables_of({"order": "produce"}, of, faults=[OUTAGE])
    found = limit(tables, "delivery.timeout.ms")
    assert (found["value"], found["times"]) == ("1000", producer["lost_expired"])


def test_a_publisher_is_killed_when_its_readers_lag():
    """About 90 records a second, committed every 5 s; the lag is looked at every 0.5 s."""
    when = {"lag_over": 250, "of": "kafka.books", "every": 0.5}
    crash = {"when": when, "fault": "crash", "target": "kafka.publisher.0", "restart_after": 2}
    _, _, _, tables = tables_of({"order": "produce"}, faults=[crash])
    assert tables.faults[["t_s", "until_s", "text"]].to_numpy().tolist() == [
        [3.5, 5.5, "SIGKILL publisher"]
    ]
    lag = tables.series.set_index("t_s")["lag"]
    assert lag[:3.0].max() <= 250 < lag[:3.5].max()
    assert lag[3.6:4.9].nunique() == 1, "nothing more comes"


def test_a_publisher_has_no_lag_of_its_own_to_wait_for():
    fault = {"when": {"lag_over": 5}, "fault": "crash", "target": "kafka.publisher.0"}
    with pytest.raises(ScenarioError, match=r"faults.0.when: give 'of', whose lag"):
        scenario({"order": "produce"}, faults=[fault])


def test_a_fault_of_brokers_needs_a_publisher():
    with pytest.raises(ScenarioError, match="needs a system with a 'publisher'"):
        scenario({"order": "produce"}, faults=[OUTAGE]).with_({"systems.kafka.publisher": None})


@pytest.mark.parametrize(
    ("producer", "twice"),
    [
        ({"enable.idempotence": False, "request.timeout.ms": 1_000}, [2, 3, 2]),
        (
            {"enable.idempotence": False, "request.timeout.ms": 1_000,
             "max.in.flight.requests.per.connection": 1}, [2, 2, 1],
        ),
        ({"enable.idempotence": True, "request.timeout.ms": 1_000}, [0, 0, 0]),
        ({"enable.idempotence": False}, [0, 0, 0]),
    ],
    ids=["not idempotent", "one in flight", "idempotent", "timeout of 30 s"],
)  # fmt: skip
def test_KB_13_a_pause_of_3_s_stores_as_much_twice_as_measured_on_a_real_broker(producer, twice):
    """SIGSTOP of Kafka 4.4 under librdkafka, 200 records a second on four partitions, two runs.

    Stored twice: not idempotent 2 and 3; one request in flight 1 and 2; idempotent none; with a
    timeout longer than the pause none.
    """
    stopped = {"at": "4 s", "fault": "broker_pause", "target": "*.broker.0", "for": "3 s"}
    for seed, expected in zip((1, 2, 3), twice, strict=True):
        its = Scenario.from_mapping(
            {
                "name": "k3", "seed": seed, "duration": "12 s",
                "workload": {
                    "arrivals": {"profile": [{"for": "12 s", "rate": "200/s"}]},
                    "keys": {"k": {"count": 200}},
                    "service": {"w": {"per_message": "0.1 ms"}},
                },
                "systems": {
                    "kafka": {
                        "product": "kafka", "topic": {"partitions": 4}, "partition_key": ["k"],
                        "producer": {"client": "librdkafka", **producer},
                        "publisher": {"order": "produce"}, "brokers": {"count": 1},
                        "latency": {"produce": "5 ms"},
                        "groups": {"g": {"consumers": 4, "does": ["w"]}},
                    }
                },
                "faults": [stopped],
            }
        )  # fmt: skip
        tables = run(its).tables
        published, summary = tables.producer.iloc[0], tables.summary.iloc[0]
        assert published["duplicates_appended"] == expected
        assert summary["deliveries"] - summary["produced"] == expected
        assert summary["lost"] == 0 and 3.0 < summary["latency_max_s"] < 3.1


@st.composite
def schedules(draw):
    """Any faults that end, so that what is promised can be kept."""
    # Not before each partition has its first batch: the broker takes any sequence number as the
    # first of a producer that it does not know (KP-10), so losing that batch can reorder.
    at = st.floats(0.5, 12.0, allow_nan=False).map(lambda s: round(s, 3))
    brief = st.floats(0.05, 4.0).map(lambda s: round(s, 3))
    broker = st.sampled_from(["*.broker.0", "*.broker.1", "*.broker.*"])
    publisher = {"target": st.just("*.publisher.0"), "restart_after": brief}
    books = {"target": st.sampled_from(["*.books.0", "*.books.*"])}
    kinds = st.one_of(
        st.fixed_dictionaries({"fault": st.just("crash"), **publisher}),
        st.fixed_dictionaries({"fault": st.just("terminate"), "grace": brief, **publisher}),
        st.fixed_dictionaries({"fault": st.just("interrupt"), **publisher}),
        st.fixed_dictionaries({"fault": st.just("unreachable"), "target": broker, "for": brief}),
        st.fixed_dictionaries(
            {"fault": st.just("ack_loss"), "target": broker, "for": brief,
             "probability": st.sampled_from([0.1, 0.5, 1.0])}
        ),
        st.fixed_dictionaries(
            {"fault": st.just("broker_slow"), "target": broker, "for": brief, "extra": brief}
        ),
        st.fixed_dictionaries({"fault": st.just("broker_pause"), "target": broker, "for": brief}),
        st.fixed_dictionaries({"fault": st.just("crash"), **books, "restart_after": brief}),
        st.fixed_dictionaries({"fault": st.just("pause"), **books, "for": brief}),
    )  # fmt: skip
    return [{**draw(kinds), "at": draw(at)} for _ in range(draw(st.integers(0, 5)))]


@settings(max_examples=int(os.environ.get("SCHEDULES", "40")), deadline=None)
@given(
    faults=schedules(),
    order=st.sampled_from(["produce", "commit-produce", "produce-flush-commit", "transaction"]),
    client=st.sampled_from(["java", "librdkafka"]),
    idempotent=st.booleans(),
    handlers=st.sampled_from([[], ["SIGTERM", "SIGINT", "exit"]]),
    ledger=st.sampled_from(["naive", "idempotent", "strict"]),
    seed=st.integers(0, 1_000),
)
def test_promises_hold_under_any_faults(faults, order, client, idempotent, handlers, ledger, seed):
    """Conservation is asserted inside every run."""
    producer = {
        "client": client,
        "enable.idempotence": idempotent or order == "transaction",
        "request.timeout.ms": 1_000,
    }
    summary, kept, published, _ = tables_of(
        {"order": order, "handlers": handlers}, producer, ledger, faults, seed
    )
    lost = summary["lost"] + summary["dead_lettered"] + summary["unfinished"]
    if order in ("produce-flush-commit", "transaction"):
        assert lost == 0, "commit after a flush that left nothing: at least once"
    if order == "transaction":
        assert published["duplicates_appended"] == 0, "exactly once into the log"
    if producer["enable.idempotence"]:
        assert (
            order == "transaction"
            or published["reordered"] == 0
            or published["accepted"] > (summary["produced"])
        ), "an idempotent producer does not reorder within a session"
    if ledger != "naive":
        assert kept["double_postings"] == 0
    if ledger == "strict":
        assert kept["illegal_transitions"] == 0
        if not lost:
            assert kept["entities_wrong"] == kept["misstatement_cents"] == 0


@pytest.mark.parametrize(
    "path", [ROOT / "scenarios/cases/example.csv", TRACES / "receipt_coselog.csv",
             TRACES / "road_traffic_fines_100.csv"],
    ids=lambda path: path.stem,
)  # fmt: skip
def test_real_histories_are_booked_whole_whatever_dies(path):
    """Also the fines' payments reconcile: each balance is what the file says."""
    if not path.exists():
        pytest.skip(f"the histories are not here: {path}")
    _, ledger, published, _ = tables_of(
        {"order": "produce-flush-commit"},
        {"enable.idempotence": True},
        "strict",
        [OUTAGE, KILL, {"at": "8 s", "fault": "crash", "target": "*.books.0", "restart_after": 1}],
        **{"workload.cases": str(path)},
    )
    assert ledger["events"] == len(path.read_text().splitlines()) - 1
    assert published["accepted"] >= published["appended"] >= ledger["events"]
    assert ledger["entities_wrong"] == ledger["gaps"] == ledger["parked_at_end"] == 0
    assert ledger["misstatement_cents"] == ledger["net_misstatement_cents"] == 0


SLOW = {"at": "4 s", "fault": "broker_slow", "target": "kafka.broker.*", "extra": 6, "for": "10 s"}
QUICK = {"client": "java", "transaction.timeout.ms": 2_000}
LOOKS = {"systems.kafka.brokers.transaction.abort.timed.out.transaction.cleanup.interval.ms": 1_000}


def fenced(**publisher):
    """The answer to the commit of 4 s comes at 7; what has come until then is sent in one go.

    It is stored at 10 s, open for 2 s at 12, aborted at 13, asked to be committed by a request
    that arrives at 16, when brokers are quick again.
    """
    order = {"order": "transaction", "poll_records": 1_000, **publisher}
    its = scenario(order, QUICK, faults=[SLOW], **LOOKS)
    tables = run(its).tables
    told = [row for row in tables.faults.itertuples() if "fenced" in row.text]
    assert [round(row.t_s, 1) for row in told] == [16.0]
    (limit,) = tables.limits[tables.limits["key"] == "transaction.timeout.ms"].itertuples()
    assert (limit.value, limit.times, limit.first_s) == ("2000", 1, 13.0)
    before, behind = np.searchsorted(generate(its).created_s, [4.0, 7.0])
    return tables, tables.summary.iloc[0], before, behind


def test_KP_20_a_publisher_that_is_fenced_ends_and_leaves_the_rest_undone():
    tables, summary, before, _ = fenced()
    assert "fenced: the publisher ends" in " ".join(tables.faults["text"])
    assert summary["lost"] == 0 and summary["processed"] == before
    assert tables.producer["appended"][0] == before
    assert summary["unfinished"] == summary["produced"] - before > 500


@pytest.mark.parametrize("then", [{"restart_after": "2 s"}, {"on_fenced": "replace"}])
def test_KP_20_who_reads_again_after_a_fence_has_everything_once(then):
    tables, summary, _, _ = fenced(**then)
    assert summary["processed"] == summary["produced"] == tables.producer["appended"][0]
    assert summary["double_effects"] == summary["lost"] == 0


def test_KP_20_who_goes_on_after_a_fence_loses_the_transaction_and_nothing_else():
    tables, summary, before, behind = fenced(on_fenced="skip")
    assert summary["lost"] == behind - before > 200
    assert summary["processed"] + summary["lost"] == summary["produced"]
    fates = tables.fates
    (row,) = fates[fates["place"] == "transaction aborted"].itertuples()
    assert row.messages == summary["lost"]


LEVELS = {
    "workload.service": {"books": {"per_message": "1 ms"}, "more": {"per_message": "1 ms"}},
    "systems.kafka.groups": {
        level: {"consumers": 2, "does": [job], "isolation.level": level}
        for level, job in (("read_committed", "books"), ("read_uncommitted", "more"))
    },
}


OUT_OF_REACH = [
    {"fault": "broker_slow", "target": "*.broker.0", "at": 1.7, "for": 3.7, "extra": 0.05},
    {"fault": "broker_slow", "target": "*.broker.0", "at": 3.7, "for": 2.9, "extra": 2.3},
]
"""The producer is fenced, and does not go on: random draws have that too seldom."""


def test_KC_19_committed_records_are_read_once_and_aborted_ones_never():
    """Conservation is asserted inside every run."""
    seen = Counter()

    @settings(max_examples=int(os.environ.get("SCHEDULES", "30")), deadline=None, derandomize=True)
    @given(
        faults=schedules(),
        on_fenced=st.sampled_from(["exit", "replace", "skip"]),
        restart_after=st.sampled_from([None, 0.5]),
        timeout_ms=st.sampled_from([300, 1_500, 60_000]),
        name=st.sampled_from(["orders", "orders-${random.uuid}"]),
    )
    @example(faults=OUT_OF_REACH, on_fenced="exit", restart_after=None, timeout_ms=300, name="o")
    def check(faults, on_fenced, restart_after, timeout_ms, name):
        its = scenario(
            {"order": "transaction", "on_fenced": on_fenced, "restart_after": restart_after},
            {"transaction.timeout.ms": timeout_ms, "transactional.id": name,
             "request.timeout.ms": 1_000, "client": "java"},
            faults=[fault for fault in faults if "books" not in fault["target"]],
            **LOOKS, **LEVELS,
        )  # fmt: skip
        tables = run(its).tables
        summary = tables.summary.set_index("group")
        committed, all_of_it = summary.loc["read_committed"], summary.loc["read_uncommitted"]
        assert committed["double_effects"] == 0
        assert committed["processed"] == tables.producer["appended"][0]
        assert committed["lost"] == 0 or on_fenced == "skip"
        if on_fenced == "replace" and timeout_ms == 60_000:
            assert committed["processed"] == committed["produced"]
        assert all_of_it["processed"] >= committed["processed"]
        seen["lost"] += committed["lost"] > 0
        seen["repeated"] += all_of_it["double_effects"] > 0
        seen["fenced"] += tables.faults["text"].str.contains("fenced").any()
        seen["ended"] += committed["unfinished"] > 0

    check()
    assert all(seen[what] for what in ("lost", "repeated", "fenced", "ended")), seen


@pytest.mark.parametrize(
    ("name", "code"),
    # String.hashCode of Java, as its documentation has it; the last is its least number.
    [("hello", 99_162_322), ("Aa", 2_112), ("polygenelubricants", 0)],
)
def test_KP_20_the_coordinator_is_found_by_the_hash_of_the_transactional_id(name, code):
    its = scenario({"order": "transaction"}, {"transactional.id": name})
    config = its.systems["kafka"].model_copy(update={"brokers": KafkaBrokers(count=50)})
    assert coordinator_of(config) == code % 50
