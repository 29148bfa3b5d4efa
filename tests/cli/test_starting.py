"""`sim new`, as one types it."""

import subprocess
import sys

import pytest

from sim.scenario.products.catalogue import PRODUCTS


def sim(*args, cwd):
    return subprocess.run(
        [sys.executable, "-m", "sim", *args], capture_output=True, text=True, cwd=cwd, check=False
    )


def test_without_a_person_what_is_not_said_is_taken(tmp_path):
    done = sim("new", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "mine.yaml; now: sim run mine.yaml\n")
    assert "product: kafka" in (tmp_path / "mine.yaml").read_text()
    again = sim("new", cwd=tmp_path)
    assert again.returncode == 2
    assert "mine.yaml exists, and may hold work of yours" in again.stderr


def test_what_is_said_is_in_the_file(tmp_path):
    said = ["--from", "rabbitmq", "--rate", "7/s", "--consumers", "3", "--lasts", "1h"]
    assert sim("new", "its", *said, "-o", "other.yaml", cwd=tmp_path).returncode == 0
    text = (tmp_path / "other.yaml").read_text()
    for line in (
        "# `sim run other.yaml`;",
        "name: its",
        "duration: 1h",
        "rate: 7/s",
        "consumers: 3,",
        "product: rabbitmq",
    ):
        assert line in text
    assert "kafka" not in text


def test_the_name_of_the_file_is_taken_for_its_name(tmp_path):
    done = sim("new", "its.yaml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "its.yaml; now: sim run its.yaml\n")
    assert "name: its\n" in (tmp_path / "its.yaml").read_text()


@pytest.mark.parametrize("name", ["my: queue", "#1", "../its", ""])
def test_a_name_that_no_scenario_can_have_is_refused(name, tmp_path):
    done = sim("new", name, "-o", "its.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"{name!r}: the name of a scenario consists of letters, digits,")
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (["--consumers", "none"], "consumers: expected a whole number of 1 or more, not 'none'"),
        (["--from", ","], "no product is named; known: " + ", ".join(sorted(PRODUCTS))),
        (["--from", "sqa"], "unknown product 'sqa'; did you mean 'sqs'?"),
    ],
)
def test_a_mistake_is_told_and_nothing_is_written(said, told, tmp_path):
    done = sim("new", *said, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, f"{told}\n")
    assert [*tmp_path.iterdir()] == []
