"""What a message costs is counted from a real run, and told (`tests/tools/bench_scale.py`)."""

import os
import subprocess
import sys

import pytest
from PIL import Image

from tools import bench_scale
from tools.bench_scale import Cost

SMALL = Cost(messages=1_000_154, cpu_s=6.5, wall_s=16.8, peak_bytes=520 * 2**20)
LARGE = Cost(messages=10_000_300, cpu_s=20.0, wall_s=15.0, peak_bytes=1_500 * 2**20)


def test_sizes_are_one_and_three_of_each_power_of_ten():
    assert bench_scale.sizes(1, 1_000) == [1, 3, 10, 30, 100, 300, 1_000]
    assert bench_scale.sizes(2, 40) == [3, 10, 30]
    assert bench_scale.sizes(4, 9) == []


def test_a_run_is_measured_with_the_messages_that_it_had():
    # In a small process: Linux counts what a parent holds as memory of its child, and a process
    # that has run a thousand tests may hold gigabytes.
    code = (
        "from dataclasses import astuple; from tools.bench_scale import measure; "
        "print(*astuple(measure(0.002, ['systems.sqs_single=null'])))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    messages, cpu_s, wall_s, peak = done.stdout.split()
    cost = Cost(int(messages), float(cpu_s), float(wall_s), int(peak))
    assert 1_800 < cost.messages < 2_200
    assert 0.2 < cost.cpu_s < 120 and cost.wall_s > 0.2
    assert 50 * 2**20 < cost.peak_bytes < 2 * 2**30


def test_a_run_that_fails_is_an_error(capfd):
    with pytest.raises(subprocess.CalledProcessError):
        bench_scale.measure(0.002, ["systems.no_such=1"])
    assert "no_such" in capfd.readouterr().err


def test_a_row_has_the_columns_of_the_head():
    assert bench_scale.row(SMALL).split() == ["1,000,154", "6.5", "16.8", "6499", "0.51", "545"]
    assert len(bench_scale.row(SMALL)) == len(bench_scale.HEAD)


def test_the_finding_compares_the_largest_run_with_the_smallest():
    assert bench_scale.finding([SMALL, LARGE]) == (
        "A message costs 2,000 ns of CPU and 160 bytes when there are 10 M, "
        "6,500 ns of CPU and 550 bytes when there are 1 M"
    )
    huge = Cost(messages=999_000_000, cpu_s=999.0, wall_s=900.0, peak_bytes=99_900_000_000)
    assert bench_scale.finding([huge]) == "At 1 B messages, one costs 1,000 ns of CPU and 100 bytes"
    assert bench_scale.finding([LARGE]) == (
        "At 10 M messages, one costs 2,000 ns of CPU and 160 bytes"
    )


def test_the_table_is_printed_as_it_grows_and_drawn_where_it_is_asked(
    tmp_path, monkeypatch, capsys
):
    costs = {1.0: SMALL, 3.0: LARGE, 10.0: LARGE}
    monkeypatch.setattr(bench_scale, "measure", lambda millions, overrides: costs[millions])
    assert bench_scale.main(["--chart", str(tmp_path / "cost.png")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        bench_scale.HEAD,
        bench_scale.row(SMALL),
        bench_scale.row(LARGE),
        bench_scale.row(LARGE),
        bench_scale.finding([SMALL, LARGE]),
    ]
    with Image.open(tmp_path / "cost.png") as picture:
        assert picture.width == 1_575  # 10.5 inches at 150 dpi


def test_a_span_without_a_size_is_refused(capsys):
    with pytest.raises(SystemExit):
        bench_scale.main(["--from", "4", "--to", "9"])
    assert "1, 3, 10, 30" in capsys.readouterr().err
