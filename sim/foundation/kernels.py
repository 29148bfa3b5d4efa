"""How a kernel is imported: compiled, if it is up to date; as plain Python, if it is not compiled.

``SIM_KERNELS`` in the environment chooses others: ``python`` takes the plain files even where there
are compiled ones, so that a debugger steps through them, and tests compare both; ``checked`` takes
libraries that look at the bounds of every array, and print an IndexError.
"""

import os
import re
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from functools import cache
from hashlib import sha256
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import find_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from sim.foundation.errors import LabError

SIM = Path(__file__).resolve().parents[1]
CHECKED = SIM.parent / "build" / "kernels_checked"
"""Where checked libraries are made, and kept."""


_CIMPORT = re.compile(r"^from (sim[\w.]*) cimport ([\w, ]+)", re.MULTILINE)


def source_hash(kernel: Path) -> str:
    """Names what a kernel is compiled from: its file, its header, and the headers it takes."""
    digest = sha256(kernel.read_bytes())
    for header in headers_of(kernel):
        digest.update(header.read_bytes())
    return digest.hexdigest()[:16]


def headers_of(kernel: Path) -> list[Path]:
    """A kernel's header and all those that it takes types from, directly or not."""
    found: set[Path] = set()
    waiting = [kernel.with_suffix(".pxd")]
    while waiting:
        header = waiting.pop()
        if header not in found and header.exists():
            found.add(header)
            waiting += _named_in(header.read_text())
    return sorted(found)


@cache
def _named_in(header: str) -> list[Path]:
    """Where the headers would be that a header, its text, takes types from."""
    named = []
    for package, names in _CIMPORT.findall(header):
        home = SIM.joinpath(*package.split(".")[1:])
        named.append(home.with_suffix(".pxd"))
        named += [home / f"{name.split()[0]}.pxd" for name in names.split(",")]
    return named


class StaleKernelError(LabError, ImportError):
    """A kernel was compiled from another source than the one beside it."""


class _Checked(Loader):
    """Loads a compiled kernel that was made from the source beside it."""

    def __init__(self, loader: Loader, source: Path) -> None:
        self.loader = loader
        self.source = source

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self.loader.exec_module(module)
        if self.source.exists() and source_hash(self.source) != module.SOURCE_HASH:
            raise StaleKernelError(
                f"{module.__file__} was compiled from another {self.source.name} than the one "
                "beside it: run `make setup`"
            )


class _Kernels(MetaPathFinder):
    """Finds ``sim.….x_kernel``, and remembers whether one was not compiled."""

    def __init__(self) -> None:
        self.plain = False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not (fullname.startswith("sim.") and fullname.endswith("_kernel")):
            return None
        source = SIM.joinpath(*fullname.split(".")[1:]).with_suffix(".py")
        which = os.environ.get("SIM_KERNELS")
        if which == "checked":
            path = [str((CHECKED / "libraries" / source.relative_to(SIM.parent)).parent)]
        spec = PathFinder.find_spec(fullname, path)
        if not source.with_suffix(".pxd").exists():
            return spec  # not one of those that are compiled
        if spec is None or spec.loader is None:
            return None
        if which == "python" or isinstance(spec.loader, SourceFileLoader):
            self.plain = True
            _have_cython()
            return spec_from_file_location(fullname, source)
        spec.loader = _Checked(spec.loader, source)
        return spec


def _have_cython() -> None:
    """Plain kernels import `cython` for a word or two; users do not have it installed."""
    if "cython" not in sys.modules and find_spec("cython") is None:
        module = ModuleType("cython")
        module.nogil = nullcontext()  # type: ignore[attr-defined]
        sys.modules["cython"] = module


_FINDER = _Kernels()


def install() -> None:
    """Have kernels found from now on, once."""
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)


def built() -> bool:
    """Whether every kernel has a library beside its source, and these are taken."""
    suffixes = tuple(EXTENSION_SUFFIXES)
    libraries = {
        p.name.split(".")[0] for p in SIM.glob("*/*_kernel.*") if p.name.endswith(suffixes)
    }
    sources = {path.stem for path in SIM.glob("*/*_kernel.py")}
    return os.environ.get("SIM_KERNELS") != "python" and sources <= libraries


def compiled() -> bool:
    """Whether every kernel imported so far is compiled."""
    return not _FINDER.plain
