"""A kernel's numbers, compiled, are Python's."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.plain_kernel import load
from helpers.toy_house import build, compile_in


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory):
    house = build(tmp_path_factory.mktemp("house"))
    compile_in(house)
    (library,) = (house / "sim/queue").glob("toy_kernel.*.so")
    return load("sim.queue.toy_kernel", library)


@given(st.floats(-1e18, 1e18), st.floats(1e-300, 1e9))
def test_divides_as_python_does(compiled, a, b):
    assert compiled.divided(a, b) == a // b
    assert compiled.divided(1.0, 0.1) == 9.0


@given(st.floats(-1e15, 1e15))
def test_rounds_as_python_does(compiled, x):
    assert compiled.rounded(x) == math.ceil(x) - math.floor(x)
