"""The system that is recommended, as a scenario and as the product's own configuration."""

import json

import pytest
from ruamel.yaml import YAML

from helpers.advice import scenario
from sim.advice.advise import advise
from sim.advice.data import presets
from sim.advice.trial import Bench
from sim.advice.written import configuration, write
from sim.foundation.errors import LabError
from sim.imports.config import scenario as imported
from sim.lab import run
from sim.scenario.load import load
from sim.traffic.generate import generate


def files_of(preset, **changes):
    its = scenario(needs={"loss": "none"}, **changes)
    bench = Bench(its, generate(its), its.needs)
    made = bench.made(presets()[preset], dict.fromkeys(bench.groups(presets()[preset]), 3))
    (system,) = made.model_dump(mode="json", by_alias=True)["systems"].values()
    return dict(configuration(system))


def properties(text):
    return dict(line.split("=", 1) for line in text.splitlines())


def test_what_is_written_runs_and_shows_what_was_advised(tmp_path):
    its = scenario(needs={"max_delay": "5 s"})
    advice = advise(its, 4, catalogue={"sqs_batched": presets()["sqs_batched"]})
    best = advice.rows[0]
    path = tmp_path / "winner.yaml"
    written = write(advice, path)
    assert written[0] == path and all(file.exists() for file in written)
    with pytest.raises(LabError, match="may hold work of yours"):
        write(advice, path)
    again = load(path)
    assert again.name == "small_advised" and again.drain_limit == its.drain_limit
    tables = run(again).tables
    assert tables.summary["processed"].sum() == best.trial.sum("produced")
    assert tables.summary["double_effects"].sum() == best.trial.sum("double_effects")
    assert path.read_text().startswith("# What `sim advise small` puts first: ")


def test_a_consumer_of_kafka_is_what_its_client_reads():
    files = files_of("kafka")
    assert set(files) == {"topic.txt", "producer.properties", "job.consumer.properties"}
    assert files["topic.txt"].startswith(
        "kafka-topics.sh --create --topic events --partitions 3 --replication-factor 3 "
        "--config min.insync.replicas=2 --config retention.ms=604800000"
    )
    keys = properties(files["job.consumer.properties"])
    assert keys["group.id"] == "job" and keys["enable.auto.commit"] == "false"
    assert keys["max.poll.interval.ms"] == "300000" and "consumers" not in keys


def test_what_is_written_of_kafka_is_taken_over_by_sim_import_config(tmp_path):
    path = tmp_path / "client.properties"
    path.write_text(files_of("kafka")["job.consumer.properties"])
    made = YAML(typ="safe").load(imported(path, "consumer").yaml)
    taken = [group for group in made["systems"]["kafka"]["groups"].values() if group]
    keys = {"enable.auto.commit": False, "max.poll.interval.ms": 300_000, "max.poll.records": 500}
    assert keys.items() <= taken[0].items()


def test_the_attributes_of_a_queue_are_text_as_aws_has_them():
    attributes = json.loads(files_of("sqs_batched")["job.attributes.json"])["Attributes"]
    assert attributes["ReceiveMessageWaitTimeSeconds"] == "20"
    assert attributes["VisibilityTimeout"] == "30" and "FifoQueue" not in attributes
    receive = json.loads(files_of("sqs_batched")["job.receive-message.json"])
    assert receive == {"MaxNumberOfMessages": 10}
    fifo = json.loads(files_of("sqs_fifo")["job.attributes.json"])["Attributes"]
    assert fifo["FifoQueue"] == "true" and fifo["DeduplicationScope"] == "queue"


def test_a_celery_configuration_is_python():
    files = files_of("celery_late")
    names = {}
    exec(files["celeryconfig.py"], names)
    # What Redis alone has is not told of SQS, which is in its place here.
    assert "unacked_restore" in files["celeryconfig.py"]
    assert "unacked" not in files_of("celery_on_sqs")["celeryconfig.py"]
    assert names["task_acks_late"] is True and names["worker_prefetch_multiplier"] == 1
    assert json.loads(files["job.task.json"])["max_retries"] == 8


def test_definitions_of_rabbitmq_have_the_queue_and_its_type():
    files = files_of("rabbitmq_single_active")
    found = json.loads(files["definitions.json"])
    (queue,) = found["queues"]
    assert queue["arguments"] == {"x-queue-type": "quorum", "x-single-active-consumer": True}
    assert queue["name"] == found["bindings"][0]["destination"] == "job"
    assert json.loads(files["consumers.json"])["job"]["prefetch_count"] == 20


@pytest.mark.parametrize("preset", [name for name in presets() if name != "sqs_one_queue"])
def test_every_preset_has_a_configuration(preset):
    files = files_of(preset)
    assert files and all(text.endswith("\n") for text in files.values())
    for name, text in files.items():
        if name.endswith(".json"):
            json.loads(text)


def test_a_lambda_function_has_its_mapping_beside_it():
    files = files_of("sqs_lambda")
    assert set(files) == {
        "job.attributes.json", "job.event-source-mapping.json", "job.function.json",
    }  # fmt: skip
    mapping = json.loads(files["job.event-source-mapping.json"])
    assert mapping == {"BatchSize": 10, "FunctionResponseTypes": ["ReportBatchItemFailures"]}
    # 30 batches of 50 ms come to 1.5 s: AWS's default of 3 s is enough, and six times that is 18 s.
    assert json.loads(files["job.function.json"]) == {"Timeout": 3, "MemorySize": 128}
    attributes = json.loads(files["job.attributes.json"])["Attributes"]
    assert attributes["VisibilityTimeout"] == "18"
    stream = files_of("kinesis_lambda")
    mapping = json.loads(stream["job.event-source-mapping.json"])
    assert mapping["ParallelizationFactor"] == 10 and mapping["MaximumRetryAttempts"] == 5
    assert mapping["DestinationConfig"] == {"OnFailure": {"Destination": "a queue"}}
    assert json.loads(stream["job.function.json"])["Timeout"] == 15


def test_a_stream_of_nats_and_its_consumer_have_the_fields_of_the_api():
    files = files_of("nats")
    assert json.loads(files["stream.json"])["max_msgs"] == -1
    consumer = json.loads(files["job.consumer.json"])
    assert (consumer["ack_wait"], consumer["max_ack_pending"]) == (30_000_000_000, 1_000)


def test_a_bullmq_queue_and_its_worker_have_their_options():
    files = files_of("bullmq")
    assert json.loads(files["job.worker.json"])["lockDuration"] == 30_000
    job = json.loads(files["job.queue.json"])["defaultJobOptions"]
    assert job["attempts"] == 3
    assert job["backoff"] == {"type": "exponential", "delay": 1000, "jitter": 0}


def test_retry_topics_are_springs_annotation():
    fails = {"at": "10 s", "fault": "poison", "target": "old.q", "effect": "fail"}
    text = files_of("kafka_retry_topics", faults=[fails])["job.RetryableTopic.java"]
    assert "@RetryableTopic(\n    attempts = 5, numPartitions = 1," in text
    assert "backOff = @BackOff(delay = 1000, multiplier = 2, maxDelay = 5000)," in text
    assert text.endswith('@KafkaListener(topics = "events", groupId = "job")\n')


def test_a_redis_stream_is_the_calls_of_its_clients():
    files = files_of("redis_streams")
    assert files == {
        "job.redis.txt": "XGROUP CREATE events job $ MKSTREAM\n"
        "XADD events * field value\n"
        "XREADGROUP GROUP job $NAME COUNT 1 BLOCK 2000 STREAMS events >\n"
        "XACKDEL events job ACKED IDS 1 $ID\n"
        "# an entry that was delivered 5 times (XPENDING): into a stream of dead letters, and "
        "acknowledged\n"
        "XAUTOCLAIM events job $NAME 60000 0-0 COUNT 100\n"
    }
    trimmed = {"product": "redis_streams", "XADD": {"MAXLEN": 5_000.0, "approximate": True}}
    groups = {"g": {"XREADGROUP": {"COUNT": 10}, "XAUTOCLAIM": None}}
    ((_, text),) = configuration(trimmed | {"groups": groups})
    assert text == (
        "XGROUP CREATE events g $ MKSTREAM\nXADD events MAXLEN ~ 5000 * field value\n"
        "XREADGROUP GROUP g $NAME COUNT 10 STREAMS events >\nXACK events g $ID\n"
    )


def test_of_a_product_without_a_file_of_its_own_there_is_the_scenario_alone(tmp_path):
    sidekiq = {"product": "sidekiq", "queues": {"q": {"processes": 3, "does": ["job"]}}}
    advice = advise(scenario(systems={"mine": sidekiq}), 4, only=["yours"])
    written = write(advice, tmp_path / "winner.yaml")
    assert [file.name for file in written] == ["winner.yaml"]
