"""Processes around a real client that end in the middle of their work, for ``test_real_client.py``.

``produce BOOTSTRAP TOPIC HOW LINGER_MS KILL_AFTER_MS TEARDOWN_MS`` hands `RECORDS` to a producer
and ends as told; it prints, just before, the ms from the first ``produce()`` to then.
``consume BOOTSTRAP TOPIC STORE`` is killed while it holds its third record; offsets are stored for
auto-commit "by the client" as it hands records over, or "by the app" once it is done with them.
"""

import atexit
import os
import signal
import sys
import time
from types import FrameType

from confluent_kafka import Consumer, Producer, TopicPartition
from death_table import PARTITIONS, RECORDS, How

FLUSH_S = 10.0


def produce(
    bootstrap: str, topic: str, how: str, linger_ms: str, kill_after_ms: str, teardown_ms: str
) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": linger_ms})

    def flush(signum: int = 0, frame: FrameType | None = None) -> None:
        if left := producer.flush(FLUSH_S):
            sys.exit(f"{left} records left after {FLUSH_S:g} s of flushing")
        if signum:
            sys.exit(0)

    if how in (How.EXIT_ATEXIT_FLUSH, How.SIGTERM_ATEXIT_FLUSH):
        atexit.register(flush)
    if how == How.SIGTERM_HANDLER_FLUSH:
        signal.signal(signal.SIGTERM, flush)

    # One record to each partition opens the connections, so that only linger and one round trip
    # stand between the records below and the log.
    for partition in range(PARTITIONS):
        producer.produce(topic, b"", partition=partition)
    flush()

    keys = [b"%d" % i for i in range(RECORDS)]
    start_s = time.perf_counter()
    for key in keys:
        producer.produce(topic, b"", key)
    time.sleep(float(kill_after_ms) / 1_000)
    os.write(sys.stdout.fileno(), b"%r" % ((time.perf_counter() - start_s) * 1_000))
    match how:
        case How.SIGKILL:
            os.kill(os.getpid(), signal.SIGKILL)
        case How.SIGTERM | How.SIGTERM_ATEXIT_FLUSH | How.SIGTERM_HANDLER_FLUSH:
            os.kill(os.getpid(), signal.SIGTERM)
        case How.FLUSH_EXIT:
            flush()
        case How.EXIT:
            # Stands for the interpreter's teardown: the return destroys the client.
            time.sleep(float(teardown_ms) / 1_000)


def consume(bootstrap: str, topic: str, store: str) -> None:
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": topic,
            "auto.commit.interval.ms": 100,
            "enable.auto.offset.store": store == "by the client",
        }
    )
    place = TopicPartition(topic, 0, 0)
    consumer.assign([place])
    for offset in range(3):
        record = consumer.poll(10)
        assert record is not None and record.offset() == offset
        if store == "by the app" and offset < 2:
            consumer.store_offsets(record)
    for _ in range(100):
        if consumer.committed([place], timeout=10)[0].offset >= 2:
            break
        time.sleep(0.05)
    # Several intervals more, for what else may be committed of the record that is held.
    time.sleep(0.4)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    if sys.argv[1] == "produce":
        produce(*sys.argv[2:])
    else:
        consume(*sys.argv[2:])
