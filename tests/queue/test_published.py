"""The lab against figures that others measured or worked out, and published.

Each test states its figures, so that nothing has to be fetched, and where they are from.
"""

import numpy as np
import pytest

from sim.queue import broker_codes as codes
from sim.queue.broker import Broker
from sim.queue.broker_policy import broker_policy
from sim.queue.feed_kernel import Feed
from sim.queue.senders import Senders
from sim.queue.sqs_standard import Workers
from sim.queue.sqs_standard_state_kernel import StandardPolicy

# SoftwareMill's measurements of message queues, 2021 (https://softwaremill.com/mqperf/; the tests,
# https://github.com/softwaremill/mqperf, and the figures are under the Apache License 2.0). Amazon
# SQS with one sending and two receiving nodes, each with so many threads; batches of ten: messages
# sent a second. With 50 threads the receivers no longer kept up (14,423 of 22,687 msg/s), which is
# not a matter of threads.
SQS_BY_THREADS = {1: 528, 5: 2_680, 25: 13_345}


@pytest.fixture(scope="module")
def sqs_rates():
    """Messages sent and received a second, when every call of a batch takes the same time.

    That time is what the figure of one thread says. What is sent is always at hand, and messages
    take no work.
    """
    batch_s = 10 / SQS_BY_THREADS[1]
    return {threads: _sqs_rates(threads, batch_s) for threads in SQS_BY_THREADS}


def _sqs_rates(threads, batch_s):
    from_s, until_s = 2.0, 12.0
    n = int(threads * 10 / batch_s * (until_s + 1))
    latency_s = np.array([batch_s])
    senders = Senders(np.zeros(n), threads=threads, batch=10, latency_s=latency_s)
    workers = Workers(
        senders.feed,
        np.zeros(n, np.float32),
        2 * threads,
        StandardPolicy(
            batch=10,
            per_delete=10,
            per_batch_s=0.0,
            visibility_s=30.0,
            wait_s=20.0,
            max_receives=1_000,
            max_in_flight=120_000,
            retention_s=345_600.0,
            asked=4,
            delay_s=0.0,
        ),
        servers=8,
        receive_latency_s=latency_s,
        delete_latency_s=latency_s,
        grid_s=np.zeros(0),
    )
    senders.advance(until_s)
    workers.advance(until_s)
    workers.settle()

    def rate(at_s):
        return np.count_nonzero((at_s >= from_s) & (at_s < until_s)) / (until_s - from_s)

    return rate(np.asarray(senders.feed.enqueued_s)), rate(np.asarray(workers.queue.done_s))


@pytest.mark.parametrize("threads", SQS_BY_THREADS)
def test_SS_13_sqs_throughput_by_threads_from_one_latency(sqs_rates, threads):
    sent, received = sqs_rates[threads]
    assert sent == pytest.approx(SQS_BY_THREADS[threads], rel=0.05)
    assert received == pytest.approx(SQS_BY_THREADS[threads], rel=0.05)


# M. Sackman, "Some queuing theory: throughput, latency and bandwidth", RabbitMQ blog, 11 May 2012
# (https://www.rabbitmq.com/blog/2012/05/11/some-queuing-theory-throughput-latency-and-bandwidth).
# 50 ms for a message to reach the consumer, 50 ms for its ack to come back, and a queue that never
# runs dry: prefetch, work of a message (s), share of time that the consumer is busy, and how long a
# message waits in its buffer (s).
PREFETCH = [
    (1, 0.004, 0.038, 0.0, 0.0),
    (26, 0.004, 1.0, 0.0, 0.0),
    (51, 0.004, 1.0, 0.1, 0.1),
    (26, 0.040, 1.0, 0.88, 0.90),
    (51, 0.040, 1.0, 1.88, 1.90),
]


@pytest.mark.parametrize(("prefetch", "work_s", "busy", "least_s", "most_s"), PREFETCH)
def test_RQ_03_what_a_prefetch_costs_and_gains(prefetch, work_s, busy, least_s, most_s):
    from_s, until_s = 5.0, 65.0
    n = int(1.2 * until_s / work_s)
    feed = Feed(np.arange(n, dtype=np.int32), np.zeros(n), np.array([n]))
    round_trip_s = np.array([0.1])
    queue = Broker(
        feed,
        np.full(n, work_s, np.float32),
        1,
        broker_policy(push=1, prefetch=prefetch, ack=codes.LATE, ack_waits=0),
        receive_latency_s=round_trip_s,
        ack_latency_s=round_trip_s,
        grid_s=np.arange(from_s, until_s, 0.0137),
    )
    queue.advance(until_s)
    done_s = queue.queue.done_s
    rate = np.count_nonzero((done_s > from_s) & (done_s <= until_s)) / (until_s - from_s)
    assert rate * work_s == pytest.approx(busy, rel=0.015)
    # Little's law: what is not on the way there, in work or on the way back is in the buffer.
    held_s = np.mean(queue.state.samples.in_flight) / rate
    waits_s = held_s - 0.05 - work_s - 0.05
    assert least_s - 0.002 <= waits_s <= most_s + 0.002
