"""Kafka's clients, brokers and Connect."""

import pytest

from helpers.configs import all_done, imported
from helpers.exports import cli, written
from sim.foundation.errors import LabError
from sim.imports import config, config_kafka
from sim.imports.config_parts import BROKERS
from sim.scenario.products import kafka_not_modelled


def test_a_producer_of_librdkafka_is_known_by_its_keys(tmp_path):
    text = (
        "metadata.broker.list=x\nqueue.buffering.max.ms=0.5\nacks=all\nretries=3\nlinger.ms=2.5\n"
    )
    made, scenario = imported(tmp_path, ("p.properties", text))
    producer = scenario.systems["kafka"].producer
    assert (producer.client, producer.linger_ms) == ("librdkafka", 2.5)
    assert (producer.acks, producer.retries) == ("all", 3)
    assert (
        "queue.buffering.max.ms (line 2): again in line 5, and the last one counts" in made.unsaid
    )
    assert "whose client it is: librdkafka, which alone has metadata.broker.list" in made.unsaid


def test_json_of_a_client_is_librdkafkas(tmp_path):
    text = '{"group.id": "g",\n"sasl.password": "secret",\n"fetch.wait.max.ms": 100}'
    made, scenario = imported(tmp_path, ("conf.json", text))
    group = scenario.systems["kafka"].groups["g"]
    assert group.client == "librdkafka" and group.fetch_max_wait_ms == 100
    assert "secret" not in made.yaml and all_done(scenario)


def test_a_file_of_both_clients_needs_a_word_from_you(tmp_path):
    text = "group.id=a\nsession.timeout.ms=45000\nlinger.ms=1\n"
    path = written(tmp_path, "both.properties", text)
    done = cli("import", "config", path, cwd=tmp_path)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert (
        "it has group.id (line 1) of a consumer and linger.ms (line 3) of a producer; say which "
        "it is: --as consumer or --as producer" in done.stderr
    )
    done = cli("import", "config", path, "--as", "consumer", cwd=tmp_path)
    assert done.returncode == 0 and "linger.ms (line 3): of a Kafka producer" in done.stderr
    assert "session.timeout.ms: 45000" in done.stdout
    _, scenario = imported(tmp_path, ("b.properties", text), client="producer")
    assert scenario.systems["kafka"].producer.linger_ms == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("group.id=a\nmax.pol.records=5\n", [":2: max.pol.records: unknown key; did you mean 'm"]),
        ("client.id=a\n", ["all of its keys are of consumers and producers alike", "--as cons"]),
        ("client.id=a\nlingr.ms=5\n", [":2: lingr.ms: unknown key; did you mean 'linger.ms'?"]),
        (
            "max.poll.records=many\nfetch.min.bytes=1 KiB\nenable.auto.commit=yes\n",
            [
                ":1: max.poll.records: expected a number as in 30, without a unit, not 'many'",
                ":2: fetch.min.bytes: expected a number as in 30, without a unit, not '1 KiB'",
                ":3: enable.auto.commit: expected true or false, not 'yes'",
            ],
        ),
        ("\nmax.poll.records=0\n", [":2: max.poll.records: must be more than 0, not 0"]),
        ("acks=most\n", [":1: acks: expected ", "not 'most'"]),
        ("message.send.max.retries=-1\n", [":1: message.send.max.retries: must not be neg", "-1"]),
        (
            "heartbeat.interval.ms=60000\nauto.offset.reset=none\n",
            [
                ":1: heartbeat.interval.ms: 'heartbeat.interval.ms' (60,000) must be ",
                "less than 'session.timeout.ms' (45,000 ms)",
            ],
        ),
    ],
)
def test_what_is_wrong_with_a_client_is_said_with_its_line(text, says, tmp_path):
    path = written(tmp_path, "config", text)
    with pytest.raises(LabError) as error:
        config.scenario(path)
    assert all(line.startswith(str(path)) for line in str(error.value).splitlines())
    assert all(words in str(error.value) for words in says)


def test_of_a_brokers_retentions_the_finest_comes_first(tmp_path):
    text = "log.retention.ms=600000\nlog.retention.hours=2\nbroker.id=1\nno.such.key=1\n"
    text += "log.cleaner.threads=2\nofsets.retention.minutes=1\nlistener.name.a.ssl.port=1\n"
    made, scenario = imported(tmp_path, ("server.properties", text))
    kafka = scenario.systems["kafka"]
    assert kafka.topic.retention_ms == 600_000
    assert "log.retention.hours (line 2): log.retention.ms comes first" in made.unsaid
    assert "no.such.key (line 4): not known to the lab" in made.unsaid and all_done(scenario)
    near = "ofsets.retention.minutes (line 6): not known to the lab; did you mean "
    assert f"{near}'offsets.retention.minutes'?" in made.unsaid
    assert (
        "broker.id (line 3): a name or an address; nothing is looked up by it here" in made.unsaid
    )
    compacts = "log.cleaner.threads (line 5): the lab deletes by retention and compacts nothing"
    assert compacts in made.unsaid
    assert "listener.name.a.ssl.port (line 7): no effect in the lab" in made.unsaid


def test_brokers_keys_are_read_or_known_not_to_be():
    assert not set(BROKERS.reads) & set(kafka_not_modelled.BROKER)
    for key, (its, _) in config_kafka._TOPIC_DEFAULTS.items():
        why = f"a default of topics: write {its!r} under 'topic'"
        assert kafka_not_modelled.BROKER[key] == why


def test_a_worker_and_its_connector_are_one_group(tmp_path):
    worker = "group.id=w\nconfig.storage.topic=c\nconsumer.max.poll.records=7\n"
    connector = {
        "name": "s",
        "config": {"connector.class": "a.B", "tasks.max": "3", "pw": "secret"},
    }
    made, scenario = imported(tmp_path, ("w.properties", worker), ("s.json", connector))
    group = scenario.systems["kafka"].groups["connect"]
    assert group.consumers == 3 and group.max_poll_records == 7
    assert not group.enable_auto_commit and group.auto_offset_reset == "earliest"
    assert any("when sinks commit: each 60000 ms in Connect" in line for line in made.unsaid)
    assert "secret" not in made.yaml and all_done(scenario)


def test_a_source_of_connect_sends_as_connect_sets_its_producer(tmp_path):
    worker = (
        "group.id=w\nconfig.storage.topic=c\nproducer.linger.ms=20\nproducer.acks=1\nproducer.linger.mss=3\n"
        "offset.flush.interval.ms=10000\n"
    )
    made, scenario = imported(tmp_path, ("w.properties", worker))
    producer = scenario.systems["kafka"].producer
    assert (producer.linger_ms, producer.acks) == (20, 1)
    assert producer.enable_idempotence is False and producer.max_in_flight == 1
    assert producer.delivery_timeout_ms == 2_147_483_647
    assert any("when sinks commit: each 10000 ms in Connect" in line for line in made.unsaid)
    strange = "producer.linger.mss (line 5): not known to the lab; did you mean 'linger.ms'?"
    assert strange in made.unsaid
    assert all_done(scenario)


def test_librdkafka_has_the_keys_that_are_said_to_be_its_own():
    confluent_kafka = pytest.importorskip("confluent_kafka")
    consumer = (*kafka_not_modelled.LIBRDKAFKA_CONSUMER, *kafka_not_modelled.CONSUMER_NAMES)
    producer = (*kafka_not_modelled.LIBRDKAFKA_PRODUCER, *kafka_not_modelled.PRODUCER_NAMES)
    for client, keys, given in (
        (confluent_kafka.Consumer, consumer, {"group.id": "g"}),
        (confluent_kafka.Producer, producer, {}),
    ):
        for key in keys:
            value = True if key == "delivery.report.only.error" else "1"
            # The last key does not exist, so that no client is made.
            with pytest.raises(confluent_kafka.KafkaException) as error:
                client({**given, key: value, "no.such.key": "1"})
            assert f'property: "{key}"' not in str(error.value)
