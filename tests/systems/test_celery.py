"""Celery's settings, rule by rule with hand numbers, on the mechanism that all queues share."""

from collections import Counter

import numpy as np
import pytest
from pydantic import ValidationError

from sim.queue import broker_codes as codes
from sim.queue.broker import Broker
from sim.queue.broker_state import Columns, poisonous_messages
from sim.queue.feed_kernel import Feed
from sim.scenario.products.celery import CelerySystem, CeleryTask
from sim.systems.celery import celery_policy

MS = 0.001


def celery(broker="rabbitmq", task=None, **settings):
    """A system's configuration and the policy of its queue."""
    config = CelerySystem.model_validate(
        {
            "product": "celery",
            "broker": broker,
            "ceilings": False,
            "config": settings,
            "queues": {"q": {"workers": 1, "does": ["x"]}},
        }
    )
    return config, celery_policy(config, CeleryTask.model_validate(task or {}))


def workers(
    came_s,
    work_s,
    count=1,
    broker="rabbitmq",
    task=None,
    bad=(),
    draws=(0.5,),
    eta_s=None,
    **settings,
):
    """Workers on a queue to which messages come at given times; calls take 2 ms both ways."""
    config, policy = celery(broker, task, **settings)
    n = len(came_s)
    feed = Feed(np.arange(n, dtype=np.int32), np.asarray(came_s, float), np.array([n]))
    due_s = np.zeros(n) if eta_s is None else np.asarray(eta_s, float)
    return Broker(
        feed,
        np.full(n, work_s, np.float32),
        count,
        policy,
        receive_latency_s=np.array([2 * MS]),
        ack_latency_s=np.array([2 * MS]),
        grid_s=np.zeros(0),
        slots=config.config.worker_concurrency,
        columns=Columns(due_s=due_s),
        poison=poisonous_messages(*zip(*bad, strict=True)) if bad else None,
        jitter=np.asarray(draws, float),
        keep_repeats=100,
    )


def states(fleet):
    return [STATE[state] for state in fleet.queue.state]


STATE = {
    codes.READY: "ready",
    codes.IN_FLIGHT: "in flight",
    codes.ACKED: "done",
    codes.DROPPED: "dropped",
    codes.LOST: "lost",
}


def test_CE_01_early_ack_loses_the_task_that_a_killed_worker_ran():
    fleet = workers([0.0, 0.1], 10.0, count=2, worker_concurrency=1, worker_prefetch_multiplier=2)
    fleet.advance(5.0)
    fleet.crash(0)
    fleet.advance(100.0)
    assert Counter(states(fleet)) == {"lost": 1, "done": 1}
    # What was only reserved is not lost: it comes back when the connection closes.
    fleet = workers([0.0] * 3, 10.0, worker_concurrency=1)
    fleet.advance(5.0)
    fleet.crash(0)
    fleet.advance(6.0)
    fleet.restart(0)
    fleet.advance(100.0)
    assert states(fleet) == ["lost", "done", "done"]


def test_CE_02_late_ack_runs_it_again():
    fleet = workers([0.0], 10.0, task_acks_late=True, worker_concurrency=1)
    fleet.advance(5.0)
    fleet.crash(0)
    fleet.advance(6.0)
    fleet.restart(0)
    fleet.advance(100.0)
    assert states(fleet) == ["done"]
    assert fleet.queue.done_s[0] == pytest.approx(16.0, abs=5 * MS)
    # Dead between the task's end and the broker's having the acknowledgement: it runs twice.
    fleet = workers([0.0], 10.0, count=2, task_acks_late=True, worker_concurrency=1)
    fleet.advance(9.99)
    owner = int(np.flatnonzero(np.asarray(fleet.state.consumers.idle) == 0)[0])
    fleet.cut_off(owner)
    fleet.advance(10.5)
    fleet.crash(owner)
    fleet.advance(11.0)
    fleet.disconnect(owner)
    fleet.advance(100.0)
    assert fleet.queue.effects[0] == 2


@pytest.mark.parametrize(
    ("settings", "after"),
    [
        ({}, ["lost", "done"]),
        ({"task_acks_late": True}, ["lost", "done"]),
        ({"task_acks_late": True, "task_reject_on_worker_lost": True}, ["done", "done"]),
    ],
)
def test_CE_03_a_dead_child_is_acknowledged_even_so(settings, after):
    fleet = workers([0.0, 0.0], 10.0, bad=[(0, True, 1, np.inf)], **settings)
    fleet.advance(100.0)
    assert states(fleet) == after
    assert fleet.alive(0), "only a child died"
    assert fleet.queue.done_s[1] == pytest.approx(10.0, abs=5 * MS), "the other one went on"


@pytest.mark.parametrize(
    ("task", "settings", "after"),
    [
        ({"acks_late": True, "reject_on_worker_lost": True}, {}, ["done", "done"]),
        ({"acks_late": True}, {"task_reject_on_worker_lost": True}, ["done", "done"]),
        ({"acks_late": False}, {"task_acks_late": True, "task_reject_on_worker_lost": True},
         ["lost", "done"]),
        ({"reject_on_worker_lost": False},
         {"task_acks_late": True, "task_reject_on_worker_lost": True}, ["lost", "done"]),
    ],
)  # fmt: skip
def test_CE_03_what_a_task_says_comes_before_the_setting_for_all(task, settings, after):
    fleet = workers([0.0, 0.0], 10.0, task=task, bad=[(0, True, 1, np.inf)], **settings)
    fleet.advance(100.0)
    assert states(fleet) == after


def test_CE_03_a_task_that_always_kills_its_child_loops_when_it_is_rejected():
    fleet = workers(
        [0.0],
        1.0,
        bad=[(0, True, 10**6, np.inf)],
        task_acks_late=True,
        task_reject_on_worker_lost=True,
    )
    fleet.advance(100.0)
    assert fleet.queue.receives[0] == 100 and states(fleet) == ["in flight"]


@pytest.mark.parametrize("late", [False, True])
def test_CE_04_an_exception_is_acknowledged_and_ends_the_task(late):
    fleet = workers([0.0, 1.0], 1.0, bad=[(0, False, 10**6, np.inf)], task_acks_late=late)
    fleet.advance(1_000.0)
    assert states(fleet) == ["dropped", "done"]
    assert fleet.queue.receives[0] == 1
    assert fleet.settled() == 2


def test_CE_04_rejected_without_requeue_it_is_gone_as_well():
    fleet = workers(
        [0.0], 1.0, bad=[(0, False, 10**6, np.inf)],
        task_acks_late=True, task_acks_on_failure_or_timeout=False,
    )  # fmt: skip
    fleet.advance(1_000.0)
    assert states(fleet) == ["dropped"] and fleet.queue.receives[0] == 1


@pytest.mark.parametrize("given", [False, True, None])
def test_CE_04_what_a_task_says_of_failures_comes_first(given):
    task = {"acks_late": True, "acks_on_failure_or_timeout": given}
    for setting in (False, True):
        _, policy = celery("rabbitmq", task, task_acks_on_failure_or_timeout=setting)
        acks = setting if given is None else given
        assert policy.on_failure == (codes.DISCARD if acks else codes.REJECTED)


@pytest.mark.parametrize(
    ("settings", "held"),
    [
        ({"worker_concurrency": 2}, 2 + 2 * 4),
        ({"worker_concurrency": 2, "task_acks_late": True}, 2 * 4),
        ({"worker_concurrency": 2, "worker_prefetch_multiplier": 1}, 4),
        ({"worker_concurrency": 2, "worker_prefetch_multiplier": 1, "task_acks_late": True}, 2),
        ({"worker_concurrency": 2, "worker_prefetch_multiplier": 0}, 50),
        ({"worker_concurrency": 2, "task": {"acks_late": True}}, 2 * 4),
    ],
)
def test_CE_05_how_many_messages_a_worker_holds(settings, held):
    fleet = workers([0.0] * 50, 10.0, **settings)
    fleet.advance(5.0)
    assert fleet.state.messages.held == held


def test_CE_06_redis_runs_a_task_again_while_the_first_still_runs():
    options = {"visibility_timeout": 130}
    fleet = workers(
        [0.0], 500.0, count=2, broker="redis", task_acks_late=True, broker_transport_options=options
    )
    fleet.advance(130.1)
    assert states(fleet) == ["in flight"] and fleet.queue.receives[0] == 1
    fleet.advance(200.1)  # the sweeps are at 100, 200, 300 s
    assert fleet.queue.receives[0] == 2
    fleet.advance(2_000.0)
    # Sent at 0, 200 and 400; acknowledged at 500, before the third is looked at again.
    assert fleet.queue.receives[0] == fleet.queue.effects[0] == 3
    # Early acknowledgement: it is not in the broker's hands any more.
    fleet = workers([0.0], 500.0, count=2, broker="redis", broker_transport_options=options)
    fleet.advance(2_000.0)
    assert fleet.queue.receives[0] == fleet.queue.effects[0] == 1


def test_CE_06_an_eta_beyond_the_timeout_loops():
    options = {
        "visibility_timeout": 100,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
    }
    fleet = workers(
        [0.0],
        1.0,
        broker="redis",
        eta_s=[450.0],
        task_acks_late=True,
        broker_transport_options=options,
    )
    fleet.advance(1_000.0)
    # Held by the worker from 0, and delivered to it again at every timeout until the ETA.
    assert fleet.queue.receives[0] == 5
    assert fleet.queue.effects[0] == 5, "every copy runs"
    fleet = workers([0.0], 1.0, broker="rabbitmq", eta_s=[450.0], task_acks_late=True)
    fleet.advance(1_000.0)
    assert fleet.queue.receives[0] == fleet.queue.effects[0] == 1
    assert fleet.queue.done_s[0] == pytest.approx(451.0)


def test_CE_11_the_acknowledgement_of_any_copy_ends_the_task():
    # As measured with Celery 5.7 on Redis 7.0: a task of 50 s, visibility 13 s, looked at every
    # 10 s; sent 2.5 s after a look, it ran three times, from 0, 17.5 and 37.6 s after that.
    options = {"visibility_timeout": 13, "unacked_restore_throttle": 1}
    fleet = workers(
        [2.5], 50.0, count=2, broker="redis", task_acks_late=True, broker_transport_options=options
    )
    fleet.advance(1_000.0)
    assert fleet.queue.receives[0] == fleet.queue.effects[0] == 3
    ends_s = [fleet.queue.done_s[0], *fleet.queue.again_s[:2]]
    np.testing.assert_allclose(ends_s, [52.501, 70.001, 90.001], atol=1e-9)
    assert states(fleet) == ["done"] and fleet.settled() == 1
    # Nobody has a child free for the copy: whenever the task is acknowledged, the copy is in the
    # queue, and no ack reaches it there. It runs again, each time as the one before ends.
    fleet = workers(
        [2.5], 50.0, worker_concurrency=1, worker_prefetch_multiplier=1, broker="redis",
        task_acks_late=True, broker_transport_options=options,
    )  # fmt: skip
    fleet.advance(1_000.0)
    assert (fleet.queue.receives[0], fleet.queue.effects[0]) == (20, 19)


def test_CE_11_an_eta_beyond_the_timeout_runs_once_for_each_copy_that_it_meets():
    # Reminders two and a half hours ahead at the default timeout of an hour: held from 0, again
    # from 3,700 and from 7,400 s; at 9,000 s all three copies run, and no other comes.
    for late in (True, False):
        fleet = workers([0.0], 1.0, broker="redis", eta_s=[9_000.0], task_acks_late=late)
        fleet.advance(50_000.0)
        assert fleet.queue.receives[0] == fleet.queue.effects[0] == 3
        assert states(fleet) == ["done"]


def test_RQ_06_rabbitmq_takes_back_what_a_worker_holds_for_half_an_hour():
    # Looked at once a minute; the worker, or the next one, consumes again a second later. Due an
    # hour and a half after it was sent, a task is delivered four times, and runs once.
    fleet = workers([0.0], 1.0, eta_s=[5_400.0])
    for times, at_s in ((1, 1_861.0), (2, 3_721.0)):
        fleet.advance(at_s - MS)
        assert fleet.queue.receives[0] == times
        fleet.advance(at_s)
        assert fleet.queue.receives[0] == times + 1
    fleet.advance(50_000.0)
    assert (fleet.queue.receives[0], fleet.queue.effects[0]) == (3, 1)
    assert fleet.queue.done_s[0] == pytest.approx(5_401.0)
    # From 4.3 its classic queues have no such timeout.
    _, policy = celery()
    assert (policy.lock_s, policy.sweep_s, policy.lock_closes) == (1_800.0, 60.0, 1)
    newer = CelerySystem.model_validate(
        {
            "product": "celery",
            "broker_version": "4.3",
            "queues": {"q": {"workers": 1, "does": ["x"]}},
        }
    )
    assert celery_policy(newer, CeleryTask()).lock_s == np.inf


def test_CE_07_redis_restores_to_the_head_and_requeues_to_the_tail():
    settings = {"worker_concurrency": 1, "worker_prefetch_multiplier": 1, "task_acks_late": True}
    came_s = [0.0, 1.0, 2.0, 3.0]
    options = {
        "visibility_timeout": 50,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
    }
    fleet = workers(came_s, 10.0, broker="redis", broker_transport_options=options, **settings)
    fleet.advance(5.0)
    fleet.crash(0)
    fleet.advance(60.0)
    fleet.restart(0)
    fleet.advance(200.0)
    assert np.argsort(fleet.queue.done_s).tolist() == [0, 1, 2, 3], "restored, it is the next out"
    for broker, order in (("redis", [1, 2, 3, 0]), ("rabbitmq", [0, 1, 2, 3])):
        fleet = workers(
            came_s, 10.0, broker=broker, bad=[(0, True, 1, np.inf)],
            task_reject_on_worker_lost=True, **settings,
        )  # fmt: skip
        fleet.advance(200.0)
        assert np.argsort(fleet.queue.done_s).tolist() == order


@pytest.mark.parametrize("broker", ["rabbitmq", "redis", "sqs"])
def test_CE_08_a_warm_shutdown_finishes_what_runs_and_gives_back_the_rest(broker):
    fleet = workers([0.0] * 6, 10.0, broker=broker, worker_concurrency=2, task_acks_late=True)
    fleet.advance(5.0)
    fleet.terminate(0)
    fleet.advance(11.0)
    assert not fleet.alive(0)
    assert Counter(states(fleet)) == {"done": 2, "ready": 4}


@pytest.mark.parametrize(
    ("broker", "again_s"), [("rabbitmq", 6.0), ("redis", 3_600.0), ("sqs", 1_800.0)]
)
def test_CE_08_after_sigkill_the_broker_decides_when_messages_are_back(broker, again_s):
    fleet = workers([0.0] * 6, 10.0, broker=broker, worker_concurrency=2)
    fleet.advance(5.0)
    fleet.crash(0)
    fleet.advance(6.0)
    fleet.restart(0)
    fleet.advance(10_000.0)
    assert Counter(states(fleet)) == {"lost": 2, "done": 4}
    first_s = fleet.queue.done_s.min() - 10.0
    assert again_s <= first_s <= again_s + 0.1 + (100.0 if broker == "redis" else 0.0)


def waits(task, draws=(0.5,)):
    """Waits before the attempts after the first, s: from one failure to the next."""
    fleet = workers([0.0], 0.0, task=task, bad=[(0, False, 10**6, np.inf)], draws=draws)
    failed_s = []
    for at_s in np.arange(0.5, 4_000.0):
        left = fleet.state.poison.left[0]
        fleet.advance(float(at_s))
        failed_s += [at_s] * int(left - fleet.state.poison.left[0])
    return fleet, np.diff(failed_s).tolist()


def test_CE_09_backoff_doubles_up_to_its_limit_and_a_task_that_keeps_failing_is_given_up():
    always = {"autoretry_for": ["Exception"], "retry_jitter": False}
    fleet, waited = waits({**always, "retry_backoff": True, "max_retries": 12})
    assert waited == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]
    assert states(fleet) == ["dropped"]
    _, waited = waits({**always, "retry_backoff": 5, "retry_backoff_max": 30, "max_retries": 5})
    assert waited == [5, 10, 20, 30, 30]
    _, waited = waits({"autoretry_for": ["Exception"]})
    assert waited == [180, 180, 180], "without backoff: default_retry_delay, max_retries"


def test_CE_09_full_jitter_is_a_whole_number_of_seconds_up_to_the_wait():
    draws = [0.0, 0.999, 0.4, 0.5, 0.2]
    task = {"autoretry_for": ["Exception"], "retry_backoff": 2, "max_retries": 5}
    _, waited = waits(task, draws)
    # randrange(wait + 1) of the waits 2, 4, 8, 16, 32.
    assert waited == [0, 4, 3, 8, 6]


def test_CE_10_a_retry_is_overtaken_by_later_tasks():
    task = {"autoretry_for": ["Exception"], "retry_backoff": 10, "retry_jitter": False}
    fleet = workers(
        [0.0, 1.0, 2.0], 0.1, task=task, bad=[(0, False, 1, np.inf)], worker_concurrency=1
    )
    fleet.advance(100.0)
    assert np.argsort(fleet.queue.done_s).tolist() == [1, 2, 0]
    assert fleet.queue.done_s[0] == pytest.approx(0.1 + 10.0 + 0.1, abs=10 * MS)


def test_CE_13_without_prefetch_a_worker_asks_when_a_child_is_free():
    # Two workers of one child each; the first task takes 10 s, the others, which come later, 1 s.
    keys = {"worker_concurrency": 1, "broker": "redis"}
    hoarded = workers([0.0, 1.0, 1.1, 1.2], 10.0, 2, **keys)
    np.asarray(hoarded.state.messages.service_s)[1:] = 1.0
    hoarded.advance(60.0)
    fair = workers([0.0, 1.0, 1.1, 1.2], 10.0, 2, worker_disable_prefetch=True, **keys)
    np.asarray(fair.state.messages.service_s)[1:] = 1.0
    fair.advance(60.0)
    assert hoarded.queue.done_s.max() > 10.9  # one is held behind the long one
    # The second worker does them one after the other, with a question and an answer in between.
    np.testing.assert_allclose(np.sort(fair.queue.done_s)[:3], [2.001, 3.003, 4.005], atol=1e-6)


def test_CE_13_is_of_redis_alone():
    for broker, until_done in (("redis", 1), ("sqs", 0), ("rabbitmq", 0)):
        config, policy = celery(broker, worker_disable_prefetch=True, worker_concurrency=3)
        assert policy.until_done == until_done
        assert (policy.prefetch == 3) is (broker == "redis")
        said = [text for _, text in config.without_effect()]
        assert any("only with 'broker: redis'" in text for text in said) is (broker != "redis")
    config, _ = celery("redis", worker_disable_prefetch=True, worker_prefetch_multiplier=2)
    assert [path[-1] for path, _ in config.without_effect()] == ["worker_prefetch_multiplier"]


def asked_for(fleet, c=0):
    """Of a worker: tasks in hand that are not held for their ETA, those that are, what it asks."""
    its = fleet.state.consumers
    asks = fleet.policy.prefetch + its.later[c] - its.forgone[c]
    return int(its.unacked[c]), int(its.later[c]), int(asks)


def test_CE_14_a_worker_holds_only_so_many_tasks_for_their_eta():
    few = {"worker_concurrency": 1, "worker_prefetch_multiplier": 2, "worker_eta_task_limit": 4}
    task = {"countdown": 100}
    eta_s = np.repeat(100.0, 8)
    fleet = workers(np.zeros(8), 1.0, task=task, eta_s=eta_s, task_acks_late=True, **few)
    fleet.advance(50.0)
    assert asked_for(fleet) == (0, 4, 4)  # 2 + 4, of which two were not granted
    assert fleet.state.limits.times[codes.LIMIT_ETAS] == 2
    # When they are due it asks for four less, of which one is left; so the others come singly.
    fleet.advance(100.5)
    assert asked_for(fleet) == (4, 0, 1)
    fleet.advance(200.0)
    np.testing.assert_allclose(fleet.queue.done_s, 100.0 + np.arange(1, 9), atol=0.02)
    assert asked_for(fleet) == (0, 0, 1)  # and it goes on so
    without = workers(np.zeros(8), 1.0, task=task, eta_s=eta_s, worker_concurrency=1)
    without.advance(50.0)
    assert asked_for(without) == (0, 8, 12)


def test_CE_14_a_new_connection_begins_with_the_whole_prefetch():
    few = {"worker_concurrency": 1, "worker_prefetch_multiplier": 2, "worker_eta_task_limit": 3}
    fleet = workers(np.zeros(4), 1.0, task={"countdown": 9}, eta_s=np.repeat(9.0, 4), **few)
    fleet.advance(5.0)
    assert asked_for(fleet) == (0, 3, 3)
    fleet.crash(0)
    fleet.advance(6.0)
    fleet.restart(0)
    fleet.advance(6.5)
    assert asked_for(fleet) == (0, 3, 3)
    fleet.advance(20.0)
    assert states(fleet) == ["done"] * 4


@pytest.mark.parametrize(("on_idle", "left_s"), [(False, 3.0), (True, 13.0)])
def test_CE_15_a_worker_without_running_tasks_leaves_at_once_or_waits(on_idle, left_s):
    data = {
        "product": "celery",
        "REMAP_SIGTERM": "SIGQUIT",
        "config": {
            "worker_soft_shutdown_timeout": 10,
            "worker_enable_soft_shutdown_on_idle": on_idle,
        },
        "queues": {"q": {"workers": 2, "does": ["x"], "task": {"countdown": 60}}},
    }
    config = CelerySystem.model_validate(data)
    assert not list(config.without_effect())
    n = 2
    fleet = Broker(
        Feed(np.arange(n, dtype=np.int32), np.zeros(n), np.array([n])),
        np.ones(n, np.float32),
        1,
        celery_policy(config, config.queues["q"].task),
        receive_latency_s=np.array([2 * MS]),
        ack_latency_s=np.array([2 * MS]),
        grid_s=np.zeros(0),
        slots=4,
        columns=Columns(due_s=np.repeat(60.0, n)),
        cold_after_s=10.0,
    )
    fleet.advance(3.0)
    fleet.terminate(0)
    fleet.advance(left_s - 0.01)
    assert (fleet.alive(0), fleet.ready()) == (True, 0)
    fleet.advance(left_s + 0.1)
    assert (fleet.alive(0), fleet.ready()) == (False, 2)  # what it held is given back


def test_settings_of_etas_and_shutdown_that_have_no_effect():
    for settings, system, key in (
        ({"worker_eta_task_limit": 5}, {}, "worker_eta_task_limit"),
        (
            {"worker_eta_task_limit": 5, "worker_prefetch_multiplier": 0},
            {"task": {"countdown": 5}},
            "worker_eta_task_limit",
        ),
        ({"worker_enable_soft_shutdown_on_idle": True}, {}, "worker_enable_soft_shutdown_on_idle"),
    ):
        queues = {"q": {"workers": 1, "does": ["x"], **system}}
        data = {"product": "celery", "config": settings, "queues": queues}
        told = list(CelerySystem.model_validate(data).without_effect())
        assert [path[-1] for path, _ in told] == [key]
    both = {"worker_disable_prefetch": True, "worker_eta_task_limit": 5}
    with pytest.raises(ValidationError, match="one of these settings at a time"):
        celery("redis", **both)
