"""The scenarios are in what is installed, and in what is packed."""

import re
import tomllib
from importlib import import_module

from setuptools import Distribution
from setuptools.command.egg_info import FileList

from sim.foundation.package import (
    ROOT,
    SCENARIOS,
    SourceWithScenarios,
    StandingAlone,
    WithScenarios,
    standing_alone,
)


def made(command, **set_):
    its = command(Distribution({"name": "x", "packages": []}))
    for name, value in set_.items():
        setattr(its, name, value)
    return its


def test_a_wheel_has_the_scenarios_and_their_data(tmp_path):
    command = made(WithScenarios)
    command.ensure_finalized()
    command.build_lib = str(tmp_path)
    command.run()
    packed = {path.name for path in (tmp_path / "sim" / "scenarios").rglob("*.*")}
    assert packed == {path.name for path in SCENARIOS.rglob("*.*")}
    assert {"tournament_spike.yaml", "scenario.schema.json"} <= packed


def test_where_the_package_is_used_in_place_nothing_is_copied(tmp_path):
    command = made(WithScenarios)
    command.ensure_finalized()
    command.build_lib, command.editable_mode = str(tmp_path), True
    command.run()
    assert [*tmp_path.iterdir()] == []


def test_what_is_packed_as_source_has_them_too(monkeypatch):
    monkeypatch.setattr(SourceWithScenarios.__base__, "add_defaults", lambda _self: None)
    command = made(SourceWithScenarios, filelist=FileList())
    command.add_defaults()
    assert "scenarios/tournament_spike.yaml" in command.filelist.files


def test_what_an_index_shows_leads_to_no_file_beside_it():
    page = (
        "# A\n\n![alt](results/a.png)\n\n[moving](results/a.gif): what\nit shows.\n\n"
        "See [it](page.md#there) and\n"
        "[the broker](https://kafka.apache.org), [below](#b).\n\n"
        "![badge](https://example.org/b.svg)\n"
    )
    assert standing_alone(page) == (
        "# A\n\nSee it and\n[the broker](https://kafka.apache.org), [below](#b).\n\n"
        "![badge](https://example.org/b.svg)\n"
    )


def test_nothing_of_the_readme_is_broken_there():
    shown = standing_alone((ROOT / "README.md").read_text())
    targets = re.findall(r"\]\(([^)\s]*)", shown)
    assert all(target.startswith(("https://", "http://", "#")) for target in targets)
    assert "## Start" in shown and "make demo" in shown


def test_the_description_of_a_wheel_is_that_page(monkeypatch):
    monkeypatch.setattr(StandingAlone.__base__, "run", lambda _self: None)
    command = made(StandingAlone)
    command.distribution.metadata.long_description = "See [it](page.md).\n"
    command.run()
    assert command.distribution.metadata.long_description == "See it.\n"


def test_a_tool_runner_finds_a_command_of_the_packages_own_name():
    """`pipx run NAME` and `uvx NAME` run the command that is called as the package."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    scripts = project["scripts"]
    assert scripts[project["name"]] == scripts["sim"]
    module, _, function = scripts["sim"].partition(":")
    assert callable(getattr(import_module(module), function))
