"""`sim results`: what is listed, and that nothing goes without being asked for."""

import json

import pytest
from typer.testing import CliRunner

from helpers.stored import stored
from sim.cli.commands import app


@pytest.fixture
def shelf(tmp_path):
    stored(tmp_path, "a", seed=7)
    stored(tmp_path, "example")
    return tmp_path


def results(shelf, *arguments):
    return CliRunner().invoke(app, ["results", "--out", str(shelf), *arguments])


def names(shelf):
    return sorted(path.name for path in (shelf / "test").iterdir())


def test_results_are_listed_and_filtered(shelf):
    done = results(shelf)
    assert done.exit_code == 0, done.output
    assert "test/a\n" in done.output and "test/example\n" in done.output
    assert "seed 7, version 0.1.0" in done.output
    assert done.output.splitlines()[-1].startswith("2 results, ")
    assert max(map(len, done.output.splitlines())) <= 80
    listed = json.loads(results(shelf, "--json", "--seed", "7").stdout)
    assert [one["name"] for one in listed] == ["a"]
    for none in (["--older", "1h"], ["--larger", "1 GB"], ["--version", "9"]):
        assert results(shelf, *none).output == "0 results, 0B\n"


def test_a_scenario_without_results_is_named_with_those_that_have_some(shelf):
    done = results(shelf, "tset")
    assert done.exit_code == 2
    assert "unknown scenario 'tset'; did you mean 'test'?" in done.output
    assert "known: test" in results(shelf, "other").output


def test_nothing_is_pruned_without_being_asked_for_and_never_the_example(shelf):
    done = results(shelf, "--prune")
    assert done.exit_code == 2 and "give --yes" in done.output
    assert names(shelf) == ["a", "example"]
    assert results(shelf, "--prune", "--seed", "3", "--yes").exit_code == 0
    assert names(shelf) == ["a", "example"]
    done = results(shelf, "--prune", "--yes")
    assert done.exit_code == 0 and "removed" in done.output
    assert names(shelf) == ["example"]


def test_what_does_not_go_is_refused(shelf):
    assert results(shelf, "--older", "soon").exit_code == 2
    assert results(shelf, "--prune", "--json").exit_code == 2
