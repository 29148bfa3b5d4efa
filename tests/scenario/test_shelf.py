"""Which scenarios are at hand, and what they are about."""

import os
import subprocess
import sys

import pytest

from sim.foundation.errors import ScenarioError
from sim.scenario.load import load
from sim.scenario.shelf import about, available, with_data


@pytest.mark.parametrize("path", available(), ids=lambda path: path.stem)
def test_what_a_scenario_is_about_is_what_the_whole_file_says(path):
    assert about(path) == load(path).about != ""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("about: first\nname: [\n", "first"),
        (
            "name: x\nworkload: {about: inner}\nfaults: [{about: inner}]\nabout: 'it''s last'",
            "it's last",
        ),
        ("x: about\nabout: it", "it"),
        ("about:\n  - not words\n", None),
        ("workload: {about: inner}\n", None),
        ("- about\n- it\n", None),
        ("", None),
        ("name: [\nabout: late", None),
        ("\ttab", None),
    ],
)
def test_about_is_the_key_of_the_file_itself(tmp_path, text, says):
    path = tmp_path / "x.yaml"
    path.write_text(text)
    assert about(path) == says


@pytest.mark.parametrize("thing", ["fifo", "loop", "folder", "/dev/zero"])
def test_what_is_no_file_is_about_nothing_at_once(tmp_path, thing):
    path = tmp_path / "x.yaml"
    match thing:
        case "fifo":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "loop":
            path.symlink_to(path)
        case _:
            path.symlink_to(thing)
    assert about(path) is None


def test_a_file_that_is_no_text_is_about_nothing(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_bytes(b"about: \xff")
    assert about(path) is None
    assert about(tmp_path / "none.yaml") is None


def test_a_scenario_here_comes_before_the_lab_s_own(tmp_path, monkeypatch):
    (tmp_path / "scenarios").mkdir()
    own = tmp_path / "scenarios" / "tournament_spike.yaml"
    own.write_text("about: mine")
    monkeypatch.chdir(tmp_path)
    found = {path.stem: path for path in available()}
    assert found["tournament_spike"] == own and len(found) > 20
    assert list(found) == sorted(found)


def test_a_scenario_whose_data_one_has_to_get_is_found_by_name_and_not_listed():
    """It says where to get them; `tests/test_lab.py` runs it with some of its own."""
    (path,) = {path.stem: path for path in with_data()}.values()
    assert path.stem == "world_cup_1998_all" and path not in available()
    with pytest.raises(ScenarioError) as error:
        load(path.stem)
    (problem,) = error.value.problems
    assert problem.path == "workload.arrivals.trace.path"
    assert "no such file 'worldcup98_per_minute.csv.gz'" in problem.message
    assert problem.message.endswith("`--set workload.arrivals.trace.path=PATH`")


def test_the_list_of_scenarios_validates_none():
    script = (
        "import sys\n"
        "from sim.cli.commands import app\n"
        "app(['list'], standalone_mode=False)\n"
        "assert 'sim.scenario.load' not in sys.modules, 'it takes three times as long'"
    )
    subprocess.run([sys.executable, "-c", script], check=True, stdout=subprocess.DEVNULL)
