"""What a kernel and the rest of the lab call by the same name is the same number."""

import re
from importlib import import_module

import pytest

from sim.foundation import kernels
from sim.foundation.kernels import SIM, headers_of

CODES = sorted(
    path
    for path in SIM.rglob("*.pxd")
    if not path.stem.endswith("_kernel") and path.with_suffix(".py").exists() and path.stem != "num"
)


@pytest.mark.parametrize("header", CODES, ids=lambda path: path.stem)
def test_the_codes_of_a_header_are_those_of_its_module(header):
    module = import_module(".".join(("sim", *header.relative_to(SIM).with_suffix("").parts)))
    in_c = dict(re.findall(r"^    (\w+) = (-?\d+)$", header.read_text(), re.MULTILINE))
    in_python = {name: value for name, value in vars(module).items() if name.isupper()}
    assert {name: int(value) for name, value in in_c.items()} == {
        name: in_python[name] for name in in_c
    }
    assert in_c


def test_a_kernel_depends_on_its_header_and_on_those_it_takes_types_from():
    named = {path.name for path in headers_of(SIM / "measure/counts_kernel.py")}
    assert named == {"counts_kernel.pxd", "num.pxd", "c_types.pxd", "latency_bins.pxd"}
    named = {path.name for path in headers_of(SIM / "log/group_kernel.py")}
    assert {"group_forecast_kernel.pxd", "topic_kernel.pxd"} <= named  # cimport x as y


def test_every_kernel_is_compiled(monkeypatch, tmp_path):
    import_module("sim.measure.counts_kernel")
    assert kernels.compiled() and kernels.built()
    monkeypatch.setenv("SIM_KERNELS", "python")
    assert not kernels.built()
    monkeypatch.delenv("SIM_KERNELS")
    (tmp_path / "queue").mkdir()
    (tmp_path / "queue" / "some_kernel.py").touch()
    monkeypatch.setattr(kernels, "SIM", tmp_path)
    assert not kernels.built()
    (tmp_path / "queue" / "some_kernel.abi3.so").touch()
    assert kernels.built()
