"""Configurations of Kafka's clients and of SQS queues become scenarios."""

import json
import shutil
from pathlib import Path
from time import process_time

import pytest

import sim
from helpers.exports import cli, written
from sim.foundation.errors import LabError
from sim.imports import config
from sim.scenario.products import kafka_not_modelled

SCENARIOS = Path(__file__).parents[2] / "scenarios"


@pytest.fixture
def beside_base(tmp_path):
    """A folder in which `base: tournament_spike.yaml` is found."""
    shutil.copy(SCENARIOS / config.BASE, tmp_path)
    return tmp_path


def configured(folder, text, name="mine.properties", client=None):
    """What the import says, and the system's parts of the written scenario, loaded."""
    made = config.scenario(written(folder, name, text), client)
    return made, sim.load(written(folder, "out.yaml", made.yaml)).systems


CONSUMER = """\
# of the counters
bootstrap.servers = k1:9092,\\
                    k2:9092
group.id: counters
max.poll.records 200
max.poll.interval.ms=60\\
    000
enable.auto.commit=FALSE
group.instance.id=7
auto.offset.reset=by_duration:PT1H
partition.assignment.strategy=org.apache.kafka.clients.consumer.CooperativeStickyAssignor
sasl.jaas.config=secret
schema.registry.url=http://registry
"""


def test_a_consumer_of_kafka_becomes_a_scenario(beside_base):
    (beside_base / "in").mkdir()
    written(beside_base / "in", "mine.properties", CONSUMER)
    done = cli("import", "config", "in/mine.properties", "-o", "mine.yaml", cwd=beside_base)
    assert done.returncode == 0, done.stderr
    text = (beside_base / "mine.yaml").read_text()
    for words in (
        "bootstrap.servers (line 2), group.id (line 4), sasl.jaas.config (line 12): no effect",
        "schema.registry.url (line 13): of serializers",
        "whose client it is: Java's",
    ):
        assert words in done.stdout and f"# - {words}" in text
    assert "secret" not in done.stdout + done.stderr + text
    made = sim.load(beside_base / "mine.yaml")
    assert made.name == "mine" and not made.warnings
    groups = made.systems["kafka"].groups
    assert list(groups) == ["counters", "leaderboard", "analytics"]
    for group in groups.values():
        assert group.max_poll_records == 200 and group.max_poll_interval_ms == 60_000
        assert not group.enable_auto_commit and group.group_instance_id == "7"
        assert group.auto_offset_reset == "by_duration:PT1H" and group.client == "java"
        assert group.cooperative and group.consumers == 4
    assert "max.poll.records: 200\n" in text and "enable.auto.commit: false\n" in text
    again = cli("import", "config", "in/mine.properties", "-o", "mine.yaml", cwd=beside_base)
    assert again.returncode == 2 and "mine.yaml exists" in again.stderr
    assert (sim.run(made.with_({"scale": 0.005})).summary["lost"] == 0).all()


def test_a_producer_of_librdkafka_is_known_by_its_keys(beside_base):
    text = (
        "metadata.broker.list=x\nqueue.buffering.max.ms=0.5\nacks=all\nretries=3\nlinger.ms=2.5\n"
    )
    made, systems = configured(beside_base, text)
    producer = systems["kafka"].producer
    assert (producer.client, producer.linger_ms) == ("librdkafka", 2.5)
    assert (producer.acks, producer.retries) == ("all", 3)
    assert (
        "queue.buffering.max.ms (line 2): again in line 5, and the last one counts" in made.unsaid
    )
    assert "whose client it is: librdkafka, which alone has metadata.broker.list" in made.unsaid


def test_a_consumer_of_librdkafka_keeps_its_offset_store(beside_base):
    text = "enable.auto.offset.store=false\nfetch.wait.max.ms=100\n"
    _, systems = configured(beside_base, text)
    group = systems["kafka"].groups["analytics"]
    assert group.client == "librdkafka" and not group.enable_auto_offset_store
    assert group.fetch_max_wait_ms == 100


ATTRIBUTES = {
    "QueueArn": "arn:aws:sqs:eu-central-1:123456789012:counters",
    "VisibilityTimeout": "45",
    "ReceiveMessageWaitTimeSeconds": "20",
    "SqsManagedSseEnabled": "true",
    "RedrivePolicy": json.dumps({"deadLetterTargetArn": "arn:aws:x", "maxReceiveCount": "4"}),
}


@pytest.mark.parametrize("answer", [{"Attributes": ATTRIBUTES}, ATTRIBUTES])
def test_the_attributes_of_a_queue_become_a_scenario(answer, beside_base):
    made, systems = configured(beside_base, answer, "queue.json")
    queues = systems["sqs_fanout"].queues
    assert list(queues) == ["counters", "leaderboard", "analytics"]
    for queue in queues.values():
        assert (queue.visibility_timeout, queue.receive_message_wait_time_seconds) == (45, 20)
        assert queue.redrive_policy.max_receive_count == 4
        assert queue.redrive_policy.dead_letter_target_arn == "arn:aws:x" and queue.workers == 4
    assert "QueueArn (line 1), SqsManagedSseEnabled (line 1): no effect in the lab" in made.unsaid
    assert any("how many messages a receive asks for" in line for line in made.unsaid)
    assert made.said.startswith("3 keys of an SQS queue, for counters, leaderboard and analytics")


def test_a_fifo_queue_is_given_the_groups_that_senders_would_name(beside_base):
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    made, systems = configured(beside_base, attributes, "queue.json")
    queue = systems["sqs_fanout"].queues["counters"]
    assert queue.fifo_queue and queue.message_group_id == ["video"]
    said = " ".join(made.unsaid)
    assert "which its sender gives: video" in said and "no two messages of the lab" in said


def test_a_file_of_both_clients_needs_a_word_from_you(beside_base):
    text = "group.id=a\nsession.timeout.ms=45000\nlinger.ms=1\n"
    path = written(beside_base, "both.properties", text)
    done = cli("import", "config", path, cwd=beside_base)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert (
        "it has group.id (line 1) of a consumer and linger.ms (line 3) of a producer; say which "
        "it is: --as consumer or --as producer" in done.stderr
    )
    done = cli("import", "config", path, "--as", "consumer", cwd=beside_base)
    assert done.returncode == 0 and "linger.ms (line 3): of a producer" in done.stderr
    assert "session.timeout.ms: 45000" in done.stdout
    _, systems = configured(beside_base, text, client="producer")
    assert systems["kafka"].producer.linger_ms == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "group.id=a\nmax.pol.records=5\n",
            [":2: max.pol.records: unknown key; did you mean 'max"],
        ),
        (
            "client.id=a\n",
            ["all of its keys are of consumers and producers alike", "--as consumer"],
        ),
        ("client.id=a\nlingr.ms=5\n", [":2: lingr.ms: unknown key; did you mean 'linger.ms'?"]),
        ("hello\n", ["no key of a Kafka client in it; expected key=value lines"]),
        ("group.id=a\n", ["none of its keys of a Kafka consumer is modelled"]),
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
        (
            '{"Attributes": {\n"RedrivePolicy": "{\\"DelaySeconds\\": 1}",\n'
            '"DelaySeconds": "901"}}',
            [":3: DelaySeconds: must be at most 900, not 901", ":2: RedrivePolicy: "],
        ),
        ('{"VisibiltyTimeout": "30"}', [":1: VisibiltyTimeout: unknown key; did you mean 'Visib"]),
        ('{"VisibilityTimeout": "30 s"}', [":1: VisibilityTimeout: expected a number", "'30 s'"]),
        ('{"VisibilityTimeout": null}', [":1: VisibilityTimeout: expected", "not nothing"]),
        ('{"workers": 3}', [":1: workers: unknown key"]),
        ('{"QueueArn": "x"}', ["none of its keys of an SQS queue is modelled"]),
        ("[1]", ["expected key=value lines"]),
        ('{"a": 1,\n}', [":2: unreadable JSON"]),
    ],
)
def test_what_is_wrong_with_a_configuration_is_said_with_its_line(text, says, tmp_path):
    path = written(tmp_path, "config", text)
    with pytest.raises(LabError) as error:
        config.scenario(path)
    lines_said = str(error.value).splitlines()
    assert all(line.startswith(str(path)) for line in lines_said)
    assert all(words in str(error.value) for words in says)


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


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        (
            "x.properties",
            "group.id=g\n" + "".join(f"k{i}=1\n" for i in range(400_000)),
            ":10001: more than 10,000 keys",
        ),
        (
            "x.json",
            "{" + ",\n".join(f'"k{i}": "1"' for i in range(400_000)) + "}",
            ":10001: more than 10,000 keys",
        ),
        (
            "x.properties",
            "max.poll.records=1\n" + "".join(f"k{i}=1\n" for i in range(9_000)),
            ":2: k0: unknown key; known: max.poll.records",
        ),
    ],
)
def test_thousands_of_unknown_keys_are_refused_in_no_time(name, text, says, tmp_path):
    path = tmp_path / name
    path.write_text(text)
    began = process_time()
    with pytest.raises(LabError) as error:
        config.scenario(path, "consumer" if name == "x.properties" else None)
    assert process_time() - began < 4.0
    assert str(error.value).startswith(f"{path}{says}")
    assert len(str(error.value).splitlines()) in (1, 101)
