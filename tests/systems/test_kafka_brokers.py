"""A publisher, its brokers and its readers in one environment: who sees what, and when."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.plain_replicas import Disks, PlainReplicas
from producer import test_kafka_client as of_client
from sim.engine.environment import Environment
from sim.engine.system import Setup
from sim.injection.context import Timeline
from sim.injection.schedule import schedule
from sim.lab import run
from sim.log.topic import Topic
from sim.producer.kafka_client_state_kernel import Journal
from sim.systems import kafka_brokers_kernel as k
from sim.systems.kafka_share import kafka
from sim.traffic.generate import generate
from systems.test_kafka_publisher import KILL, OUTAGE, scenario

REPLICATE_S = 0.3
LATE = {"systems.kafka.brokers.replicate": REPLICATE_S}
CRASH = {"fault": "leader_crash", "target": "*.broker.0", "for": "1 s"}
PAUSE = {"at": 5, "fault": "broker_pause", "target": "*.broker.1", "for": 2}


def built(*args, cuts=(), **kwargs):
    """A system under way, and its environment; ``cuts``: times at which it also stops, s."""
    its = scenario(*args, **kwargs)
    setup = Setup("kafka", its, generate(its), np.arange(0.0, 700.0, 0.1))
    system = kafka(setup, its.systems["kafka"])
    env = Environment(system.stages)
    fleets = system.control(env, lambda text: None)
    schedule(env, its, "kafka", fleets, 10.0, Timeline(env), system.upstream)
    for at_s in cuts:
        env.timeout(at_s)
    return env, system


def readable(system, at_s, committed=True):
    """By the journal: [partition] the messages that can be read by ``at_s``."""
    journal = system.cluster.client.journal
    seen = [[] for _ in range(system.topic.log.end.size)]
    valid_s = journal.visible_s if committed else journal.append_s
    for e in np.flatnonzero(valid_s + REPLICATE_S <= at_s):
        rows = journal.row[journal.first[e] : journal.first[e] + journal.n[e]]
        seen[journal.partition[e]] += rows.tolist()
    return seen


def logged(system, topic=None):
    log = (topic or system.topic).log
    return [log.message[a : a + n].tolist() for a, n in zip(log.start[:-1], log.end, strict=True)]


@pytest.mark.parametrize("order", ["produce", "transaction"])
def test_the_log_holds_at_any_time_what_can_be_read_then(order):
    env, system = built({"order": order}, faults=[OUTAGE, KILL], **LATE)
    sizes = []
    for at_s in np.arange(0.5, 14.0, 0.5):
        env.run(at_s)
        assert logged(system) == readable(system, at_s)
        assert (system.topic.readable(at_s) == system.topic.log.end).all()
        sizes.append(int(system.topic.log.end.sum()))
        system.cluster.check()
    # Nothing comes from 4.3 s on, when the brokers are out of reach, and then it all comes.
    assert sizes[8] == sizes[12] > 0 and sizes[-1] > 2 * sizes[8]


BOTH = {
    "workload.service": {"books": {"per_message": "1 ms"}, "more": {"per_message": "1 ms"}},
    "systems.kafka.groups": {
        level: {"consumers": 2, "does": [job], "isolation.level": level}
        for level, job in (("read_committed", "books"), ("read_uncommitted", "more"))
    },
}


def test_KC_19_groups_of_one_log_see_it_by_their_isolation_level():
    faults = [OUTAGE, KILL]  # the process is killed within a transaction
    env, system = built(
        {"order": "transaction", "poll_records": 20, "per_message": "5 ms"},
        faults=faults, **LATE, **BOTH,
    )  # fmt: skip
    for at_s in np.arange(0.5, 14.0, 0.5):
        env.run(at_s)
        for only, topic in system.seen.items():
            assert logged(system, topic) == readable(system, at_s, only)
        system.cluster.check()
    times, first_s, last_s = system.cluster.aborted()
    assert times > 0 and 3.9 < first_s <= last_s < 6.0


def test_KC_19_who_reads_uncommitted_records_reads_what_is_aborted_and_then_sent_again():
    its = scenario(
        {"order": "transaction", "poll_records": 20, "per_message": "5 ms"},
        faults=[{**KILL, "at": "5 s"}], **LATE, **BOTH,
    )  # fmt: skip
    tables = run(its).tables
    summary = tables.summary.set_index("group")
    assert (summary["processed"] == summary["produced"]).all()
    assert summary.loc["read_committed", "double_effects"] == 0
    twice = summary.loc["read_uncommitted", "double_effects"]
    limits = tables.limits[tables.limits["key"] == "isolation.level"]
    (limit,) = limits[limits["value"] == "read_uncommitted"].itertuples()
    assert limit.times == twice > 0
    assert limit.what == "records of aborted transactions were read"
    middle = summary["latency_p50_s"]
    assert middle["read_committed"] > middle["read_uncommitted"] + 0.01


@pytest.mark.parametrize("level", ["read_committed", "read_uncommitted"])
def test_KC_19_share_groups_have_an_isolation_level_of_their_own(level):
    share = {"consumers": 2, "does": ["more"], "share.isolation.level": level}
    shared = {**BOTH, "systems.kafka.share_groups": {"s": share}}
    del shared["systems.kafka.groups"]
    its = scenario(
        {"order": "transaction", "poll_records": 20, "per_message": "5 ms"},
        faults=[{**KILL, "at": "5 s"}], **LATE,
        **shared,
    )  # fmt: skip
    summary = run(its).tables.summary.set_index("group")
    assert (summary["processed"] == summary["produced"]).all()
    assert summary.loc["books", "double_effects"] == 0
    assert (summary.loc["s", "double_effects"] > 0) == (level == "read_uncommitted")


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), looks=st.integers(1, 40))
def test_KC_19_the_last_stable_offset_is_where_a_plain_model_has_it(seed, looks):
    """By its own history of records, each is read when all before it of open transactions ended."""
    case = of_client.scenario(np.random.default_rng(seed), ["transaction"])
    plain = of_client.run_plain(*case, 30.0)
    journal = of_client.run_lab(*case, 30.0).state.journal
    partitions, none = len(plain.partitions), k.Spans(np.zeros(0, np.int64), *2 * [np.zeros(0)])
    for committed in (True, False):
        topic = Topic.empty(np.zeros(150), np.full(partitions, 1_000))
        tail = k.TailState(journal.entries, partitions, 0.0, none, none, none, committed)
        for at_s in np.linspace(0.0, 30.0, looks + 1):
            assert k.move(at_s, journal_until(journal, at_s), tail, topic.rows) == -1
        for p, partition in enumerate(plain.partitions):
            start, end = topic.log.start[p], topic.log.end[p]
            found = topic.log.message[start : start + end].tolist()
            times_s = topic.log.visible_s[start : start + end]
            expected = list(stable(partition) if committed else everything(partition))
            assert found == [row for row, _ in expected]
            np.testing.assert_allclose(times_s, [at_s for _, at_s in expected], atol=1e-8)


def journal_until(journal, at_s):
    """The same, before anything that happened after a time was known."""
    was = SimpleNamespace(**{name: getattr(journal, name) for name in JOURNAL})
    known = Journal(len(was.append_s), len(was.row))
    for name in JOURNAL:
        setattr(known, name, np.array(getattr(was, name)) if name not in COUNTS else 0)
    known.entries = int((np.asarray(was.append_s)[: was.entries] <= at_s).sum())
    known.rows = was.rows
    for name in ("visible_s", "aborted_s"):
        column = np.asarray(getattr(known, name))
        column[column > at_s] = np.inf
    return known


COUNTS = ("entries", "rows")
JOURNAL = (
    "append_s", "visible_s", "aborted_s", "partition", "first", "n", "attempt", "left_s",
    "session", "row", *COUNTS,
)  # fmt: skip


def stable(partition):
    """(row, when it can be read) for read_committed, s."""
    stable_s = 0.0
    for (_, row, _), visible_s, aborted_s in zip(
        partition.log, partition.visible, partition.aborted, strict=True
    ):
        stable_s = max(stable_s, min(visible_s, aborted_s))
        if stable_s > 30.0:
            return
        if visible_s < np.inf:
            yield row, stable_s


def everything(partition):
    return ((row, at_s) for at_s, row, _ in partition.log)


def test_a_consumer_reads_before_a_crash_what_was_published_before_it():
    env, system = built({"order": "produce-flush-commit"}, faults=[{**KILL, "restart_after": 3}])
    env.run(6.0)
    before = int(system.groups["books"].position.sum())
    assert before == system.topic.log.end.sum() > 100
    assert system.groups["books"].effects.sum() > before - 5
    env.run(8.9)
    assert system.topic.log.end.sum() - before <= 5, "nothing is published while it is dead"
    env.run(12.0)
    assert system.topic.log.end.sum() > before + 100


def test_thousands_of_cuts_give_the_same_to_the_last_bit():
    rng = np.random.default_rng(1)
    faults = [
        OUTAGE, KILL, {**CRASH, "at": 8.5, "behind": "1 s"}, {**PAUSE, "at": 9.5},
        {"at": 9, "fault": "crash", "target": "*.books.0", "restart_after": 1},
    ]  # fmt: skip
    seen = []
    for cuts in ((), np.sort(rng.uniform(0, 20, 3_000))):
        env, system = built({"order": "produce"}, faults=faults, cuts=cuts, **LATE)
        env.run(25.0)
        group = system.groups["books"]
        group.finish(25.0)
        log, samples = system.topic.log, group.state.samples
        seen.append(
            [log.start, log.end, log.message, log.visible_s, group.done_s, group.effects,
             group.committed, samples.committed, samples.position,
             system.cluster.client.acked_s, *system.cluster.client.journal,
             *(column for gone in group.truncated for column in gone[3:6]),
                 *(column for gone in group.truncated for column in gone.columns.values())]
        )  # fmt: skip
        assert group.truncated
    for one, other in zip(*seen, strict=True):
        assert (np.asarray(one) == np.asarray(other)).all()


def test_rows_laid_anew_while_it_runs_give_the_same_tables(monkeypatch):
    faults = [OUTAGE, KILL, {"at": 6, "fault": "ack_loss", "target": "*.broker.*",
                             "probability": 1.0, "for": 2}]  # fmt: skip
    its = scenario({"order": "produce"}, {"request.timeout.ms": 400}, faults=faults)
    expected = run(its).tables
    laid, empty, lay = [], Topic.empty, Topic._lay
    monkeypatch.setattr(Topic, "empty", lambda created_s, room: empty(created_s, 0 * room))
    monkeypatch.setattr(Topic, "_lay", lambda self, room: (laid.append(1), lay(self, room)))
    tables = run(its).tables
    assert len(laid) > 12
    assert tables.producer["duplicates_appended"].iloc[0] > 50
    for name in tables.FRAMES:
        assert getattr(tables, name).equals(getattr(expected, name)), name


def test_KB_07_readers_keep_what_they_read_before_an_unclean_election():
    """Two seconds of one partition go; they were processed, so nothing of them is lost to it."""
    unclean = {**CRASH, "at": "6 s", "behind": "2 s"}
    env, system = built({"order": "produce"}, faults=[unclean])
    env.run(5.999)
    before = system.topic.log.end.copy()
    env.run(6.001)
    cut = before - system.topic.log.end
    led = system.cluster.replicas[0][0] == 0
    assert led and cut[0] > 10 and cut[1:].max() <= 0
    (gone,) = system.groups["books"].truncated
    assert gone.message.size == cut[0] and np.count_nonzero(gone.done_s < 6.0) >= cut[0] - 1
    tables = run(scenario({"order": "produce"}, faults=[unclean])).tables
    summary, producer = tables.summary.iloc[0], tables.producer.iloc[0]
    assert producer["lost_failover"] == cut[0] and summary["lost"] <= 1
    assert summary["processed"] + summary["lost"] == summary["produced"]


def test_KB_13_readers_see_nothing_new_of_what_a_paused_broker_leads_until_it_goes_on():
    env, system = built({"order": "produce"}, faults=[PAUSE], **LATE)
    led = system.cluster.client.leader == 1
    assert led.tolist() == [False, True, False]
    env.run(5.0)
    before = system.topic.log.end.copy()
    env.run(6.999)
    assert before[1] == 17 and system.topic.log.end[1] == before[1]
    assert (system.topic.log.end[~led] > before[~led] + 5).all()
    assert system.groups["books"].position[1] == before[1]
    journal = system.cluster.client.journal
    held = (journal.append_s[journal.partition == 1] > 5.0 - REPLICATE_S).sum()
    env.run(7.001)
    assert held == 1 and system.topic.log.end[1] == 18
    env.run(25.0)
    assert system.topic.log.end.tolist() == [102, 82, 96]
    assert system.cluster.client.appends().max() == 1
    system.cluster.check()


def test_KB_13_a_paused_broker_that_dies_handles_nothing_when_its_pause_would_be_over():
    faults = [PAUSE, {"at": 6, "fault": "leader_crash", "target": "*.broker.1", "for": "10 s"}]
    env, system = built({"order": "produce"}, {"request.timeout.ms": 400}, faults=faults)
    env.run(5.5)
    cluster = system.cluster
    assert [batch.broker for batch in cluster.client.given_up] == [1, 1]
    env.run(6.5)
    assert cluster.client.given_up == [] and cluster.client.leader[1] != 1
    assert [until_s for _, _, until_s in cluster.still] == [6.0]
    env.run(20.0)
    assert (
        run(
            scenario({"order": "produce"}, {"request.timeout.ms": 400}, faults=faults)
        ).tables.producer.iloc[0]["duplicates_appended"]
        == 0
    )


def test_a_fault_is_told_when_it_happens_and_not_when_it_is_planned():
    later = {"at": "9 min", "fault": "unreachable", "target": "*.broker.1", "for": "3 s"}
    events = run(scenario({"order": "produce"}, faults=[OUTAGE, KILL, later])).tables.faults
    told = [
        (row.t_s, row.until_s, row.text)
        for row in events.itertuples()
        if not row.text.startswith("alarm")
    ]
    assert told == [
        *((4.0, 7.0, f"unreachable: broker {b}") for b in range(3)), (6.0, 7.0, "SIGKILL publisher")
    ]  # fmt: skip


def test_share_groups_read_what_a_publisher_stores_twice_and_poison_in_it(monkeypatch):
    """Each record is delivered, and the message that always fails is archived each time."""
    its = scenario({"order": "produce"}, {"request.timeout.ms": 400}).with_(
        {
            "workload.service": {job: {"per_message": "1 ms"} for job in ("books", "shares")},
            "systems.kafka.share_groups": {"sharers": {"consumers": 2, "does": ["shares"]}},
            "faults": [
                {"at": 3, "fault": "ack_loss", "target": "*.broker.*", "probability": 1, "for": 2},
                {"at": 3.5, "fault": "poison", "target": "*.sharers", "effect": "fail"},
            ],
        }
    )
    expected = run(its).tables
    producer = expected.producer.iloc[0]
    shared = expected.summary.query("group == 'sharers'").iloc[0]
    twice = producer["duplicates_appended"]
    assert twice > 20
    assert shared["processed"] == shared["produced"] - 1
    assert shared["dead_lettered"] + shared["lost"] == 1
    empty = Topic.empty
    monkeypatch.setattr(Topic, "empty", lambda created_s, room: empty(created_s, 0 * room))
    tables = run(its).tables
    for name in tables.FRAMES:
        assert getattr(tables, name).equals(getattr(expected, name)), name


def test_a_publisher_that_has_nothing_left_to_do_stands_still():
    """From 8 s on requests take 20 s, and each batch expires after 1 s: it is over before them."""
    slow = {
        "at": 8,
        "fault": "broker_slow",
        "target": "*.broker.*",
        "extra": "20 s",
        "for": "1 min",
    }
    producer = {"delivery.timeout.ms": 1_000, "request.timeout.ms": 60_000}
    env, system = built({"order": "produce"}, producer, faults=[slow])
    env.run(60.0)
    publisher = system.cluster.publisher
    assert publisher.ended and 11.0 < publisher.ended_s < 17.0
    requests = publisher.client.state.requests
    on_its_way = np.asarray(requests.arriving) < np.asarray(requests.next)
    assert on_its_way.any(), "something is still on its way"
    assert publisher.client.journal.append_s.max() < 9.0
    assert system.done() and system.settled() == system.topic.log.end.sum()


POWER = {"fault": "power_loss", "target": "*.broker.*", "for": "1 s"}
ALL_IN_SYNC = {"systems.kafka.brokers.replicate": 0}


def _records(journal, entry):
    """The messages of an entry of the journal."""
    return journal.row[journal.first[entry] : journal.first[entry] + journal.n[entry]].tolist()


def kept_and_lost(faults, **brokers):
    """[partition] what is in the log at the end; and how many records were lost to elections."""
    changes = {f"systems.kafka.brokers.{key}": value for key, value in brokers.items()}
    env, system = built({"order": "produce"}, faults=faults, **ALL_IN_SYNC, **changes)
    env.run(25.0)
    tables = run(scenario({"order": "produce"}, faults=faults, **ALL_IN_SYNC, **changes)).tables
    return system, int(tables.producer.iloc[0]["lost_failover"])


def test_KB_12_power_lost_everywhere_loses_what_was_not_flushed():
    """Nothing is on disk after 6 s: the system writes pages that are dirty for 30 s."""
    before, none = kept_and_lost([])
    append_s = before.cluster.client.journal.append_s
    stored = int(before.cluster.client.journal.n[append_s <= 6.0].sum())
    assert none == 0 and stored > 150
    system, lost = kept_and_lost([{**POWER, "at": 6}])
    assert lost == stored
    assert system.cluster.cuts == [(p, -25.0, 6.0) for p in range(3)]


@pytest.mark.parametrize(
    ("brokers", "from_s"),
    [
        ({"writeback.dirty_expire": "1500 ms", "writeback.dirty_writeback": "400 ms"}, 4.5),
        ({"log.flush.scheduler.interval.ms": 700}, 5.6),
        ({"log.flush.scheduler.interval.ms": 700, "log.flush.interval.ms": 1_500}, 4.2),
        ({"log.flush.interval.ms": 1_500}, -25.0),
    ],
)
def test_KB_12_what_was_flushed_is_kept(brokers, from_s):
    """At 6 s: pages until 6.0 - 1.5; the flusher looks at 5.6; or every 2.1 s, last at 4.2."""
    system, lost = kept_and_lost([{**POWER, "at": 6.05}], **brokers)
    assert [cut[1] for cut in system.cluster.cuts] == pytest.approx([from_s] * 3)
    journal = system.cluster.client.journal
    gone = (journal.append_s > from_s) & (journal.append_s <= 6.05)
    assert lost == journal.n[gone].sum() > 0


def test_KB_12_with_a_flush_for_each_record_nothing_is_lost():
    _, lost = kept_and_lost([{**POWER, "at": 6}], **{"log.flush.interval.messages": 1})
    assert lost == 0


def test_KB_12_one_replica_that_has_power_keeps_everything():
    faults = [{**POWER, "at": 6, "target": f"*.broker.{b}"} for b in (0, 1)]
    system, lost = kept_and_lost(faults)
    assert lost == 0 and system.cluster.cuts == []


def test_KB_12_a_broker_that_was_down_already_loses_its_power_too():
    faults = [
        *({"at": 4, "fault": "leader_crash", "target": f"*.broker.{b}", "for": "9 s"}
          for b in (0, 1, 2)),
        {**POWER, "at": 6},
    ]  # fmt: skip
    system, lost = kept_and_lost(faults)
    assert [(p, until_s) for p, _, until_s in system.cluster.cuts] == [(0, 6.0), (1, 6.0), (2, 6.0)]
    # What was stored without an answer, when the processes died, is sent and stored again.
    journal, kept = system.cluster.client.journal, system.cluster.kept()
    stored = [
        {int(row) for e in np.flatnonzero(which) for row in _records(journal, e)}
        for which in (~kept, kept)
    ]
    assert lost == len(stored[0] - stored[1]) > 100


@st.composite
def power_cuts(draw):
    """Brokers that lose their power for a while, and a while later others."""
    at_s = np.cumsum(draw(st.lists(st.floats(0.3, 3.0), min_size=1, max_size=5)))
    return [
        {**POWER, "at": float(at), "target": f"*.broker.{draw(st.sampled_from([0, 1, 2, '*']))}",
         "for": float(draw(st.floats(0.1, 0.25)))}
        for at in at_s
    ]  # fmt: skip


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    faults=power_cuts(),
    disks=st.fixed_dictionaries(
        {
            "expire_s": st.floats(0.1, 3.0),
            "wakes_s": st.floats(0.1, 1.0),
            "most": st.sampled_from([np.inf, 1, 3, 10, 40]),
            "every_s": st.sampled_from([np.inf, 0.7, 2.3]),
        }
    ),
    replicas=st.sampled_from([1, 2, 3]),
)
def test_KB_12_agrees_record_by_record_with_plain_replicas(faults, disks, replicas):
    keys = {
        "systems.kafka.brokers.writeback": {
            "dirty_expire": disks["expire_s"], "dirty_writeback": disks["wakes_s"]
        },
        "systems.kafka.topic.replication.factor": replicas,
        "systems.kafka.topic.min.insync.replicas": 1,
    }  # fmt: skip
    if disks["most"] < np.inf:
        keys["systems.kafka.brokers.log.flush.interval.messages"] = disks["most"]
    if disks["every_s"] < np.inf:
        keys["systems.kafka.brokers.log.flush.scheduler.interval.ms"] = disks["every_s"] * 1e3
    env, system = built({"order": "produce"}, faults=faults, **ALL_IN_SYNC, **keys)
    env.run(25.0)
    plain = PlainReplicas(3, system.cluster.replicas, Disks(**disks))
    journal = system.cluster.client.journal
    acts = [
        (
            at_s,
            0,
            lambda at_s, e=e: plain.append(at_s, int(journal.partition[e]), _records(journal, e)),
        )
        for e, at_s in enumerate(journal.append_s)
    ]
    for fault in faults:
        struck = fault["target"].removeprefix("*.broker.")
        for b in range(3) if struck == "*" else [int(struck)]:
            acts.append((fault["at"], 1, lambda at_s, b=b: plain.lose_power(at_s, b)))
            acts.append((fault["at"] + fault["for"], 2, lambda at_s, b=b: plain.restart(b)))
    for at_s, _, act in sorted(acts, key=lambda one: one[:2]):
        act(at_s)
    assert logged(system) == [plain.log(p) for p in range(3)]


@st.composite
def elections(draw):
    """Unclean elections, and consumers that are behind, die, or are put out."""
    at, brief = st.floats(0.5, 13.0), st.floats(0.05, 4.0)
    books = {"target": st.sampled_from(["*.books.0", "*.books.*"])}
    broker = {"target": st.sampled_from([f"*.broker.{b}" for b in range(3)])}
    behind = {"behind": st.floats(0.1, 5.0), "for": brief}
    kinds = st.one_of(
        st.fixed_dictionaries({"fault": st.just("leader_crash"), **broker, **behind}),
        st.fixed_dictionaries({"fault": st.just("crash"), **books, "restart_after": brief}),
        st.fixed_dictionaries({"fault": st.just("partition"), **books, "for": brief}),
        st.fixed_dictionaries(
            {"fault": st.just("slow"), **books, "factor": st.just(100), "for": brief}
        ),
    )
    unclean = st.fixed_dictionaries({"fault": st.just("leader_crash"), **broker, **behind})
    faults = [draw(unclean), *draw(st.lists(kinds, min_size=1, max_size=5))]
    return [{**fault, "at": draw(at)} for fault in faults]


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    faults=elections(),
    group=st.sampled_from(
        [{"max.poll.records": 5}, {"client": "librdkafka"}, {"session.timeout.ms": 1_000},
         {"enable.auto.commit": False, "commit": {"when": "before", "per": "record"}},
         {"enable.auto.commit": False, "commit": {"when": "after", "per": "record"}}]
    ),
    order=st.sampled_from(["produce", "transaction"]),
)  # fmt: skip
def test_whoever_is_elected_everything_adds_up(faults, group, order):
    """Conservation is asserted inside every run, and at every advance of group and brokers."""
    group = {"consumers": 2, "does": ["books"], "heartbeat.interval.ms": 300, **group}
    its = scenario({"order": order}).with_(
        {"systems.kafka.groups": {"books": group}, "faults": faults}
    )
    summary = run(its).tables.summary.iloc[0]
    assert summary["processed"] + summary["lost"] + summary["unfinished"] == summary["produced"]


ALONE_ON_DISK = {
    "systems.kafka.topic.replication.factor": 1,
    "systems.kafka.topic.min.insync.replicas": 1,
    "systems.kafka.brokers.count": 1,
}
POWER_LOSS = {"at": "8 s", "fault": "power_loss", "target": "*.broker.0", "for": "1 s"}


def test_KB_12_what_a_share_group_had_taken_stays_its_own_when_the_log_loses_it():
    jobs = {"books": {"per_message": "1 ms"}, "more": {"per_message": "1 ms"}}
    share = {
        "workload.service": jobs,
        "systems.kafka.share_groups": {"s": {"consumers": 2, "does": ["more"]}},
    }
    found = run(scenario({"order": "produce"}, faults=[POWER_LOSS], **ALONE_ON_DISK, **share))
    summary = found.tables.summary.set_index("group")
    assert summary.loc["s", "processed"] > 700 and summary.loc["s", "unfinished"] == 0
    assert found.tables.producer["lost_failover"][0] > 100


def test_KB_12_a_log_that_retention_has_emptied_can_lose_no_more():
    retention = {
        "systems.kafka.topic.retention.ms": 500, "systems.kafka.topic.segment.ms": 500,
        "systems.kafka.brokers.log.retention.check.interval.ms": 200,
    }  # fmt: skip
    found = run(scenario({"order": "produce"}, faults=[POWER_LOSS], **ALONE_ON_DISK, **retention))
    assert found.tables.producer["lost_failover"][0] > 100
