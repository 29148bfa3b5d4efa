"""`sim explain` as a person meets it, in a process of its own."""

import json
import subprocess
import sys

import pytest

from helpers.incidents import incident, queue
from sim.cli.explaining import found
from sim.foundation.document import dumped
from sim.foundation.errors import LabError

COMMAND = [sys.executable, "-c", "from sim.cli.commands import main; main()"]


def sim(*args):
    return subprocess.run([*COMMAND, *map(str, args)], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def overloaded(tmp_path_factory):
    """The file of a scenario in which one worker does half of what comes."""
    path = tmp_path_factory.mktemp("scenarios") / "overloaded.yaml"
    scenario = incident(queue(1, MaxNumberOfMessages=10), work=0.2)
    path.write_text(dumped(scenario.model_dump(mode="json", by_alias=True)))
    return path


def test_it_tells_the_cause_in_80_columns(overloaded):
    done = sim("explain", overloaded)
    assert done.returncode == 0, done.stderr
    assert "only 1 worker: with 2 workers, it is still 4.3 s too late" in " ".join(
        done.stdout.split()
    )
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_a_result_is_explained_as_the_scenario_that_it_was_run_of(overloaded, tmp_path):
    assert sim("run", overloaded, "--no-charts", "--out", tmp_path, "--name", "x").returncode == 0
    of_result = sim("explain", "incident/x", "--out", tmp_path)
    assert of_result.returncode == 0, of_result.stderr
    said, written = of_result.stdout.split("\n\n" + str(tmp_path), 1)
    assert said.rstrip() == sim("explain", overloaded).stdout.rstrip()
    folder = tmp_path / "incident" / "x"
    names = ["why.json", "charts/remedies.png", "report.html"]
    assert f"{tmp_path}{written}".split() == [str(folder / name) for name in names]
    assert all((folder / name).is_file() for name in names)
    for _ in range(2):
        report = (folder / "report.html").read_text()
        assert "only 1 worker" in report and 'id="chart-remedies"' in report
        assert sim("report", "incident/x", "--out", tmp_path).returncode == 0  # keeps it


def test_values_can_be_set_in_both(overloaded, tmp_path):
    path = "systems.s.queues.g.workers"
    before, _ = found(str(overloaded), [f"{path}=3"], tmp_path)
    assert before.systems["s"].readers["g"].workers == 3
    sim("run", overloaded, "--no-charts", "--out", tmp_path, "--name", "x")
    again, folder = found(str(tmp_path / "incident" / "x"), [f"{path}=3"], tmp_path)
    assert again.systems["s"].readers["g"].workers == 3
    assert folder is None, "what was set is not what the result was run of"


def test_where_nothing_is_wrong_it_says_so(overloaded):
    done = sim("explain", overloaded, "--set", "systems.s.queues.g.workers=4")
    assert (done.returncode, done.stdout) == (
        0, "Nothing is wrong with incident, so there is nothing to explain.\n",
    )  # fmt: skip


def test_as_json_it_is_printed_or_written(overloaded, tmp_path):
    printed = json.loads(sim("explain", overloaded, "--json").stdout)
    file = tmp_path / "why.json"
    assert sim("explain", overloaded, "-o", file).returncode == 0
    assert json.loads(file.read_text()) == printed
    assert printed["groups"][0]["harms"][0]["causes"][0]["key"] == "workers"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--system", "t"], "unknown system 't'"),
        (["--group", "h"], "unknown group 'h'"),
        (["--set", "systems.s.nothing=1"], "unknown key"),
    ],
)
def test_what_there_is_none_of_is_refused(overloaded, args, said):
    done = sim("explain", overloaded, *args)
    assert done.returncode == 2 and said in done.stderr


def test_neither_a_scenario_nor_a_result(tmp_path):
    with pytest.raises(LabError, match="unknown scenario 'nothing'"):
        found("nothing", [], tmp_path)
