"""The scenarios are in what is installed, and in what is packed."""

from setuptools import Distribution
from setuptools.command.egg_info import FileList

from sim.foundation.package import SCENARIOS, SourceWithScenarios, WithScenarios


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
