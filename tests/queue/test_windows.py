"""Standard queues that forget what is gone: what is kept, and what is numbered anew."""

import numpy as np
import pytest

from sim.engine.waits import TimePart
from sim.queue import sqs_standard_codes as codes
from sim.queue.senders import Senders
from sim.queue.sqs_standard import Workers
from sim.queue.sqs_standard_state_kernel import StandardPolicy
from sim.queue.windows import QueueWindows

N = 40
CREATED_S = np.arange(N, dtype=np.float64)


def policy(**changes):
    usual = {
        "batch": 1, "per_delete": 1, "per_batch_s": 0.0, "visibility_s": 5.0, "wait_s": 20.0,
        "max_receives": 100, "max_in_flight": 120_000, "retention_s": 1e6, "asked": 4,
        "delay_s": 0.0,
    }  # fmt: skip
    return StandardPolicy(**{**usual, **changes})


def made(work_s, workers=2, total=2 * N, threads=1, latency_s=0.1, queues=1, **changes):
    senders = Senders(
        CREATED_S, threads=threads, batch=1, latency_s=np.atleast_1d(np.array(latency_s))
    )
    made = {
        f"q{i}": Workers(
            senders.feed,
            np.asarray(work_s, np.float32),
            workers,
            policy(**changes),
            servers=4,
            receive_latency_s=np.array([0.02]),
            delete_latency_s=np.array([0.02]),
            grid_s=np.arange(0.0, 100.0, 2.0),
        )
        for i in range(queues)
    }
    return senders, made, QueueWindows(senders, made, total, np.arange(0.0, 100.0, 2.0))


def advance(senders, queues, until_s):
    senders.advance(until_s)
    for queue in queues.values():
        queue.advance(until_s)
        queue.settle()


def test_what_all_queues_have_deleted_is_final():
    work_s = np.full(N, 0.1)
    senders, queues, windows = made(work_s, queues=2)
    advance(senders, queues, 20.5)
    assert windows.final() == (21, 21)
    np.asarray(queues["q1"].queue.state)[7] = codes.READY
    assert windows.final() == (7, 7)


def test_a_message_that_a_worker_holds_or_a_timeout_is_waited_for_is_not_final():
    """Message 3 takes 7 s and its timeout 5: it is deleted while another worker is at it."""
    work_s = np.full(N, 0.1)
    work_s[3] = 7.0
    senders, queues, windows = made(work_s, stale_deletes=1)
    queue = queues["q0"]
    advance(senders, queues, 7.0)
    assert queue.queue.expiry_tail == 1 and windows.final()[0] == 3
    advance(senders, queues, 12.0)
    assert queue.queue.state[3] == codes.DELETED and windows.final()[0] == 3
    advance(senders, queues, 30.5)
    assert queue.queue.effects[3] == 2 and windows.final()[0] == 31


def test_rows_are_forgotten_up_to_the_first_whose_message_is_not():
    """Calls overtake each other: rows are not in the order of messages."""
    senders, queues, windows = made(np.full(N, 0.1), threads=4, latency_s=[6.2, 0.2, 0.2, 0.2])
    advance(senders, queues, 20.5)
    order = np.asarray(senders.feed.message)[: senders.feed.n[0]]
    assert order.tolist() != sorted(order.tolist())
    messages, rows = windows.final()
    assert (order[:rows] < messages).sum() == messages or rows > messages
    windows.forget(messages, rows, np.arange(N, N + 5.0), [np.full(5, 0.1, np.float32)])
    kept = np.asarray(senders.feed.message)[: senders.feed.n[0]]
    assert kept.tolist() == (order[rows:] - messages).tolist() and (kept >= 0).all()
    advance(senders, queues, 60.0)
    queues["q0"].audit()
    assert senders.gone + senders.state.next == N + 5


def test_the_way_of_a_message_is_known_for_as_long_as_the_message_is():
    senders, queues, windows = made(np.full(N, 3.0), threads=4, latency_s=[6.2, 0.2, 0.4, 0.8])
    senders.state.held = (np.arange(N) % 3 == 0).astype(np.uint8)
    advance(senders, queues, 20.5)

    def parts_s():
        entered_s = senders.visible_s(0.0)
        known = int(np.flatnonzero(entered_s == np.inf)[0])
        return senders.sent_parts_s(0, known, entered_s[:known])

    before_s, (messages, rows) = parts_s(), windows.final()
    assert messages < before_s.shape[1] and len(set(before_s[TimePart.SEND])) > 3
    windows.forget(messages, rows, np.arange(N, N + 5.0), [np.full(5, 0.1, np.float32)])
    np.testing.assert_array_equal(parts_s(), before_s[:, messages:])
    advance(senders, queues, 60.0)
    assert senders.sent_parts_s(N - messages, N - messages + 5, np.full(5, 99.0)).shape[1] == 5


def test_whatever_is_numbered_by_message_or_row_is_numbered_anew():
    work_s = np.full(N, 0.1)
    work_s[20:23] = 30.0  # two workers are at it, and it comes back
    senders, queues, windows = made(work_s)
    queue = queues["q0"]
    advance(senders, queues, 26.5)
    q, s = queue.queue, queue.workers
    slots = np.arange(q.expiry_head, q.expiry_tail) % q.expiry_s.size
    held, waiting = np.asarray(s.held)[:, 0].copy(), np.asarray(q.expiry_message)[slots].copy()
    fresh, sent, removed = np.asarray(q.next_fresh).copy(), int(senders.feed.n[0]), q.removed
    assert windows.final() == (20, 20) and waiting.size
    windows.forget(20, 20, np.zeros(0), [np.zeros(0, np.float32)])
    assert np.asarray(s.held)[:, 0].tolist() == (held - 20).tolist()
    assert np.asarray(q.expiry_message)[slots].tolist() == (waiting - 20).tolist()
    assert np.asarray(q.next_fresh).tolist() == (fresh - 20).tolist()
    assert (q.oldest_fresh, q.next_fresh[q.oldest_server]) == (min(fresh) - 20,) * 2
    assert (int(senders.feed.n[0]), q.removed, q.state.size) == (sent - 20, removed, N - 20)
    assert (queue.gone, queue.gone_rows, queue.gone_received) == (20, 20, 20)
    assert queue.total == 2 * N and queue.backlog() == sent - removed


def test_the_samples_of_what_came_go_on():
    whole, queues, windows = made(np.full(N, 0.1))
    advance(whole, queues, 39.0)
    windows.note(39.0)
    expected = windows.enqueued["q0"].copy()
    senders, queues, windows = made(np.full(N, 0.1))
    for until_s in (9.7, 20.1, 39.0):
        advance(senders, queues, until_s)
        windows.note(until_s)
        windows.forget(*windows.final(), np.zeros(0), [np.zeros(0, np.float32)])
    assert senders.gone_rows > 30
    assert windows.enqueued["q0"].tolist() == expected.tolist()
    assert expected[:4].tolist() == [0, 2, 4, 6]


@pytest.mark.parametrize("name", ["removed", "gone_rows"])
def test_a_message_that_gets_lost_between_windows_ends_the_run(name):
    senders, queues, windows = made(np.full(N, 0.1))
    advance(senders, queues, 20.5)
    windows.forget(*windows.final(), np.zeros(0), [np.zeros(0, np.float32)])
    where = queues["q0"].queue if name == "removed" else senders
    setattr(where, name, getattr(where, name) - 1)
    with pytest.raises(AssertionError):
        advance(senders, queues, 30.0)
        queues["q0"].audit()
