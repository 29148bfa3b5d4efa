"""A kernel compiled from scratch: staleness, bounds, and what is done without a compiler."""

import shutil
from pathlib import Path

import pytest

from helpers.toy_house import build, compile_in, python_in


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    house = build(tmp_path_factory.mktemp("house"))
    assert compile_in(house) == ""
    return house


def test_a_changed_source_or_header_is_noticed(house, tmp_path):
    moved = shutil.copytree(house, tmp_path / "house")
    use = "from sim.queue import toy_kernel; print(toy_kernel.rounded(0.5))"
    assert python_in(moved, use).stdout == "1\n"
    header = moved / "sim/foundation/c_types.pxd"
    header.write_text(header.read_text() + "ctypedef double seconds\n")
    stale = python_in(moved, use)
    assert stale.returncode == 1
    assert "toy_kernel.abi3.so was compiled from another toy_kernel.py" in stale.stderr
    assert python_in(moved, use, SIM_KERNELS="python").stdout == "1\n"
    compile_in(moved)
    assert python_in(moved, use).stdout == "1\n"


def test_a_checked_build_finds_what_is_out_of_bounds(house, tmp_path):
    moved = shutil.copytree(house, tmp_path / "house")
    use = "from sim.queue.toy_kernel import third; third(bytearray(3))"
    compile_in(moved, SIM_KERNELS="checked")
    checked = python_in(moved, use, SIM_KERNELS="checked")
    assert "IndexError: Out of bounds on buffer access" in checked.stderr
    # Nothing is broken: a bytearray has a byte more than it tells.
    assert python_in(moved, use).stderr == ""


def test_without_a_compiler_the_kernels_run_as_they_are(tmp_path):
    house = build(tmp_path / "house")
    (tmp_path / "ziglang.py").write_text("raise ImportError")
    said = compile_in(house, PATH="", CC="absent", PYTHONPATH=str(tmp_path))
    assert said == (
        "warning: there is no C compiler (cc, gcc, clang); the kernels are not compiled\n"
    )
    use = (
        "from sim.foundation import kernels; kernels.find_spec = lambda name: None\n"
        "from sim.foundation.kernels import compiled\n"
        "from sim.queue.toy_kernel import rounded, third\n"
        "third(column := bytearray(4)); print(rounded(0.5), column[3], compiled())"
    )
    assert python_in(house, use).stdout == "1 1 False\n"
