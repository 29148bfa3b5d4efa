"""`sim size`: what is printed and written, and what is refused."""

import json

import pytest
from typer.testing import CliRunner

from helpers.sizing import CONSUMERS, ideal_log
from sim.cli.commands import app
from sim.cli.sizing import share_of
from sim.foundation.document import dumped
from sim.foundation.errors import LabError
from sim.scenario.load import load


@pytest.fixture
def small(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scenario = ideal_log("1 s", duration="300 s").with_(
        {"needs": {"loss": "none", "max_delay": "5 s"}}
    )
    (tmp_path / "small.yaml").write_text(dumped(scenario.model_dump(mode="json", by_alias=True)))
    return tmp_path


def size(*arguments):
    return CliRunner().invoke(
        app, ["size", "small.yaml", "--vary", f"{CONSUMERS}=1..4", *arguments]
    )


def test_a_table_an_answer_a_picture_and_the_scenario_are_written(small):
    done = size("--share", "50%", "-o", "answer.yaml")
    assert done.exit_code == 0, done.output
    assert "it takes 2 consumers of g" in done.output.replace("\n", " ")
    (place,) = (small / "results" / "sized" / "size").iterdir()
    assert sorted(path.name for path in place.iterdir()) == ["runs", "size.json", "size.png"]
    assert max(map(len, done.output.splitlines()[:-4])) <= 80
    answer = load(small / "answer.yaml")
    assert answer.systems["kafka"].groups["g"].consumers == 2
    assert answer.name == "sized_sized"
    assert (small / "answer.yaml").read_text().startswith("# For drained, lost == 0 and p99 <= 5 s")


def test_plain_data_are_printed_alone(small):
    done = size("--share", "50%", "--json", "--goal", "drained", "--no-charts")
    assert done.exit_code == 0, done.output
    data = json.loads(done.stdout)
    assert data["answer"] == {CONSUMERS: 1}
    assert [goal["said"] for goal in data["goals"]] == ["drained"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--goal", "p99 < fast"], "expected a duration"),
        (["--goal", "lsot == 0"], "did you mean 'lost'?"),
        (["--share", "2"], "--share takes a share between 0 and 1"),
        (["--confidence", "sure"], "--confidence takes a share between 0 and 1"),
        (["--vary", "workload.size"], "it is keys of a system that are varied"),
        (["-o", "small.yaml"], "small.yaml"),
    ],
)
def test_what_does_not_go_together_is_refused(small, arguments, said):
    done = size(*arguments)
    assert done.exit_code == 2
    assert said in done.output
    assert not (small / "results").exists()


def test_a_share_is_a_percentage_or_a_part():
    assert share_of("--share", "90%") == share_of("--share", "0.9") == 0.9
    for words in ("0", "100%", "-5%", "x"):
        with pytest.raises(LabError):
            share_of("--share", words)
