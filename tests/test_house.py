"""The house keeps its shape: what a reader relies on to find things by their names."""

import ast
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.picture import floors

ROOT = Path(__file__).parent.parent
SIM = ROOT / "sim"
MODULES = sorted(SIM.rglob("*.py"))
ROOMS = sorted(path.parent for path in SIM.glob("*/__init__.py"))

LAYERS = 15
"""Most floors of the house; nobody remembers more."""
LONGEST_FUNCTION = 100
LONGEST_MODULE = 600

LONG_MODULES: dict[str, str] = {}
"""Modules that are longer, with the reason."""


def _name(path: Path) -> str:
    return path.relative_to(SIM).as_posix()


def _nodes(kind: type[ast.AST]) -> Iterator[tuple[Path, ast.AST]]:
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, kind):
                yield path, node


def test_a_class_name_means_one_thing():
    where = defaultdict(list)
    for path, node in _nodes(ast.ClassDef):
        where[node.name].append(f"{_name(path)}:{node.lineno}")
    twins = {name: places for name, places in where.items() if len(places) > 1}
    assert twins == {}


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_a_room_says_in_two_sentences_what_belongs_there(room):
    said = ast.get_docstring(ast.parse((room / "__init__.py").read_text())) or ""
    assert said.count(". ") + said.count(".\n") + said.endswith(".") >= 2, said


def test_at_the_door_stand_the_package_the_command_and_the_lab_alone():
    assert {p.name for p in SIM.glob("*.py")} == {"__init__.py", "__main__.py", "lab.py"}


def test_the_layers_of_the_contract_are_few_and_each_is_a_room():
    layers = floors()
    assert len(layers) <= LAYERS
    named = {room for layer in layers for room in layer}
    assert named == {room.name for room in ROOMS} | {"lab"}


def test_no_function_is_long_but_a_kernel():
    found = {
        f"{_name(path)}: {node.name}": lines
        for path, node in _nodes(ast.FunctionDef)
        if not path.stem.endswith("_kernel")
        and (lines := node.end_lineno - node.lineno + 1) > LONGEST_FUNCTION
    }
    assert found == {}


def test_no_module_is_long_but_those_with_a_reason():
    long = {_name(path) for path in MODULES if len(path.read_text().splitlines()) > LONGEST_MODULE}
    assert long == LONG_MODULES.keys()


def test_each_module_has_a_test_of_its_name():
    """What has a header is also tested as what the stage promises whose name it begins with."""
    tests = {p.relative_to(ROOT / "tests").as_posix() for p in (ROOT / "tests").rglob("test_*.py")}

    def tested(path: Path) -> bool:
        stems = {path.stem, re.sub("_(kernel|state)$", "", path.stem)}
        if path.with_suffix(".pxd").exists():
            words = path.stem.split("_")
            stems |= {"_".join(words[:n]) for n in range(1, len(words))}
        room = path.relative_to(SIM).parent
        return bool(tests & {(room / f"test_{stem}.py").as_posix() for stem in stems})

    modules = [path for path in MODULES if path.name not in ("__init__.py", "__main__.py")]
    assert {_name(path) for path in modules if not tested(path)} == set()


def test_a_kernel_knows_nothing_but_the_foundation_and_other_kernels():
    """And the states and codes that it shares with them, which stand in modules of their own."""
    allowed = ("_kernel", "_state", "feed")

    def of_kernels(name: str) -> bool:
        path = SIM.joinpath(*name.split(".")[1:])
        return name.endswith(allowed) or path.with_suffix(".pxd").exists()

    found = {
        f"{_name(path)}: {node.module}"
        for path, node in _nodes(ast.ImportFrom)
        if path.stem.endswith(allowed) or path.with_suffix(".pxd").exists()
        if (node.module or "").startswith("sim.")
        and not node.module.startswith("sim.foundation")
        and not of_kernels(node.module)
        and not all(of_kernels(f"{node.module}.{name.name}") for name in node.names)
    }
    assert found == set()


@pytest.mark.parametrize("page", ["sim/README.md", "CONTRIBUTING.md", "tests/README.md"])
def test_every_file_that_a_page_names_is_there(page):
    text = (ROOT / page).read_text()
    named = set(re.findall(r"`([\w./]+/[\w.]+\.(?:py|yaml|json|csv)|[\w./]+/)`", text))
    assert named
    assert {
        name for name in named if not any((top / name).exists() for top in (SIM, ROOT))
    } == set()


def test_mypy_makes_no_exceptions_for_kernels():
    overrides = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["overrides"]
    assert [entry for entry in overrides if entry.get("allow_untyped_defs")] == []
    kernels = [path for path in MODULES if path.stem.endswith("_kernel")]
    assert [path for path in kernels if not path.with_suffix(".pxd").exists()] == []
    assert [path for path in kernels if "type: ignore" in path.read_text()] == []


def test_a_type_of_columns_has_one_name():
    named = {
        _name(path)
        for path, node in _nodes(ast.Assign)
        if ast.unparse(node.value).startswith("NDArray[")
    }
    assert named == {"foundation/arrays.py"}
