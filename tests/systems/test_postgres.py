"""A queue in PostgreSQL, library by library, with hand numbers and measured ones.

Statements take 20 ms, and act half-way; worker c starts c ms after the first.
"""

import numpy as np
import pytest

from helpers.incidents import incident
from sim import lab
from sim.causes.explain import explain
from sim.engine.environment import Environment
from sim.engine.system import Setup
from sim.foundation.arrays import NO_LIMIT
from sim.queue import broker_codes as codes
from sim.queue.broker import Broker
from sim.queue.broker_dead_rows_kernel import DeadRows
from sim.queue.broker_state import poisonous_messages
from sim.queue.feed_kernel import Feed
from sim.scenario.load import load
from sim.scenario.products.postgres import PostgresQueue, PostgresSystem
from sim.systems.postgres import Postgres, limit_keys, postgres_policy
from sim.traffic.generate import generate
from sim.words.binds import binding


def consume(
    library, came_s, work_s, until_s, *, workers=1, crash_s=None, bad=(), latency_s=0.02, dead=None,
    passed_s=0.0,
):  # fmt: skip
    """A queue after ``until_s``; the first worker dies at ``crash_s``."""
    queue = PostgresQueue.model_validate({"workers": workers, "does": ["w"], **library})
    came_s = np.asarray(came_s, float)
    habits = queue.library.habits
    if dead is not None:
        from_s, until, row_s = dead
        counted = habits.dead_taken, habits.dead_done
        dead = DeadRows(np.array(from_s), np.array(until), row_s, *counted)
    broker = Broker(
        Feed(np.arange(came_s.size, dtype=np.int32), came_s, np.array([came_s.size])),
        np.full(came_s.size, work_s, np.float32),
        workers,
        postgres_policy(habits, passed_s=passed_s),
        receive_latency_s=np.array([latency_s]),
        ack_latency_s=np.array([latency_s]),
        grid_s=np.zeros(0),
        poison=poisonous_messages(*bad) if bad else None,
        dead=dead,
    )
    env = Environment([broker])

    def dies():
        yield env.timeout(crash_s)
        broker.crash(0)

    if crash_s is not None:
        env.process(dies())
    env.run(until_s)
    return broker


@pytest.mark.parametrize(
    ("workers", "measured_per_s"), [(4, 79.2), (16, 313.6), (64, 1_267), (128, 2_522)]
)
def test_PG_01_river_polls_as_fast_as_was_measured(workers, measured_per_s):
    """https://github.com/hardbyte/postgresql-job-queue-benchmarking, 2026-05-02: saturated, jobs of
    1 ms, FetchCooldown and FetchPollInterval at 50 ms."""
    river = {"river": {"FetchCooldown": "50 ms", "FetchPollInterval": "50 ms"}}
    broker = consume(river, np.zeros(workers * 250), 0.001, 10.0, workers=workers, latency_s=0.003)
    done_s = broker.queue.done_s
    per_s = np.count_nonzero((done_s >= 2.0) & (done_s < 10.0)) / 8.0
    assert per_s == pytest.approx(workers / 0.05, rel=0.001)
    assert per_s == pytest.approx(measured_per_s, rel=0.021)


def test_PG_01_a_worker_of_pg_boss_fetches_a_batch_each_interval_whatever_it_finds():
    boss = {"pg-boss": {"batchSize": 3}}
    broker = consume(boss, np.zeros(7), 0.1, 9.0)
    np.testing.assert_allclose(
        broker.queue.done_s, [0.12, 0.22, 0.32, 2.12, 2.22, 2.32, 4.12], atol=1e-6
    )
    # Done at 1.99, of which no more than 100 ms are left: the next fetch begins at once.
    broker = consume({"pg-boss": {}}, np.zeros(2), 1.95, 9.0)
    np.testing.assert_allclose(broker.queue.done_s, [1.97, 3.96], atol=1e-6)
    broker = consume({"pg-boss": {}}, np.zeros(2), 1.85, 9.0)
    np.testing.assert_allclose(broker.queue.done_s, [1.87, 3.87], atol=1e-6)


def test_PG_01_a_loop_waits_only_where_it_has_found_nothing():
    loop = {"skip_locked": {"poll_interval": 2}}
    broker = consume(loop, [0.0, 0.0, 1.0], 0.1, 9.0)
    # It asks at 0, 0.14 and 0.28, is told at 0.3 that there is nothing, and asks again at 2.3.
    np.testing.assert_allclose(broker.queue.done_s, [0.12, 0.26, 2.42], atol=1e-6)
    times = np.asarray(broker.state.limits.times)
    assert times[codes.LIMIT_POLL] == 1
    assert broker.state.limits.first_s[codes.LIMIT_POLL] == pytest.approx(1.0)
    assert broker.state.limits.last_s[codes.LIMIT_POLL] == pytest.approx(2.3)


def test_PG_02_an_insert_wakes_the_workers_that_wait():
    broker = consume({"graphile_worker": {}}, [1.0], 0.1, 9.0)
    np.testing.assert_allclose(broker.queue.done_s, [1.12], atol=1e-6)
    loop = {"skip_locked": {"poll_interval": 5, "notify": True}}
    np.testing.assert_allclose(consume(loop, [1.0], 0.1, 9.0).queue.done_s, [1.12], atol=1e-6)
    # River's workers fetch no sooner than 100 ms after they did; the one that had asked at 0.
    broker = consume({"river": {}}, [0.05, 0.5], 0.0, 9.0)
    np.testing.assert_allclose(broker.queue.done_s, [0.12, 0.52], atol=1e-6)
    broker = consume({"river": {"PollOnly": True}}, [0.05, 0.5], 0.0, 9.0)
    np.testing.assert_allclose(broker.queue.done_s, [1.04, 1.14], atol=1e-6)


def test_PG_02_a_worker_of_pg_boss_that_is_notified_polls_each_30_s():
    # Both are there when it first asks: of the second, nobody tells it.
    broker = consume({"pg-boss": {"notify": True}}, [0.0, 0.0, 50.0], 0.1, 60.0)
    np.testing.assert_allclose(broker.queue.done_s, [0.12, 30.12, 50.12], atol=1e-6)
    slow = {"pg-boss": {"notify": True, "pollingIntervalSeconds": 40}}
    np.testing.assert_allclose(
        consume(slow, [0.0, 0.0], 0.1, 60.0).queue.done_s, [0.12, 40.12], atol=1e-6
    )


def test_PG_03_a_row_that_is_locked_is_free_when_the_connection_of_its_worker_ends():
    # The other worker has asked at 0.001, and does again at 1.021; the row is free from 0.5.
    broker = consume({"skip_locked": {}}, [0.0], 1.0, 9.0, workers=2, crash_s=0.5)
    np.testing.assert_allclose(broker.queue.done_s, [2.041], atol=1e-6)


def test_PG_03_a_lease_runs_on():
    # It is over at 5.01; the other worker asks each 1.02 s from 0.001 on, so at 5.101.
    leased = {"skip_locked": {"lease": 5}}
    broker = consume(leased, [0.0], 1.0, 9.0, workers=2, crash_s=0.5)
    np.testing.assert_allclose(broker.queue.done_s, [6.121], atol=1e-6)
    assert broker.state.limits.times[codes.LIMIT_LOCK_GONE] == 1


def test_PG_03_jobs_of_a_dead_process_of_solid_queue_have_failed():
    # Its last sign of life was 30 s before, it is dead 300 s after that, and seen 150 s later.
    broker = consume({"solid_queue": {}}, [0.0], 1.0, 420.4, workers=2, crash_s=0.5)
    assert broker.queue.state.tolist() == [codes.IN_FLIGHT]
    broker = consume({"solid_queue": {}}, [0.0], 1.0, 420.6, workers=2, crash_s=0.5)
    assert broker.queue.state.tolist() == [codes.DEAD]


def test_PG_03_who_deletes_late_deletes_all_the_same_in_pgmq():
    # Visible again at 1.01, read at 1.021 by the other; the first deletes it at 3.03.
    broker = consume({"pgmq": {"vt": 1}}, [0.0], 3.0, 9.0, workers=2)
    assert broker.queue.effects.tolist() == [2]
    assert broker.queue.state.tolist() == [codes.ACKED]


LATE = [
    # Library, work in s; taken away at 30, 60, 2 and 14,580 s; finished late, and by then: whether
    # that counts while another is at it, and while nobody is.
    ({"river": {"RescueStuckJobsAfter": 1}}, 40.0, True, False),
    ({"pg-boss": {"expireInSeconds": 1}}, 70.0, False, False),
    ({"oban": {"rescue_after": 1000, "interval": 1000}}, 3.0, True, True),
    ({"graphile_worker": {}}, 14_900.0, True, True),
]


@pytest.mark.parametrize(("library", "work_s", "with_another", "alone"), LATE)
def test_PG_03_who_finishes_late_finishes_where_the_librarys_statement_says(
    library, work_s, with_another, alone
):
    late_s = work_s + 0.5
    broker = consume(library, [0.0], work_s, late_s, workers=2)
    assert broker.queue.receives.tolist() == [2]
    assert (broker.queue.state.tolist() == [codes.ACKED]) == with_another
    broker = consume(library, [0.0], work_s, late_s, workers=1)
    assert (broker.queue.state.tolist() == [codes.ACKED]) == alone


@pytest.mark.parametrize(
    ("options", "done_s"),
    [
        ({}, 60.921),
        ({"retryDelay": 10}, 70.921),
        ({"retryDelay": 10, "retryBackoff": True}, 76.921),
    ],
)
def test_PG_04_what_expires_in_pg_boss_waits_for_its_retry(options, done_s):
    # Expired at 1.01, seen at 60; the other worker asks each 2 s from 0.001 on.
    options = {"pg-boss": {"expireInSeconds": 1, **options}}
    broker = consume(options, [0.0], 0.9, 90.0, workers=2, crash_s=0.5)
    np.testing.assert_allclose(broker.queue.done_s, [done_s], atol=1e-6)


def test_PG_04_river_waits_n_to_the_fourth_and_discards():
    # Fails at 0.12, known at 0.13: again from 1.13, found at 1.17; fails at 1.28, known at 1.29:
    # again from 17.29. The worker asks each 1.02 s from 1.3 on, so at 17.62; known at 17.75.
    always = ([0], [False], [NO_LIMIT], [np.inf])
    broker = consume({"river": {"MaxAttempts": 3}}, [0.0], 0.1, 60.0, bad=always)
    assert broker.queue.receives.tolist() == [3]
    assert broker.queue.state.tolist() == [codes.DEAD]
    assert broker.state.limits.first_s[codes.LIMIT_RETRIES] == pytest.approx(17.75)


def test_PG_04_solid_queue_does_not_retry():
    always = ([0], [False], [NO_LIMIT], [np.inf])
    broker = consume({"solid_queue": {}}, [0.0], 0.1, 60.0, bad=always)
    assert (broker.queue.receives.tolist(), broker.queue.state.tolist()) == ([1], [codes.DEAD])


def test_limits_have_the_librarys_names():
    queue = {"workers": 2, "does": ["w"], "pg-boss": {}}
    system = PostgresSystem.model_validate({"product": "postgres", "queues": {"g": queue}})
    found = {code: key[:3] for code, key in limit_keys("g", system).items()}
    assert found[codes.LIMIT_POLL] == (
        "pollingIntervalSeconds", "queues.g.pg-boss.pollingIntervalSeconds", "2.0",
    )  # fmt: skip
    assert found[codes.LIMIT_BUSY] == ("workers", "queues.g.workers", "2")
    assert found[codes.LIMIT_DEAD] == ("dead_row", "latency.dead_row", "0.084 us")


def boss(**options):
    """Four workers with the defaults of pg-boss: two jobs a second, for five."""
    return {
        "product": "postgres",
        "queues": {"g": {"workers": 4, "does": ["w"], "pg-boss": options}},
    }


def test_the_interval_is_the_first_cause_of_a_backlog_of_pg_boss():
    scenario = incident(boss(), rate=5, minutes=2, work=0.001)
    result = lab.run(scenario)
    row = result.tables.summary.iloc[0]
    assert row["processed"] == row["produced"] == 639
    # 4 workers / 2 s: of what came in 120 s, 240 are done by then.
    assert row["max_lag"] == pytest.approx(639 - 240, abs=6)
    (limit,) = result.tables.limits[result.tables.limits["key"] == "pollingIntervalSeconds"].index
    assert result.tables.limits.loc[limit, "value"] == "2.0"
    first = explain(scenario).first
    assert first.key in ("pollingIntervalSeconds", "batchSize")


HELD = {"at": 60, "fault": "snapshot_held", "target": "s.g"}


def own_loop(workers=1, **latency):
    """A loop whose statements take what is given, and else nothing."""
    return {
        "product": "postgres",
        "queues": {"g": {"workers": workers, "does": ["w"], "skip_locked": {"poll_interval": 0}}},
        "latency": {"insert": 0, "fetch": "10 ms", "complete": 0, **latency},
    }


@pytest.mark.parametrize(
    ("library", "rows"),
    [
        ({"skip_locked": {"poll_interval": 0}}, 1),
        ({"skip_locked": {"poll_interval": 0, "lease": 600}}, 2),
        ({"pgmq": {"vt": 600, "qty": 1}}, 2),
        ({"graphile_worker": {}}, 1),
        ({"solid_queue": {}}, 1),
    ],
)
def test_PG_05_each_fetch_passes_the_rows_that_died_since_the_snapshot(library, rows):
    """Rounds of 40 ms; from 1 to 3 s each takes 1 ms longer for each row, and then none does."""
    broker = consume(library, np.zeros(300), 0.0, 9.0, dead=([1.0], [3.0], 1e-3))
    done_s = np.sort(broker.queue.done_s)[:150]
    took_s = np.diff(done_s)
    np.testing.assert_allclose(took_s[done_s[1:] < 1.0], 0.04, atol=1e-6)
    held_s = took_s[(done_s[:-1] > 1.06) & (done_s[1:] < 3.0)]
    assert held_s.size > 20
    np.testing.assert_allclose(np.diff(held_s), rows * 1e-3, atol=1e-6)
    np.testing.assert_allclose(took_s[done_s[:-1] > 3.2], 0.04, atol=1e-6)
    # A round of 40 ms has a fetch of 20: twice as long with more than 20 rows.
    assert broker.state.limits.times[codes.LIMIT_DEAD] == np.sum(took_s > 0.0605)


@pytest.mark.parametrize(
    ("faults", "from_s", "until_s"),
    [
        ([{**HELD, "for": 20}, {**HELD, "at": 70, "for": 20}], [60], [90]),
        ([{**HELD, "for": 20}, {**HELD, "at": 61, "for": 2}], [60], [80]),
        ([{**HELD, "at": 90}, {**HELD, "for": 20}], [60, 90], [80, np.inf]),
        ([{**HELD, "target": "s.*"}], [60], [np.inf]),
    ],
)
def test_PG_05_snapshots_that_meet_are_one(faults, from_s, until_s):
    scenario = incident(own_loop(), faults=faults)
    setup = Setup("s", scenario, generate(scenario), np.arange(2.0))
    dead = Postgres(setup, scenario.systems["s"]).queues["g"].state.dead
    assert (list(dead.from_s), list(dead.until_s)) == (from_s, until_s)
    assert dead.row_s == pytest.approx(0.084e-6)


def test_PG_05_a_held_snapshot_slows_dequeues_about_as_published():
    """https://github.com/NikolayS/pgque, docs/benchmarks.md: 800/s in, four consumers, three
    minutes: 797 dequeues/s, and 517/s while a REPEATABLE READ transaction holds its snapshot. Not
    published: how long a dequeue takes without it; here it is 3 ms in all."""
    system = own_loop(4, fetch="2 ms", complete="1 ms")
    free = lab.run(incident(system, rate=800, minutes=3, work=0)).tables.summary.iloc[0]
    assert free["max_lag"] < 50
    held = [{**HELD, "at": 0}]
    scenario = incident(system, rate=800, minutes=3, work=0, faults=held, drain_limit=0)
    processed = lab.run(scenario).tables.summary.iloc[0]["processed"]
    assert processed / 180 == pytest.approx(543, rel=0.005)
    assert processed / 180 == pytest.approx(517, rel=0.06)


@pytest.mark.parametrize("library", [{"poll_interval": 0}, {"poll_interval": 0, "lease": 600}])
def test_PG_06_each_fetch_passes_the_rows_that_others_have_at_work(library):
    """Two workers have the first rows for 5 s; each round of the third is 140 ms and two rows."""
    work_s = np.append([5.0, 5.0], np.full(98, 0.1))
    broker = consume({"skip_locked": library}, np.zeros(100), work_s, 9.0, workers=3, passed_s=1e-3)
    done_s = np.sort(broker.queue.done_s[2:])
    took_s = np.diff(done_s)
    np.testing.assert_allclose(took_s[done_s[1:] < 5.0], 0.142, atol=1e-6)
    assert np.count_nonzero(done_s < 5.0) == 35
    assert broker.state.limits.times[codes.LIMIT_PASSED] == 0


def test_PG_06_a_row_that_came_back_is_found_before_those_that_others_have():
    # Row 0 fails at 0.12; its worker asks again at 0.14 and passes none of the 10 others' rows.
    work_s = np.append([0.1], np.full(10, 5.0))
    bad = ([0], [False], [1], [np.inf])
    broker = consume(
        {"skip_locked": {"poll_interval": 0}}, np.zeros(11), work_s, 4.0,
        workers=11, bad=bad, passed_s=0.05,
    )  # fmt: skip
    np.testing.assert_allclose(broker.queue.done_s[0], 0.26, atol=1e-6)
    # Nothing is ready then: it passes all ten, with 0.5 s more, and finds nothing.
    broker = consume(
        {"skip_locked": {"poll_interval": 0}}, np.append(np.zeros(11), 0.5), np.append(work_s, 0.1),
        4.0, workers=11, bad=bad, passed_s=0.05,
    )  # fmt: skip
    # Asked at 0.28, at the rows at 0.54: the twelfth is there. It was slowed down to 26 times.
    np.testing.assert_allclose(broker.queue.done_s[11], 0.9, atol=1e-6)
    assert broker.state.limits.times[codes.LIMIT_PASSED] == 1


@pytest.mark.parametrize(
    ("library", "key", "passed_s"),
    [
        ({"skip_locked": {}}, "locked_row", 0.6e-6),
        ({"skip_locked": {"lease": 9}}, "leased_row", 0.1e-6),
        ({"pgmq": {}}, "leased_row", 0.1e-6),
        ({"for_update": {}}, "", 0.0),
        ({"graphile_worker": {}}, "", 0.0),
    ],
)
def test_PG_06_which_rows_a_library_passes(library, key, passed_s):
    queue = {"workers": 2, "does": ["w"], **library}
    scenario = incident({"product": "postgres", "queues": {"g": queue}})
    setup = Setup("s", scenario, generate(scenario), np.arange(2.0))
    system = scenario.systems["s"]
    policy = Postgres(setup, system).queues["g"].policy
    assert policy.passed_s == pytest.approx(passed_s)
    found = limit_keys("g", system).get(codes.LIMIT_PASSED)
    assert (found.name if found else "") == key


def test_PG_07_without_skip_locked_one_job_is_at_work_at_a_time():
    """A round is 140 ms; of three workers, another one has its row 10 ms before that is over, and
    its own reply another 10 ms later: 120 ms."""
    loop = {"for_update": {}}
    alone = np.sort(consume(loop, np.zeros(10), 0.1, 9.0).queue.done_s)
    np.testing.assert_allclose(np.diff(alone), 0.14, atol=1e-6)
    broker = consume(loop, np.zeros(10), 0.1, 9.0, workers=3)
    np.testing.assert_allclose(np.diff(np.sort(broker.queue.done_s)), 0.12, atol=1e-6)


def test_PG_07_a_statement_that_waited_sees_nothing_that_came_since_it_began():
    # The second worker waits from 0.011 until 1.03, and is told at 1.04 that there is nothing; the
    # first asks again then, and has the second job at 1.06. The third job is after it: the second
    # worker asks again at 2.04, and waits until 2.07.
    loop = {"for_update": {}}
    broker = consume(loop, [0.0, 0.5, 1.5], 1.0, 9.0, workers=2)
    np.testing.assert_allclose(broker.queue.done_s, [1.02, 2.06, 3.08], atol=1e-6)
    # With NOTIFY it asks at once, and waits for the second, though it was told of it before.
    broker = consume({"for_update": {"notify": True}}, [0.0, 0.5], 1.0, 9.0, workers=2)
    np.testing.assert_allclose(broker.queue.done_s, [1.02, 2.06], atol=1e-6)


def test_PG_07_what_a_dead_worker_had_goes_to_the_one_that_waits():
    broker = consume({"for_update": {}}, np.zeros(2), 1.0, 9.0, workers=2, crash_s=0.5)
    np.testing.assert_allclose(broker.queue.done_s, [1.51, 2.55], atol=1e-6)


def test_for_update_is_the_first_cause_of_what_is_late():
    queue = {"workers": 8, "does": ["w"], "for_update": {"poll_interval": "100 ms"}}
    system = {"product": "postgres", "queues": {"g": queue}}
    scenario = incident(system, rate=20, minutes=2, work=0.1)
    result = lab.run(scenario)
    summary = result.tables.summary.iloc[0]
    assert summary["max_lag"] > 1_000
    (bound,) = [line for line in _bound(result) if "binds" in line]
    assert bound.startswith("What binds in s.g is for_update"), bound
    first = explain(scenario).first
    assert (first.key, first.value) == ("for_update", "")


def _bound(result):
    tables = result.tables
    return binding(tables.summary, tables.duration_s, tables.waits, tables.limits)


def test_a_held_snapshot_is_the_first_cause_of_what_is_late():
    held = [{**HELD, "for": 180}]
    system = own_loop(fetch="3 ms", dead_row="2 us")
    scenario = incident(system, rate=100, minutes=4, work=0.001, faults=held)
    result = lab.run(scenario)
    (text,) = result.tables.faults["text"]
    assert text == "snapshot held, dead rows of g stay"
    (at,) = result.tables.limits[result.tables.limits["key"] == "dead_row"].index
    assert result.tables.limits.loc[at, "value"] == "2 us"
    assert 60.0 < result.tables.limits.loc[at, "first_s"] < 80.0
    (bound,) = [line for line in _bound(result) if "binds" in line]
    assert bound.startswith("What binds in s.g is dead_row 2 us: made a fetch take more than twice")
    assert explain(scenario).first.key == "faults[0]"


@pytest.mark.parametrize(
    ("rate", "enough"),
    [
        ("2.5/s", ["pg_boss", "pg_boss_tuned", "own_loop", "kafka"]),
        ("25/s", ["pg_boss_tuned", "own_loop", "kafka"]),
        ("250/s", ["pg_boss_tuned", "own_loop", "kafka"]),
        ("2_500/s", ["kafka"]),
    ],
)
def test_the_shipped_scenario_grows_until_postgres_is_not_enough(rate, enough):
    """Ceilings by hand: 20 / 2 s = 10/s, 10 * 20 / 0.5 s = 400/s, 20 / (5 + 3.4 + 1.8 ms) = 1,970/s
    and 20 / 5 ms = 4,000/s. A minute and a half is enough to miss 10 s."""
    profile = [{"for": "90s", "rate": rate}]
    scenario = load("postgres_or_kafka").with_(
        {"duration": "90s", "workload.arrivals.profile": profile}
    )
    result = lab.run(scenario)
    met = [judged.system for judged in result.needs if not judged.unmet]
    assert sorted(met) == sorted(enough)
