"""A copy of the foundation with one small kernel, to compile, break and run apart from the lab."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

SOURCE = """
import cython
from sim.foundation import num

def divided(a, b):
    return num.floor_div(a, b)

def rounded(x):
    return num.ceil(x) - num.floor(x)

def third(column):
    with cython.nogil:
        at = num.integer(column[0]) + 3 - num.integer(column[0])
        column[at] += 1
"""
HEADER = """
cimport cython
from sim.foundation cimport num
from sim.foundation.c_types cimport i64, u8

cpdef double divided(double a, double b)
cpdef i64 rounded(double x)
@cython.locals(at=i64)
cpdef void third(u8[::1] column)
"""


def compile_in(house: Path, **env: str) -> str:
    """Compile the kernels of another house; what the compiler says of it."""
    return subprocess.run(
        [sys.executable, house / "sim/foundation/compile_kernels.py"],
        env={**os.environ, **env}, check=True, capture_output=True, text=True,
    ).stderr  # fmt: skip


def python_in(house: Path, code: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=house, env={**os.environ, "PYTHONPATH": str(house), **env},
        capture_output=True, text=True,
    )  # fmt: skip


def build(house: Path) -> Path:
    """A house with one kernel."""
    (house / "sim/queue").mkdir(parents=True)
    shutil.copy(ROOT / "sim/__init__.py", house / "sim")
    (house / "sim/queue/__init__.py").touch()
    shutil.copytree(
        ROOT / "sim/foundation", house / "sim/foundation",
        ignore=lambda _, names: [name for name in names if name.endswith((".so", ".pyd"))],
    )  # fmt: skip
    (house / "sim/queue/toy_kernel.py").write_text(SOURCE)
    (house / "sim/queue/toy_kernel.pxd").write_text(HEADER)
    return house
