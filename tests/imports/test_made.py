"""A scenario made from a file of another tool takes the file's name, as far as it may."""

from pathlib import Path

import pytest

from sim.imports.made import name_of


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("client.properties", "client"),
        ("my queue (copy).json", "my_queue_copy"),
        ("Größe_1.2.yaml", "Gr_e_1.2"),
        ("...", "otherwise"),
        ("日本.json", "otherwise"),
    ],
)
def test_a_name_has_only_what_names_of_scenarios_may_have(file, name):
    assert name_of(Path("some") / file, "otherwise") == name
