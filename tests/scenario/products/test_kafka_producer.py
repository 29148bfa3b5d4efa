"""A producer's keys: what is in effect, and what its client refuses, told where it is written."""

from math import inf

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from helpers.client_lab import JAVA, LIBRDKAFKA, with_keys
from sim.cli.commands import main
from sim.foundation.errors import ScenarioError
from sim.scenario.load import Scenario, load
from sim.scenario.products.kafka_producer import KafkaProducer

IN_FLIGHT = "max.in.flight.requests.per.connection"
SCENARIO = """\
name: refused
duration: 10 s
workload:
  arrivals: {profile: [{for: 10 s, rate: 30/s}]}
  keys: {player: {count: 20}}
  size: 300 B
  service: {books: {per_message: 1 ms}}
systems:
  sender:
    product: kafka
    topic: {partitions: 3}
    groups: {books: {consumers: 2, does: [books]}}
    publisher:
      order: produce
    producer:
"""
FIRST_LINE = SCENARIO.count("\n") + 1
"""Line of the first key of the producer."""

REFUSED = [
    # keys of the producer, key at fault, message
    ({"acks": 0, "enable.idempotence": True}, "acks",
     "'enable.idempotence: true' needs 'acks: all', not 0"),
    ({"client": "librdkafka", "acks": 1, "enable.idempotence": True}, "acks",
     "'enable.idempotence: true' needs 'acks: all', not 1"),
    ({"enable.idempotence": True, "retries": 0}, "retries",
     "'enable.idempotence: true' needs 'retries' of at least 1, not 0"),
    ({"client": "librdkafka", "enable.idempotence": True, "retries": 0}, "retries",
     "'enable.idempotence: true' needs 'retries' of at least 1, not 0"),
    ({IN_FLIGHT: 6}, IN_FLIGHT,
     f"an idempotent producer, as Java's is by default, needs '{IN_FLIGHT}' of at most 5, not 6"),
    ({"acks": 1, IN_FLIGHT: 6}, IN_FLIGHT,
     f"an idempotent producer, as Java's is by default, needs '{IN_FLIGHT}' of at most 5, not 6"),
    ({"client": "librdkafka", "enable.idempotence": True, IN_FLIGHT: 1_000}, IN_FLIGHT,
     f"'enable.idempotence: true' needs '{IN_FLIGHT}' of at most 5, not 1,000"),
    ({"delivery.timeout.ms": 30_000}, "delivery.timeout.ms",
     "'delivery.timeout.ms' (30,000) must be at least linger.ms + request.timeout.ms (30,005)"),
    ({"client": "librdkafka", "delivery.timeout.ms": 5}, "delivery.timeout.ms",
     "'delivery.timeout.ms' (5) must be more than linger.ms (5), or 0: without limit"),
    ({"buffer.memory": 16_383}, "buffer.memory",
     "'buffer.memory' (16,383 B) must have room for a batch, 'batch.size' (16,384 B): "
     "no record could be sent"),
    ({"batch.size": 33_554_433}, "batch.size",
     "'buffer.memory' (33,554,432 B) must have room for a batch, 'batch.size' (33,554,433 B): "
     "no record could be sent"),
    ({"buffer.memory": 299, "batch.size": 0}, "buffer.memory",
     "'buffer.memory' (299 B) must have room for a message, workload.size (300 B)"),
    ({"client": "librdkafka", "buffer.memory": 1_000_000}, "buffer.memory",
     "librdkafka has no such key; its buffer has 'queue.buffering.max.kbytes'"),
    ({"client": "librdkafka", "max.block.ms": 10}, "max.block.ms",
     "librdkafka has no such key; when its buffer is full, it raises BufferError at once"),
    ({"queue.buffering.max.messages": 10}, "queue.buffering.max.messages",
     "is a key of librdkafka; say 'client: librdkafka'"),
    ({"acks": 2}, "acks", "expected 0, 1, -1 or all, not 2"),
    ({"request.timeout.ms": 0}, "request.timeout.ms", "must be more than 0, not 0"),
]  # fmt: skip
REFUSED_IN_A_TRANSACTION = [
    ({"enable.idempotence": False}, "enable.idempotence",
     "the transactional.id of 'order: transaction' needs 'enable.idempotence: true'"),
    ({"acks": 1}, "acks",
     "the transactional.id of 'order: transaction' needs 'acks: all', not 1"),
    ({"client": "librdkafka", "acks": "0"}, "acks",
     "the transactional.id of 'order: transaction' needs 'acks: all', not '0'"),
    ({"retries": 0}, "retries",
     "the transactional.id of 'order: transaction' needs 'retries' of at least 1, not 0"),
    ({"client": "librdkafka", IN_FLIGHT: 6}, IN_FLIGHT,
     f"the transactional.id of 'order: transaction' needs '{IN_FLIGHT}' of at most 5, not 6"),
    ({"client": "librdkafka", "delivery.timeout.ms": 60_001}, "delivery.timeout.ms",
     "the transactional.id of 'order: transaction' needs 'delivery.timeout.ms' of at most "
     "transaction.timeout.ms (60,000), not 60,001"),
]  # fmt: skip


def written(folder, keys, text=SCENARIO):
    """A scenario file with such a producer, one key a line."""
    path = folder / "refused.yaml"
    lines = [f"      {key}: {value!r}\n" for key, value in keys.items()]
    path.write_text(text + "".join(lines).replace("True", "true").replace("False", "false"))
    return path


def check_refused(path, keys, key, message):
    with pytest.raises(ScenarioError) as raised:
        load(path)
    line = FIRST_LINE + list(keys).index(key)
    assert str(raised.value) == f"{path}:{line}: systems.sender.producer.{key}: {message}"


@pytest.mark.parametrize(("keys", "key", "message"), REFUSED)
def test_KP_12_what_the_client_refuses_is_refused_with_its_line(tmp_path, keys, key, message):
    check_refused(written(tmp_path, keys), keys, key, message)


@pytest.mark.parametrize(("keys", "key", "message"), REFUSED_IN_A_TRANSACTION)
def test_KP_16_a_transaction_refuses_what_no_idempotent_producer_has(tmp_path, keys, key, message):
    load(written(tmp_path, keys))
    text = SCENARIO.replace("order: produce", "order: transaction")
    check_refused(written(tmp_path, keys, text), keys, key, message)


def test_each_of_several_refusals_stands_at_its_own_key(tmp_path):
    keys = {"enable.idempotence": True, "retries": 0, "acks": 1, "delivery.timeout.ms": 10}
    with pytest.raises(ScenarioError) as raised:
        load(written(tmp_path, keys))
    found = [(problem.line - FIRST_LINE, problem.path) for problem in raised.value.problems]
    at = "systems.sender.producer"
    assert found == [(1, f"{at}.retries"), (2, f"{at}.acks"), (3, f"{at}.delivery.timeout.ms")]


def test_of_keys_that_contradict_each_other_the_one_set_last_is_named(tmp_path):
    path = written(tmp_path, {"acks": 1})
    for override, key in (
        ("systems.sender.producer.enable.idempotence=true", "producer.enable.idempotence"),
        ("systems.sender.publisher.order=transaction", "publisher.order"),
    ):
        with pytest.raises(ScenarioError) as raised:
            load(path, [override])
        (problem,) = raised.value.problems
        assert (problem.file, problem.line) == (f"--set {override}", None)
        assert problem.path == f"systems.sender.{key}"
        assert "needs 'acks: all', not 1" in problem.message
    with pytest.raises(ScenarioError, match=r"workload\.size: 'buffer\.memory' \(33,554,432 B\)"):
        load(path, ["workload.size=33554433"])


def test_a_flush_that_waits_for_no_time_is_refused(tmp_path):
    text = SCENARIO.replace("      order: produce\n", "      flush_timeout: 0\n")
    path = written(tmp_path, {"acks": 1}, text)
    with pytest.raises(ScenarioError) as raised:
        load(path)
    where = f"{path}:{FIRST_LINE - 2}: systems.sender.publisher.flush_timeout"
    assert str(raised.value) == f"{where}: must be more than 0, not 0"


@pytest.mark.parametrize("command", ["show", "run"])
def test_every_command_refuses_it_with_exit_status_2(tmp_path, monkeypatch, capsys, command):
    keys = {"client": "librdkafka", "acks": 1, "enable.idempotence": True}
    path = written(tmp_path, keys)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["sim", command, str(path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "'enable.idempotence: true' needs 'acks: all', not 1" in said
    assert "systems.sender.producer.acks" in said


def test_KP_12_idempotence_is_disabled_silently_or_refused():
    assert JAVA.idempotent()
    assert not with_keys(JAVA, acks=1).idempotent()
    assert not with_keys(JAVA, retries=0).idempotent()
    assert not with_keys(JAVA, enable_idempotence=False, max_in_flight=10).idempotent()
    assert not LIBRDKAFKA.idempotent()
    assert LIBRDKAFKA.idempotent(transactional=True)
    for config, keys in (
        (JAVA, {"max_in_flight": 6}),
        (JAVA, {"enable_idempotence": True, "acks": 0}),
        (JAVA, {"enable_idempotence": True, "retries": 0}),
        (LIBRDKAFKA, {"enable_idempotence": True, "max_in_flight": 6}),
        (LIBRDKAFKA, {"enable_idempotence": True, "acks": 1}),
    ):
        with pytest.raises(ValidationError, match="idempoten"):
            with_keys(config, **keys)
    (found,) = with_keys(JAVA, enable_idempotence=False).against_transaction("a transactional.id")
    assert found == ("enable.idempotence", "a transactional.id needs 'enable.idempotence: true'")
    assert LIBRDKAFKA.in_flight() == 1_000_000
    assert LIBRDKAFKA.in_flight(transactional=True) == JAVA.in_flight() == 5


def test_java_refuses_a_delivery_timeout_shorter_than_linger_and_request():
    with pytest.raises(ValidationError, match=r"delivery\.timeout\.ms"):
        with_keys(JAVA, delivery_timeout_ms=30_000)
    assert with_keys(JAVA, request_timeout_ms=130_000).delivery_timeout_s() == 130.005
    assert with_keys(LIBRDKAFKA, delivery_timeout_ms=0).delivery_timeout_s() == inf


def in_effect(config):
    return {
        "batch": (config.batch_bytes, config.batch_records),
        "buffer": (config.buffer_bytes, config.buffer_records),
        "block_s": config.block_s,
        "acks": config.acks_of,
        "retries": (config.most_retries, config.backoff_s, config.backoff_max_s),
        "timeouts_s": (
            config.request_timeout_s, config.delivery_timeout_s(), config.delivery_timeout_s(True),
            config.transaction_timeout_s,
        ),
    }  # fmt: skip


def test_defaults_of_each_client_are_those_of_its_documentation():
    assert in_effect(JAVA) == {
        "batch": (16_384, None),
        "buffer": (32 << 20, None),
        "block_s": 60.0,
        "acks": -1,
        "retries": (2**31 - 1, 0.1, 1.0),
        "timeouts_s": (30.0, 120.0, 120.0, 60.0),
    }
    assert in_effect(LIBRDKAFKA) == {
        "batch": (1_000_000, 10_000),
        "buffer": (1 << 30, 100_000),
        "block_s": 0.0,
        "acks": -1,
        "retries": (2**31 - 1, 0.1, 1.0),
        "timeouts_s": (30.0, 300.0, 60.0, 60.0),
    }


def test_every_key_that_is_given_is_in_effect():
    java = {"batch.size": 0, "buffer.memory": 5_000, "max.block.ms": 7, "acks": "1", "retries": 3}
    java |= {"retry.backoff.ms": 8, "retry.backoff.max.ms": 9, "request.timeout.ms": 10}
    java |= {"delivery.timeout.ms": 20, "transaction.timeout.ms": 30}
    assert in_effect(KafkaProducer.model_validate(java)) == {
        "batch": (0, None),
        "buffer": (5_000, None),
        "block_s": 0.007,
        "acks": 1,
        "retries": (3, 0.008, 0.009),
        "timeouts_s": (0.010, 0.020, 0.020, 0.030),
    }
    other = {"client": "librdkafka", "batch.num.messages": 2, "queue.buffering.max.kbytes": 3}
    other |= {"queue.buffering.max.messages": 4, "transaction.timeout.ms": 1_500}
    found = in_effect(KafkaProducer.model_validate(other))
    assert (found["batch"], found["buffer"]) == ((1_000_000, 2), (3_072, 4))
    assert found["timeouts_s"] == (30.0, 300.0, 1.5, 1.5)


def test_without_a_publisher_the_size_of_a_buffer_has_no_effect():
    data = YAML(typ="safe").load(SCENARIO + "      {batch.size: 0, buffer.memory: 299}\n")
    del data["systems"]["sender"]["publisher"]
    (warning,) = Scenario.from_mapping(data).warnings
    assert warning == (
        "scenario: systems.sender.producer.buffer.memory: has an effect only with a 'publisher', "
        "the service that sends through this client and may fail: write 'publisher: {}' beside "
        "'producer'"
    )
