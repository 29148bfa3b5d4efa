"""Retry topics by hand; whole systems and the plain model are in tests/systems."""

import numpy as np

from helpers.alone import assigned
from sim.engine.environment import Environment
from sim.engine.outcome import Fate
from sim.injection.poison import ALWAYS, Poison
from sim.log.group import Group
from sim.log.group_state import Reading
from sim.log.kafka_retry_topics import Retrying, RetryTopics
from sim.log.topic import Topic

READING = Reading(
    max_poll_records=1, chunk_records=100, min_records=1, max_wait_s=0.0, fetch_s=0.0,
    per_batch_s=0.0, auto_commit_s=0.001, commit_s=0.0, wait=0,
)  # fmt: skip


def lab(times=ALWAYS, bad=(1,), **policy):
    """Six records of 1 s at 0, 1, ... s; one consumer for them, one for the retry topic."""
    n = 6
    bad = np.array(bad, np.int64)
    poison = Poison(
        bad, np.zeros(bad.size, bool), np.full(bad.size, times, np.int32), np.full(bad.size, np.inf)
    )
    created_s = np.arange(float(n))
    rows = np.arange(n, dtype=np.int32)
    topic = Topic.of_records(created_s, 1, rows, np.zeros(n, np.int32), created_s)
    again = Topic.empty(created_s, np.array([1]))
    main, retry = (
        assigned(
            Group(its, np.ones(n, np.float32), 1, READING, np.array([0.0]), poison=poison), [[0]]
        )
        for its in (topic, again)
    )
    given = {"delays_s": (10.0,), "attempts": 3, **policy}
    its = RetryTopics(main, [retry], Retrying(**given))
    said = []
    for stage, group in enumerate(its.groups):

        def fail(stage=stage, group=group):
            for m in group.failed():
                place = group.in_progress(m)
                group.poisoned.fails(place, m, 0)
                said.append((env.now, its.pass_on(stage, m, env.now, place)))

        group.after_stop = fail
    env = Environment([its])
    return its, env, said


def test_KC_25_a_record_waits_from_its_failure_for_its_delay_and_the_others_go_on():
    its, env, said = lab(times=1)
    env.run(20.0)
    assert said == [(2.0, "consumer 0 sent a record to a retry topic")]
    main, retry = its.groups
    assert main.done_s[:6].tolist() == [1.0, np.inf, 3.0, 4.0, 5.0, 6.0]
    assert retry.done_s[0] == 13.0
    assert its.total() == 1 and its.settled() == 1 and main.settled() == 6


def test_KC_25_after_its_last_attempt_it_is_dead_lettered():
    its, env, said = lab()
    env.run(60.0)
    assert [at_s for at_s, _ in said] == [2.0, 13.0, 24.0]
    assert said[-1][1] == "consumer 0 dead-lettered a record"
    assert its.groups[1].poisoned.passed[0, 1] == Fate.DEAD_LETTERED
    assert its.total() == its.settled() == 2


def test_KC_25_without_a_dead_letter_topic_it_is_dropped():
    its, env, said = lab(attempts=2, dead_letters=False)
    env.run(60.0)
    assert said[-1] == (13.0, "consumer 0 dropped a record")
    assert its.groups[1].poisoned.passed[0, 0] == Fate.LOST_REJECTED


def test_KC_25_one_that_is_too_old_is_not_tried_again():
    its, env, said = lab(timeout_s=11.0)  # it was created at 1 s, and fails at 2 and at 13 s
    env.run(60.0)
    assert [at_s for at_s, _ in said] == [2.0, 13.0]
    assert its.groups[0].standing.acts.of["age"]["consumer 0"].times == 1


def test_KC_25_a_consumer_waits_until_the_record_is_published():
    its, env, _ = lab(times=1, send_s=lambda: 0.25)
    env.run(20.0)
    assert its.groups[0].done_s[2:].tolist() == [3.25, 4.25, 5.25, 6.25]
    assert its.groups[1].done_s[0] == 13.0  # the delay is counted from the failure


def test_KC_25_what_failed_later_waits_behind_what_failed_before():
    its, env, _ = lab(times=1, bad=(1, 2), send_s=iter([12.0, 0.0]).__next__)
    env.run(60.0)
    assert its.groups[0].done_s[3] == 16.0
    # The first is published at 14 s, after it is due at 12 s; the second fails at 15 s.
    assert its.groups[1].done_s[:2].tolist() == [15.0, 26.0]


def test_no_group_goes_on_beyond_where_one_before_it_waits_for_control():
    its, _, _ = lab()
    for group in its.groups:
        group.after_stop = lambda: None
    ((stop_s, _),) = its.advance(30.0)
    assert stop_s == 2.0 and [group.now_s for group in its.groups] == [2.0, 2.0]
