"""Whether something gets on in time, and how a thread hears that it is to stop."""

import threading
from concurrent.futures import ThreadPoolExecutor
from math import ulp

import numpy as np
import pytest

from helpers import client_lab, group_lab
from sim.engine import pace
from sim.engine.environment import SideBySide
from sim.engine.pace import STEPS, StagePace, StandstillError, check, heed, heeded, moves
from sim.lab import run
from sim.queue.broker import Broker
from sim.queue.broker_policy import broker_policy
from sim.queue.feed_kernel import Feed
from sim.scenario.load import load


def looked_at(*clock_s, done=lambda i: 0, messages=0):
    """How many looks a stage survives at these times, of 20."""
    it = StagePace("a stage", messages)
    for i, now_s in enumerate(clock_s):
        try:
            it.look(now_s, done(i), lambda: "its state")
        except StandstillError as error:
            return i, str(error)
    return len(clock_s), ""


def test_a_clock_that_stays_is_found_after_a_million_steps_and_with_its_state():
    i, said = looked_at(*[2.5] * 20)
    assert i == pace.MOST_STILL // STEPS + 1 == 5  # the first look is that at which it began
    assert said == (
        "a stage stands still at 2.5 s: 1,310,720 steps, and no time goes on; its state. Do "
        "durations of 0 follow each other? One of them must be longer"
    )


def test_a_clock_that_moves_by_roundings_stands_still_and_one_that_moves_by_more_does_not():
    slow = [100.0 + i * STEPS * ulp(100.0) for i in range(20)]
    assert looked_at(*slow)[0] == 5
    assert looked_at(*[100.0 + i * 1e-6 for i in range(20)])[0] == 20
    assert moves(0.0, 1e-300, 1) and not moves(1.0, 1.0 + 4 * ulp(1.0), 1)


def test_a_stage_that_gets_on_with_its_work_or_has_much_of_it_does_not_stand_still():
    assert looked_at(*[2.5] * 20, done=lambda i: i // 4)[0] == 20
    assert looked_at(*[2.5] * 20, messages=1_000_000)[0] == 20


def test_a_thread_stops_when_what_it_heeds_is_set():
    stop = threading.Event()

    def in_thread():
        assert heeded() == (stop,)
        check()
        stop.set()
        check()

    assert heeded() == ()
    check()
    with ThreadPoolExecutor(1, initializer=heed, initargs=(stop,)) as pool:
        assert isinstance(pool.submit(in_thread).exception(), KeyboardInterrupt)
    check()  # nobody else heeds it


class Waits:
    """A stage that works until it is told to stop."""

    def __init__(self, began):
        self.began = began

    def advance(self, until_s):
        self.began.wait()
        while True:
            check()


class Fails:
    """A stage that fails when the other has begun."""

    def __init__(self, began):
        self.began = began

    def advance(self, until_s):
        self.began.wait()
        raise ValueError


def test_a_stage_that_fails_stops_those_beside_it():
    began = threading.Barrier(2)
    both = SideBySide([Fails(began), Waits(began)], messages=2_000_000, duration_s=1.0)
    with pytest.raises(ValueError):
        both.advance(10.0)
    assert both.pool is not None
    both.pool.shutdown()  # returns, since the other has ended


def asks_all_the_time():
    feed = Feed(np.zeros(1, np.int32), np.array([1e6]), np.zeros(1, np.int64))
    policy = broker_policy(push=0, wait_s=0.0)
    none = np.zeros(1)
    return Broker(
        feed, np.ones(1, np.float32), 1, policy,
        receive_latency_s=none, ack_latency_s=none, grid_s=np.zeros(0),
    )  # fmt: skip


def fetches_all_the_time():
    lab = group_lab.Lab([1e6], [0], 1.0, min_records=2, max_wait_s=0.0)
    lab.topic.advance(0.0)
    lab.group.reassign(0, [0, 1], 0.0)
    return lab.group


@pytest.mark.parametrize(
    ("stage", "says"),
    [
        (asks_all_the_time, "a queue stands still at 0.0 s: .*0 of 1 messages are gone.* at 0.0 s"),
        (fetches_all_the_time, r"a consumer group stands .*member 0 polls; it .* \[0, 1\], .*"),
    ],
)
def test_a_stage_without_end_at_one_time_is_an_error(stage, says, monkeypatch):
    monkeypatch.setattr(pace, "MOST_STILL", 1)
    one = stage()
    with pytest.raises(StandstillError, match=says):
        one.advance(1.0)


def test_a_producer_client_that_stands_still_is_an_error(monkeypatch):
    monkeypatch.setattr(pace, "MOST_STILL", 1)
    # A poll that the buffer cannot hold is aborted and begun anew, here without time passing.
    client = client_lab.build(
        created_ms=[0.0] * 10, latency_ms=0.0, commit_s=0.0, order="transaction",
        config=client_lab.LIBRDKAFKA, queue_buffering_max_messages=4, linger_ms=1_000,
    )  # fmt: skip
    with pytest.raises(StandstillError, match=r"a publisher stands still at 0\.0 s: .* of 10"):
        client.advance(1.0)


def test_an_error_names_the_system(tmp_path):
    scenario = tmp_path / "still.yaml"
    scenario.write_text(
        """
        name: still
        duration: 2s
        drain_limit: 2s
        workload:
          arrivals: {profile: [{for: 2s, rate: 5/s}]}
          keys: {k: {count: 2}}
          service: {j: {per_message: 1 ms}}
        systems:
          s:
            product: sqs
            latency: {receive: 0}
            queues: {q: {workers: 1, does: [j], ReceiveMessageWaitTimeSeconds: 0}}
        """
    )
    with pytest.raises(StandstillError, match=r"^systems\.s: a queue stands still at .* s: "):
        run(load(scenario))
