"""Configurations become scenarios on a neutral workload, whatever kind of file they are."""

import pytest

import sim
from helpers.configs import all_done, imported
from helpers.exports import cli, written
from sim.foundation.errors import LabError
from sim.imports import config

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


def test_a_consumer_of_kafka_becomes_a_scenario(tmp_path):
    (tmp_path / "in").mkdir()
    written(tmp_path / "in", "mine.properties", CONSUMER)
    done = cli("import", "config", "in/mine.properties", "-o", "mine.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "mine.yaml").read_text()
    for words in (
        "bootstrap.servers (line 2): a name or an address; nothing is looked up by it here",
        "sasl.jaas.config (line 12): who may connect, and how they prove it, changes neither lag",
        "schema.registry.url (line 13): of serializers",
        "whose client it is: Java's",
    ):
        assert words in " ".join(done.stdout.split()) and f"# - {words}" in text
    assert "secret" not in done.stdout + done.stderr + text
    made = sim.load(tmp_path / "mine.yaml")
    assert made.name == "mine" and not made.warnings
    assert list(made.systems) == ["kafka"] and list(made.workload.service) == ["work"]
    (group,) = made.systems["kafka"].groups.values()
    assert list(made.systems["kafka"].groups) == ["counters"]
    assert group.max_poll_records == 200 and group.max_poll_interval_ms == 60_000
    assert not group.enable_auto_commit and group.group_instance_id == "7"
    assert group.auto_offset_reset == "by_duration:PT1H" and group.client == "java"
    assert group.cooperative and group.consumers == 1
    again = cli("import", "config", "in/mine.properties", "-o", "mine.yaml", cwd=tmp_path)
    assert again.returncode == 2 and "mine.yaml exists" in again.stderr
    assert all_done(made)


def test_several_files_of_one_system_become_one_scenario(tmp_path):
    made, scenario = imported(
        tmp_path,
        ("a.properties", "group.id=orders\nmax.poll.records=5\n"),
        ("b.properties", "linger.ms=7\nacks=all\n"),
        ("server.properties", "num.partitions=12\nlog.retention.hours=2\n"),
    )
    kafka = scenario.systems["kafka"]
    assert kafka.groups["orders"].max_poll_records == 5 and kafka.producer.linger_ms == 7
    assert kafka.topic.partitions == 12 and kafka.topic.retention_ms == 7_200_000
    assert made.yaml.startswith("# Made by `sim import config a.properties b.properties server.")
    assert all_done(scenario)


def test_of_two_files_that_say_otherwise_the_last_counts(tmp_path):
    made, scenario = imported(
        tmp_path,
        ("a.properties", "group.id=g\nmax.poll.records=5\n"),
        ("b.properties", "group.id=g\nmax.poll.records=6\n"),
    )
    assert scenario.systems["kafka"].groups["g"].max_poll_records == 6
    assert "kafka.groups.g.max.poll.records of a.properties: b.properties came last" in made.unsaid


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("x.txt", "hello\n", "an unknown kind of file (lines of keys and values, or text)"),
        ("x.json", {"a": 1}, "an unknown kind of file (JSON); known: Terraform"),
        ("x.yaml", "a: 1\n", "an unknown kind of file (YAML)"),
        ("x.py", "a = 1\n", "an unknown kind of file (Python without a setting of Celery)"),
        ("x.json", {"vhosts": 1, "queues": [], "bindings": 5}, "and another shape inside"),
        ("x.json", [1], "an unknown kind of file (JSON)"),
        ("x.json", '{"a": 1,\n}', ":2: unreadable JSON"),
        ("x.yaml", "a: [\n", ": unreadable YAML"),
        ("x.py", "a = (\n", ":1: unreadable Python"),
        (
            "compose.yml",
            "services: {db: {image: postgres}}\n",
            "a compose file, and nothing in it that the lab has",
        ),
    ],
)
def test_an_unknown_kind_is_named_as_such(name, text, says, tmp_path):
    path = written(tmp_path, name, text)
    with pytest.raises(LabError) as error:
        config.scenario(path)
    assert str(error.value).startswith(str(path)) and says in str(error.value)
