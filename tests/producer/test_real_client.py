"""The real Kafka client of Python, on librdkafka's own mock cluster, in processes that are killed.

What the model of a producer is held to, measured: what a process leaves in the log when it ends
(KP-15, LP-04 to LP-06), what ``flush()`` tells (LP-01, KP-13), where a key goes, what a full
buffer does, what auto-commit has committed when a consumer is killed (KC-13), and what a client
refuses (KP-12).
"""

import signal
import socket
import subprocess
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from pydantic import ValidationError

from helpers.death_table import BROKERS, DEATH_TABLE, PARTITIONS, RECORDS, How, Row
from sim.producer.partitioners import murmur2, partitions_of
from sim.scenario.products.kafka_producer import KafkaProducer

confluent_kafka = pytest.importorskip("confluent_kafka")

REPEATS = 3
LATE_MS = 1.5
"""A run whose process ended this much later than the row says, on a busy machine, is void."""

_KEYS_IN = Counter(zlib.crc32(b"%d" % i) % PARTITIONS for i in range(RECORDS))
BATCHES = [_KEYS_IN[partition] for partition in range(PARTITIONS)]
"""Records of each partition; they are so few that one batch holds them."""
_RETURN_CODE = {
    How.SIGTERM: -signal.SIGTERM,
    How.SIGTERM_ATEXIT_FLUSH: -signal.SIGTERM,
    How.SIGKILL: -signal.SIGKILL,
}


class Cluster:
    """The mock brokers, which live in this process; a topic is created when first asked for."""

    def __init__(self) -> None:
        self.producer = confluent_kafka.Producer({"test.mock.num.brokers": BROKERS, "log_level": 0})
        brokers = self.producer.list_topics(timeout=10).brokers.values()
        self.bootstrap = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)
        self.counter = confluent_kafka.Consumer(
            {"bootstrap.servers": self.bootstrap, "group.id": "counter"}
        )
        self._topics = count()

    def topic(self) -> str:
        name = f"transactions-{next(self._topics)}"
        about = self.producer.list_topics(name, timeout=10).topics[name]
        assert len(about.partitions) == PARTITIONS
        return name

    def in_log(self, topic: str) -> list[int]:
        """Records in each partition."""
        places = [confluent_kafka.TopicPartition(topic, p) for p in range(PARTITIONS)]
        marks = [self.counter.get_watermark_offsets(place, timeout=10) for place in places]
        return [high - low for low, high in marks]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        child = Path(__file__).parents[1] / "helpers" / "real_client_child.py"
        return subprocess.run(
            [sys.executable, str(child), *arguments],
            capture_output=True,
            text=True,
            timeout=60,
        )


def _wait_until(true: Callable[[], bool]) -> None:
    for _ in range(500):
        if true():
            return
        time.sleep(0.01)
    raise AssertionError("not within 5 s")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    cluster = Cluster()
    yield cluster
    cluster.counter.close()


@pytest.fixture
def silent() -> Iterator[str]:
    """Address of a broker that takes a connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def _die(cluster: Cluster, row: Row) -> tuple[int, float]:
    """End a process as the row says: records in the log, and by how many ms it came late."""
    topic = cluster.topic()
    times = (row.linger_ms, row.kill_after_ms, row.teardown_ms)
    ended = cluster.run("produce", cluster.bootstrap, topic, row.how, *map(str, times))
    assert ended.returncode == _RETURN_CODE.get(row.how, 0), ended.stderr
    assert "Traceback" not in ended.stderr
    # The child's first record to each partition is not one of `RECORDS`.
    in_log = [n - 1 for n in cluster.in_log(topic)]
    late_ms = float(ended.stdout) - row.kill_after_ms
    if late_ms < LATE_MS:
        assert all(n in (0, whole) for n, whole in zip(in_log, BATCHES, strict=True)), in_log
    return sum(in_log), late_ms


@pytest.mark.parametrize("row", DEATH_TABLE, ids=str)
def test_KP_15_LP_04_what_a_process_that_ends_leaves_in_the_log(cluster, row):
    """Where linger is as short as a thread may wait for a core, one run may miss."""
    in_log: list[int] = []
    for _ in range(30):
        n, late_ms = _die(cluster, row)
        if late_ms < LATE_MS:
            in_log.append(n)
        missed = [n for n in in_log if not row.min_in_log <= n <= row.max_in_log]
        if len(in_log) - len(missed) == REPEATS:
            break
    assert len(in_log) - len(missed) == REPEATS, in_log
    assert len(missed) <= (1 if row.linger_ms < 10 else 0), in_log


def test_LP_01_flush_returns_what_is_left_and_so_does_len(silent):
    producer = confluent_kafka.Producer({"bootstrap.servers": silent, "log_level": 0})
    for _ in range(10):
        producer.produce("transactions", b"")
    assert len(producer) == 10
    assert producer.flush(0.05) == 10
    assert len(producer) == 10


def test_KP_13_a_flush_that_returns_0_does_not_say_that_anything_was_delivered(silent):
    errors = []
    producer = confluent_kafka.Producer(
        {"bootstrap.servers": silent, "message.timeout.ms": 100, "log_level": 0}
    )
    for _ in range(10):
        producer.produce("transactions", b"", on_delivery=lambda error, _: errors.append(error))
    assert producer.flush(10) == 0
    assert [error.code() for error in errors] == [confluent_kafka.KafkaError._MSG_TIMED_OUT] * 10


def test_LP_02_what_poll_has_not_yet_told_still_counts_and_fills_the_buffer(cluster):
    """Delivered, yet ``len()`` has not gone down: a gauge read from it needs an app that polls."""
    told = []
    topic = cluster.topic()
    producer = confluent_kafka.Producer(
        {"bootstrap.servers": cluster.bootstrap, "queue.buffering.max.messages": 10}
    )
    for _ in range(10):
        producer.produce(topic, b"", on_delivery=lambda error, _: told.append(error))
    _wait_until(lambda: sum(cluster.in_log(topic)) == 10)
    assert told == []
    assert len(producer) >= 10
    with pytest.raises(BufferError):
        producer.produce(topic, b"")
    _wait_until(lambda: producer.poll(0) >= 0 and len(producer) == 0)
    assert told == [None] * 10
    producer.produce(topic, b"")
    assert producer.flush(10) == 0


def test_LP_04c_flush_is_no_gauge_since_it_sends_what_still_lingers(cluster):
    """Of ``flush(0)`` it depends on whether a thread of the client wakes up in time."""
    topic = cluster.topic()
    producer = confluent_kafka.Producer(
        {"bootstrap.servers": cluster.bootstrap, "linger.ms": 60_000}
    )
    for _ in range(10):
        producer.produce(topic, b"")
    time.sleep(0.2)
    assert (sum(cluster.in_log(topic)), len(producer)) == (0, 10)
    _wait_until(lambda: producer.flush(0.05) == 0)
    assert sum(cluster.in_log(topic)) == 10


def test_KP_04_a_full_buffer_refuses_a_record_at_once(silent):
    producer = confluent_kafka.Producer(
        {"bootstrap.servers": silent, "queue.buffering.max.messages": 10, "log_level": 0}
    )
    for _ in range(10):
        producer.produce("transactions", b"")
    start_s = time.perf_counter()
    with pytest.raises(BufferError):
        producer.produce("transactions", b"")
    assert time.perf_counter() - start_s < 1
    assert len(producer) == 10


@pytest.mark.parametrize(
    "settings",
    [{"acks": 1}, {"retries": 0}, {"max.in.flight.requests.per.connection": 6}],
    ids=str,
)
def test_KP_12_idempotence_asked_for_refuses_what_would_break_it(silent, settings):
    with pytest.raises(confluent_kafka.KafkaException):
        confluent_kafka.Producer(
            {"bootstrap.servers": silent, "enable.idempotence": True, **settings}
        )


def _partitions(cluster: Cluster, keys: list[bytes], **settings: str) -> list[int]:
    placed: dict[bytes, int] = {}
    producer = confluent_kafka.Producer({"bootstrap.servers": cluster.bootstrap, **settings})
    topic = cluster.topic()
    for key in keys:
        producer.produce(
            topic, b"", key, on_delivery=lambda _, r: placed.update({r.key(): r.partition()})
        )
    assert producer.flush(10) == 0
    return [placed[key] for key in keys]


def test_KP_17_a_key_goes_elsewhere_when_the_language_of_the_producer_changes(cluster):
    keys = [b"21", b"foobar", b"abc", b"a-little-bit-long-string"]
    by_default = _partitions(cluster, keys)
    as_java = _partitions(cluster, keys, partitioner="murmur2_random")
    assert by_default == [zlib.crc32(key) % PARTITIONS for key in keys]
    assert as_java == partitions_of(murmur2(keys), PARTITIONS).tolist()
    assert list(zip(by_default, as_java, strict=True))[1:] == [(1, 2), (2, 3), (2, 0)]
    assert by_default[0] == as_java[0]


@pytest.mark.parametrize(("store", "committed"), [("by the client", 3), ("by the app", 2)])
def test_KC_13_auto_commit_counts_the_record_that_is_still_held(cluster, store, committed):
    """Killed while it holds the record at offset 2: at default settings that record is lost."""
    topic = cluster.topic()
    for _ in range(5):
        cluster.producer.produce(topic, b"", partition=0)
    assert cluster.producer.flush(10) == 0
    killed = cluster.run("consume", cluster.bootstrap, topic, store)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    asks = confluent_kafka.Consumer({"bootstrap.servers": cluster.bootstrap, "group.id": topic})
    (place,) = asks.committed([confluent_kafka.TopicPartition(topic, 0)], timeout=10)
    asks.close()
    assert place.offset == committed


IDEMPOTENT = {"enable.idempotence": True}


@pytest.mark.parametrize(
    "keys",
    [
        {**IDEMPOTENT, "acks": 1},
        {**IDEMPOTENT, "retries": 0},
        {**IDEMPOTENT, "max.in.flight.requests.per.connection": 6},
        {**IDEMPOTENT, "max.in.flight.requests.per.connection": 5},
        {"acks": 1, "max.in.flight.requests.per.connection": 6},
        {"buffer.memory": 1_000_000},
        {"max.block.ms": 10},
        {"linger.ms": 5, "delivery.timeout.ms": 5},
        {"linger.ms": 5, "delivery.timeout.ms": 6},
        {"linger.ms": 5, "delivery.timeout.ms": 0},
        {"queue.buffering.max.kbytes": 1, "batch.num.messages": 1_000_000},
        {"batch.num.messages": 1_000_001},
    ],
    ids=str,
)
def test_KP_12_librdkafka_refuses_what_the_lab_refuses(keys):
    lab = real = True
    try:
        KafkaProducer.model_validate({"client": "librdkafka", **keys})
    except ValidationError:
        lab = False
    try:
        confluent_kafka.Producer({"bootstrap.servers": "localhost:1", "log_level": 0, **keys})
    except confluent_kafka.KafkaException:
        real = False
    assert lab == real


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"enable.idempotence": False},
        {"acks": 0},
        {"retries": 0},
        {"max.in.flight.requests.per.connection": 6},
        {"delivery.timeout.ms": 60_000},
        {"delivery.timeout.ms": 60_001},
        {"delivery.timeout.ms": 0},
        {"delivery.timeout.ms": 60_001, "transaction.timeout.ms": 60_001},
    ],
    ids=str,
)
def test_KP_16_librdkafka_refuses_in_a_transaction_what_the_lab_refuses(keys):
    config = KafkaProducer.model_validate({"client": "librdkafka", **keys})
    lab = not list(config.against_transaction("it"))
    real = True
    try:
        confluent_kafka.Producer(
            {"bootstrap.servers": "localhost:1", "log_level": 0, "transactional.id": "a", **keys}
        )
    except confluent_kafka.KafkaException:
        real = False
    assert lab == real
