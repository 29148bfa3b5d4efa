"""What people have, read from files in the formats of the tools that write them.

The files in ``tests/exports`` are written by hand; the sums expected here are done by hand too.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import sim
from helpers.tables import Group, build
from sim.charts import measured_lag, measured_time_lag
from sim.charts.measured import _places
from sim.foundation.errors import LabError
from sim.imports import config, omb, properties
from sim.imports.read import read
from sim.scenario.products import kafka_keys

EXPORTS = Path(__file__).parents[1] / "data" / "exports"
START = pd.Timestamp("2024-05-01T20:00:00Z")


def lines(name, measure="lag", start=None):
    found = read(EXPORTS / name).lines(measure, start)
    return {who: list(zip(t.tolist(), v.tolist(), strict=True)) for who, (t, v) in found.items()}


def written(folder, name, text):
    path = folder / name
    path.write_text(text if isinstance(text, str) else json.dumps(text))
    return path


def refused(path):
    with pytest.raises(LabError) as error:
        read(path)
    return str(error.value)


def test_consumer_groups_add_up_over_partitions_and_leave_out_what_was_never_committed():
    assert lines("consumer_groups.txt") == {
        "analytics": [(0, 60), (1200, 3030), (2400, 200)],
        "counters": [(0, 5), (1200, 10), (2400, 0)],
    }
    measured = read(EXPORTS / "consumer_groups.txt")
    assert measured.kind == "log" and measured.start == START
    assert any("without a committed offset" in note for note in measured.notes)


def test_consumer_groups_with_a_time_on_each_line(tmp_path):
    plain = (EXPORTS / "consumer_groups.txt").read_text().splitlines()
    times, out = None, []
    for line in plain:
        if line[:4] == "2024":
            times = line
        else:
            out.append(f"{times} {line}")
    path = written(tmp_path, "ts.txt", "\n".join(out))
    pd.testing.assert_frame_equal(read(path).samples, read(EXPORTS / "consumer_groups.txt").samples)


def test_consumer_groups_of_old_versions_have_no_group_and_may_have_no_time(tmp_path):
    text = (
        "TOPIC     PARTITION  CURRENT-OFFSET  LOG-END-OFFSET  LAG     CONSUMER-ID  HOST  CLIENT\n"
        "my-topic  0          16577           33154           16577   c-1          /127  c\n"
        "my-topic  1          16577           33154           16578   c-1          /127  c\n"
        "-         -          -               -               -       c-8          /127  c8\n"
    )
    measured = read(written(tmp_path, "old.txt", text))
    assert measured.samples[["name", "value"]].to_numpy().tolist() == [["my-topic", 33155.0]]
    assert any("no time" in note for note in measured.notes)


def test_cloudwatch_csv_adds_visible_and_in_flight_where_both_are_there():
    assert lines("cloudwatch.csv") == {
        "analytics": [(0, 16), (300, 844), (600, 21954), (900, 60314), (1500, 30024)]
    }
    ages = [(0, 1), (300, 3), (600, 75), (900, 240), (1500, 410)]
    assert lines("cloudwatch.csv", "time_lag_s") == {"analytics": ages}
    assert any(
        "left out: NumberOfMessagesSent" in n for n in read(EXPORTS / "cloudwatch.csv").notes
    )


def test_cloudwatch_json_is_put_in_order_of_time():
    assert lines("cloudwatch.json") == {"orders": [(0, 101), (300, 202), (600, 303)]}
    assert read(EXPORTS / "cloudwatch.json").kind == "queue"


def test_cloudwatch_says_what_depth_is_without_one_of_the_two(tmp_path):
    data = json.loads((EXPORTS / "cloudwatch.json").read_text())
    data["MetricDataResults"].pop()
    (note,) = read(written(tmp_path, "one.json", data)).notes
    assert note.startswith("ApproximateNumberOfMessagesNotVisible is not in it")


def test_prometheus_adds_up_partitions_and_leaves_out_minus_one_and_nan():
    assert lines("prometheus.json") == {
        "analytics": [(0, 0), (600, 150), (1200, 92000), (1800.5, 41000)],
        "counters": [(0, 7), (600, 8)],
    }
    shifted = lines("prometheus.json", start="2024-05-01 19:59:00")
    assert shifted["counters"] == [(60, 7), (660, 8)]


def test_prometheus_ages_are_those_of_the_partition_furthest_behind(tmp_path):
    one = {"__name__": "kafka_consumergroup_group_lag_seconds", "group": "g", "partition": "0"}
    data = {
        "status": "success",
        "data": {
            "resultType": "matrix",
            "result": [
                {"metric": one, "values": [[0, "4"], [60, "5"]]},
                {"metric": {**one, "partition": "1"}, "values": [[0, "9"], [60, "1"]]},
            ],
        },
    }
    found = read(written(tmp_path, "age.json", data)).lines("time_lag_s")
    assert found["g"][1].tolist() == [9, 5]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("hello", "expected the output of `kafka-consumer-groups"),
        ('{"a": 1,\n "b": }', ":2: unreadable JSON"),
        ("TOPIC PARTITION CURRENT-OFFSET LGA\nt 0 1 2\n", ":1: no column LAG; is 'LGA' meant?"),
        ("TOPIC PARTITION CURRENT-OFFSET LAG\nt 0 1 many\n", ":2: LAG: expected a number, not 'ma"),
        ("TOPIC PARTITION CURRENT-OFFSET LAG\nt 0 1 -3\n", ":2: LAG: expected 0 or more, not '-3'"),
        ("TOPIC PARTITION CURRENT-OFFSET LAG\nt x 1 3\n", ":2: PARTITION: expected a partition's"),
        ("TOPIC PARTITION CURRENT-OFFSET LAG\nt 0 1 3\nt 0 1 4\n", ":3: partition 0 of t again"),
        (
            "Label,ApproximateNumberOfMessagesVisible\n2024/05/01 20:00:00,x\n",
            ":2: ApproximateNumberOfMessagesVisible: expected a number, not 'x'",
        ),
        (
            "Label,ApproximateNumberOfMessagesVisibel\n2024/05/01 20:00:00,1\n",
            "did you mean ApproximateNumberOfMessagesVisible?",
        ),
        ({"status": "error", "error": "query timed out"}, "reported an error: query timed out"),
        (
            {"status": "success", "data": {"resultType": "vector", "result": []}},
            "data: expected a range query (/api/v1/query_range), not one whose resultType is 'vec",
        ),
        (
            {
                "status": "success",
                "data": {
                    "resultType": "matrix",
                    "result": [{"metric": {"group": "g"}, "values": [[1, "x"]]}],
                },
            },
            "data.result[0].values[0]: expected a number, not 'x'",
        ),
        (
            {
                "status": "success",
                "data": {
                    "resultType": "matrix",
                    "result": [
                        {"metric": {"__name__": name, "group": "g"}, "values": [[1, "1"]]}
                        for name in ("kafka_group_lag", "kafka_group_sum_lag")
                    ],
                },
            },
            "more than one metric of the same thing (kafka_group_lag, kafka_group_sum_lag)",
        ),
        ({"MetricDataResults": [{"Label": "CPU"}]}, "known: ApproximateNumberOfMessagesNotVisible"),
        (
            {
                "MetricDataResults": [
                    {
                        "Label": "ApproximateNumberOfMessagesVisible",
                        "Timestamps": ["2024-05-01T20:00:00Z"],
                        "Values": [],
                    }
                ]
            },
            "MetricDataResults[0]: 1 Timestamps and 0 Values",
        ),
        ({"status": "success", "data": {"resultType": "matrix", "result": []}}, "no sample of lag"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text, says, tmp_path):
    path = written(tmp_path, "export", text)
    message = refused(path)
    assert message.startswith(str(path)) and says in message


def test_a_missing_file_and_a_time_that_is_none(tmp_path):
    assert "cannot be read: No such file" in refused(tmp_path / "none.json")
    with pytest.raises(LabError, match="'noon' is not a time"):
        read(EXPORTS / "prometheus.json").lines("lag", "noon")


SYSTEMS = {
    "sqs": {"analytics": Group(), "counters": Group()},
    "kafka": {"analytics": Group(kind="log"), "billing": Group(kind="log")},
}


def test_measured_lag_is_drawn_where_it_belongs():
    tables = build(SYSTEMS)
    assert _places(tables, "queue", ["analytics"]) == [["analytics"], []]
    assert _places(tables, "log", ["analytics", "counters"]) == [["counters"], ["analytics"]]
    assert _places(tables, "log", ["other"]) == [[], ["other"]]
    assert _places(tables, "log", ["sqs.counters", "kafka"]) == [["sqs.counters"], ["kafka"]]
    only = build({"sqs": SYSTEMS["sqs"]})
    assert _places(only, "log", ["other"]) == [["other"]]


def test_measured_lag_shares_the_axes_of_the_run_and_is_named():
    tables = build(SYSTEMS)
    measured = read(EXPORTS / "cloudwatch.csv")
    axes = measured_lag(tables, measured, "2024-05-01T19:30:00Z")
    (line,) = [line for line in axes[0].lines if line.get_marker() == "o"]
    np.testing.assert_allclose(line.get_xdata(), [30, 35, 40, 45, 55])
    assert line.get_ydata().max() == 60314
    assert axes[0].get_ylim()[1] > 60314
    words = " ".join(text.get_text() for text in axes[0].texts)
    assert "measured analytics: max 60,314" in words
    page = " ".join(" ".join(t.get_text() for t in axes[0].figure.texts).split())
    assert "measured: 60,314 in analytics" in page and "from 2024-05-01 19:30:00 UTC on" in page
    late = measured_time_lag(tables, measured, "2024-05-01T20:11:00Z")
    page = " ".join(" ".join(t.get_text() for t in late[0].figure.texts).split())
    assert "3 samples before or after the run" in page


def test_a_result_takes_an_overlay_by_its_path():
    result = sim.run(sim.load("tournament_spike").with_({"scale": 0.01}))
    for draw in (result.plot.lag, result.plot.time_lag):
        drawn = draw(overlay=EXPORTS / "cloudwatch.csv", start="2024-05-01 19:55")
        assert "cloudwatch.csv" in " ".join(text.get_text() for text in drawn.figure.texts)


def cli(*args, cwd):
    code = "from sim.cli.commands import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, args)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "COLUMNS": "100"},
        check=False,
    )


def test_plot_lays_an_export_over_a_result(tmp_path):
    result = Path(__file__).parents[2] / "results" / "tournament_spike" / "example"
    (tmp_path / "r" / "x").mkdir(parents=True)
    for path in result.glob("*.*"):
        (tmp_path / "r" / "x" / path.name).write_bytes(path.read_bytes())
    done = cli("plot", "r/x", "--overlay", EXPORTS / "cloudwatch.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "r/x/charts").iterdir()} == {
        f"{name}_measured.{kind}" for name in ("lag", "time_lag") for kind in ("png", "svg")
    }
    wrong = cli("plot", "r/x", "--overlay", EXPORTS / "omb_workload.yaml", cwd=tmp_path)
    assert wrong.returncode == 2 and "Traceback" not in wrong.stderr


def test_import_lag_says_what_an_export_holds(tmp_path):
    done = cli("import", "lag", EXPORTS / "consumer_groups.txt", cwd=tmp_path)
    assert "analytics: messages waiting, 3 samples" in done.stdout and "3,030" in done.stdout


def test_an_omb_workload_becomes_a_scenario_that_says_what_it_did_not_know(tmp_path):
    done = cli(
        "import", "omb", EXPORTS / "omb_workload.yaml", EXPORTS / "omb_driver_kafka.yaml",
        "-o", "mine.yaml", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "mine.yaml").read_text()
    for words in ("how long a message takes to process", "KEY_ROUND_ROBIN", "10 topics"):
        assert words in done.stdout and words in text
    again = cli("import", "omb", EXPORTS / "omb_workload.yaml", "-o", "mine.yaml", cwd=tmp_path)
    assert again.returncode == 2 and "mine.yaml exists" in again.stderr
    made = sim.load(tmp_path / "mine.yaml")
    kafka = made.systems["kafka"]
    assert made.duration == 900 and made.workload.size == 1024
    assert kafka.topic.partitions == 30 and kafka.topic.replication_factor == 3
    assert kafka.producer.linger_ms == 1 and kafka.producer.batch_size == 131072
    assert {group.consumers for group in kafka.groups.values()} == {10}
    assert list(kafka.groups) == ["sub-000", "sub-001"]
    assert not kafka.groups["sub-000"].enable_auto_commit
    summary = sim.run(made.with_({"scale": 0.01})).summary
    assert (abs(summary["produced"] - 1_800) < 200).all() and (summary["lost"] == 0).all()


def test_an_omb_workload_without_rate_keys_or_driver(tmp_path):
    path = written(tmp_path, "a b.yaml", "name: x's\nproducerRate: 0\ntestDurationMinutes: 1\n")
    made = omb.scenario(path)
    assert any("producerRate: 0" in line for line in made.unsaid)
    loaded = sim.load(written(tmp_path, "out.yaml", made.yaml))
    assert loaded.name == "a_b" and loaded.about == "x's"
    assert loaded.systems["kafka"].partition_key is None
    assert loaded.workload.arrivals.profile[0].rate == 10_000


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("topics: 1\n", "testDurationMinutes: expected a whole number of at least 1, not nothing"),
        ("testDurationMinutes: ${x:-15}\n", ":1: testDurationMinutes: expected a whole number"),
        ("testDurationMinutes: 1\ntopcis: 2\n", ":2: topcis: unknown key; did you mean 'topics'?"),
        (
            "testDurationMinutes: 1\nkeyDistributor: KEY_ROUND_ROBBIN\n",
            ":2: keyDistributor: unknown key distributor 'KEY_ROUND_ROBBIN'; did you mean",
        ),
    ],
)
def test_a_wrong_omb_workload_is_refused_with_its_line(text, says, tmp_path):
    with pytest.raises(LabError) as error:
        omb.scenario(written(tmp_path, "w.yaml", text))
    assert says in str(error.value)


def test_another_driver_is_refused(tmp_path):
    workload = written(tmp_path, "w.yaml", "testDurationMinutes: 1\n")
    driver = written(tmp_path, "d.yaml", "driverClass: io.x.driver.pulsar.PulsarBenchmarkDriver\n")
    with pytest.raises(LabError, match=r"d.yaml:1: driverClass: expected a driver of kafka"):
        omb.scenario(workload, driver)


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


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("a=1\nb:2\nc 3\nd\t=\t4\ne : 5\n", ["a1", "b2", "c3", "d4", "e5"]),
        ("# a=1\n  ! b=2\\\nc=3\n\n \t\nd=4", ["c3", "d4"]),
        ("a=1,\\\n   2,\\\r\n\t# 3\nb=4", ["a1,2,# 3", "b4"]),
        ("a=1\\\\\nb=2", ["a1\\", "b2"]),
        ("a\\:\\ b=c=d: e ", ["a: bc=d: e "]),
        ("a=\\u00e9\\t\\q\nb", ["aé\tq", "b"]),
        ("a==1\rb=\\", ["a=1", "b"]),
        ("a=1\x0c2\u2028\n\\\n", ["a1\x0c2\u2028"]),
    ],
)
def test_properties_are_read_as_java_reads_them(text, entries):
    found = properties.entries(Path("x"), text)
    assert [entry.key + entry.value for entry in found] == entries


def test_properties_remember_their_lines_and_refuse_what_java_refuses():
    found = list(properties.entries(Path("x"), "# c\na=1\\\n2\nb=3"))
    assert [(entry.key, entry.line) for entry in found] == [("a", 2), ("b", 4)]
    with pytest.raises(LabError, match=r"x:2: ssl.key.password: expected four hex") as error:
        list(properties.entries(Path("x"), "a=1\nssl.key.password=C:\\users"))
    assert "users" not in str(error.value)


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
                ":1: heartbeat.interval.ms: 'heartbeat",
                "less than 'session.timeout.ms' (45,000 ms); it is '60",
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
    consumer = (*kafka_keys.LIBRDKAFKA_CONSUMER, *kafka_keys.CONSUMER_NAMES)
    producer = (*kafka_keys.LIBRDKAFKA_PRODUCER, *kafka_keys.PRODUCER_NAMES)
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
