"""The commands that read what people have, in a process of their own."""

from pathlib import Path

import pytest

from helpers.exports import EXPORTS, cli, written


def test_plot_lays_an_export_over_a_result(tmp_path):
    result = Path(__file__).parents[2] / "results" / "tournament_spike" / "example"
    (tmp_path / "r" / "x").mkdir(parents=True)
    for path in result.glob("*.*"):
        (tmp_path / "r" / "x" / path.name).write_bytes(path.read_bytes())
    done = cli("plot", "r/x", "--overlay", EXPORTS / "cloudwatch.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "r/x/charts").iterdir()} == {
        f"{name}_measured.{kind}" for name in ("lag", "time_lag") for kind in ("png",)
    }
    wrong = cli("plot", "r/x", "--overlay", EXPORTS / "omb_workload.yaml", cwd=tmp_path)
    assert wrong.returncode == 2 and "Traceback" not in wrong.stderr


def test_import_lag_says_what_an_export_holds(tmp_path):
    done = cli("import", "lag", EXPORTS / "consumer_groups.txt", cwd=tmp_path)
    assert "analytics: messages waiting, 3 samples" in done.stdout and "3,030" in done.stdout


@pytest.mark.parametrize("output", [(), ("-o", "out.yaml")])
@pytest.mark.parametrize("value", ["{a: 1}", "1 parsec", "[]"])
def test_what_makes_no_scenario_is_neither_printed_nor_written(tmp_path, output, value):
    driver = (EXPORTS / "omb_driver_kafka.yaml").read_text()
    assert "  batch.size=131072\n" in driver
    written(tmp_path, "d.yaml", driver.replace("batch.size=131072", f"batch.size={value}"))
    done = cli("import", "omb", EXPORTS / "omb_workload.yaml", "d.yaml", *output, cwd=tmp_path)
    assert done.returncode == 2 and done.stdout == ""
    assert "batch.size" in done.stderr and "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["d.yaml"]


def test_a_result_of_the_benchmark_gives_latencies_and_an_overlay(tmp_path):
    given = EXPORTS / "omb_result.json"
    done = cli("import", "omb-result", given, "-o", "publish.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "publish latency, ms: p50 2, p95 3.56" in done.stdout
    assert "latency: {produce: {csv: publish.csv}}" in done.stdout
    again = cli("import", "omb-result", given, "-o", "publish.csv", cwd=tmp_path)
    assert again.returncode == 2 and "publish.csv exists" in again.stderr
    said = cli("import", "omb-result", given, "--of", "end-to-end", cwd=tmp_path)
    assert said.returncode == 0 and "1 topic, 4 partitions on Kafka" in said.stdout
    result = Path(__file__).parents[2] / "results" / "share_group" / "example"
    (tmp_path / "r" / "x").mkdir(parents=True)
    for path in result.glob("*.*"):
        (tmp_path / "r" / "x" / path.name).write_bytes(path.read_bytes())
    done = cli("plot", "r/x", "--overlay", given, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "r/x/charts").iterdir()} == {
        f"{name}_measured.{kind}" for name in ("lag", "latency") for kind in ("png",)
    }
    wrong = cli("import", "omb-result", EXPORTS / "prometheus.json", cwd=tmp_path)
    assert wrong.returncode == 2 and "expected a result of the OpenMessaging" in wrong.stderr
