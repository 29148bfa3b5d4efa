"""Workloads of the OpenMessaging Benchmark become scenarios."""

import pytest

import sim
from helpers.exports import EXPORTS, cli, written
from sim.foundation.errors import LabError
from sim.imports import omb


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


def test_a_workload_of_a_billion_groups_is_refused(tmp_path):
    text = "topics: 1\ntestDurationMinutes: 1\nsubscriptionsPerTopic: 1000000000\n"
    with pytest.raises(LabError, match=r"3: subscriptionsPerTopic: .* and at most 1,000, not 1000"):
        omb.scenario(written(tmp_path, "w.yaml", text))
