"""`sim diff`: what two results differ in, in words."""

import pandas as pd
from typer.testing import CliRunner

from helpers.stored import stored
from sim.cli.commands import app
from sim.cli.differing import lines
from sim.results.difference import Side


def diff(out, *names):
    return CliRunner().invoke(app, ["diff", *names, "--out", str(out)])


def test_two_results_differ_in_keys_seeds_and_outcome(tmp_path):
    stored(tmp_path, "a")
    stored(tmp_path, "b", **{"workload.service.job.per_message": "20 ms"})
    done = diff(tmp_path, "test/a", "test/b")
    assert done.exit_code == 0, done.output
    assert "  workload.service.job.per_message.constant: 0.001 -> 0.02" in done.output
    assert "Seeds: 3\n" in done.output and "Versions: the same" in done.output
    assert "Outcome, of one run each with the same seed" in done.output
    assert "kafka.g\n" in done.output and "age of oldest" in done.output
    assert "the same, in every number" in diff(tmp_path, "test/a", "test/a").output
    assert diff(tmp_path, "test/a", "test/c").exit_code == 2


def test_of_replications_the_paired_interval_is_told():
    def one(p99, version="0.1.0", first=1):
        runs = pd.DataFrame(
            {"system": "kafka", "group": "g", "seed": range(first, first + len(p99)),
             "latency_p99_s": p99}
        )  # fmt: skip
        return Side("x", {}, {"queue-log-lab": version}, runs)

    said = list(lines(one([1.0, 2.0, 3.0]), one([0.0, 1.5, 1.5], "0.2.0")))
    assert said == [
        "x  ->  x", "", "Scenario: the same", "Seeds: 1 to 3",
        "Versions: queue-log-lab 0.1.0 -> 0.2.0", "",
        "Outcome: means, and by how much 3 runs of one seed differ, with 95 %:", "kafka.g",
        "  p99                         2 s -> 1 s            -1 s (-2.2 s to +242 ms)",
    ]  # fmt: skip
    said = list(lines(one([1.0]), one([2.0], first=7)))
    assert "Seeds: 1 -> 7" in said
    assert "Outcome, of runs with other seeds: a part of this is luck" in said


def test_of_results_without_a_group_in_common_nothing_is_called_the_same():
    def of(system):
        runs = pd.DataFrame({"system": system, "group": "g", "seed": [1], "latency_p99_s": [1.0]})
        return Side(system, {}, {}, runs)

    said = list(lines(of("a"), of("b")))
    assert said[-1] == "Outcome: no group is in both"
    assert "Only in a: a.g" in said and "Only in b: b.g" in said
