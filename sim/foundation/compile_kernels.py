"""Compiles the kernels: `python -m sim.foundation.compile_kernels` puts each beside its source.

A kernel is a plain Python file ``x_kernel.py`` with a header ``x_kernel.pxd`` that gives its types.
Cython translates both into C, and a C compiler makes a library of it that Python loads instead of
the file. This module is also what `setuptools` calls to build a wheel (``pyproject.toml``).

Without a C compiler, Zig's is taken if the package `ziglang` is installed. Without that, nothing is
compiled, and the kernels run as plain Python: right, and a hundred times slower.
"""

import os
import shutil
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from setuptools import Distribution, Extension
from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError, LinkError

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from sim.foundation.kernels import CHECKED, source_hash  # noqa: E402

MEMORYVIEWS = "sim.foundation.memoryviews"
"""The module with what all kernels share: Cython's own code for views of arrays."""
DIRECTIVES = {
    "language_level": 3,
    "annotation_typing": False,  # the header has the types
    "auto_pickle": False,
    "boundscheck": False,
    "cdivision": True,
    "initializedcheck": False,
    "wraparound": False,
}
# A result must not depend on what a compiler thinks of floating point: nothing is contracted into
# one rounding, and no fast-math.
GNU_FLAGS = ["-O2", "-g0", "-fwrapv", "-ffp-contract=off", "-fno-strict-aliasing", "-w"]
MSVC_FLAGS = ["/O2", "/fp:precise"]
LIMITED_API = "0x030B0000"  # Python 3.11 is the first whose stable interface has buffers


class NoCompilerError(Exception):
    """Nothing here can compile C for this Python; the text says what is missing."""


def kernels() -> list[Path]:
    """The sources that are compiled: kernels with a header."""
    return sorted(p for p in (ROOT / "sim").rglob("*_kernel.py") if p.with_suffix(".pxd").exists())


def lay_out(into: Path) -> None:
    """Copy what Cython reads; each kernel gets the hash of its source, by which one is known."""
    for header in (ROOT / "sim").rglob("*.pxd"):
        _write_if_new(into / header.relative_to(ROOT), header.read_text())
    for kernel in kernels():
        place = into / kernel.relative_to(ROOT)
        _write_if_new(place, kernel.read_text() + f'\nSOURCE_HASH = "{source_hash(kernel)}"\n')
        for room in place.relative_to(into).parents[:-1]:
            _write_if_new(into / room / "__init__.py", "")


def _write_if_new(path: Path, text: str) -> None:
    """What is as it was keeps its time, by which Cython knows what to translate again."""
    if not path.exists() or path.read_text() != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def have_headers() -> bool:
    """Whether this Python came with what C needs to know of it."""
    return Path(sysconfig.get_path("include"), "Python.h").exists()


def compiler() -> list[str] | None:
    """The command of a C compiler; None: the one that Python itself was compiled with.

    Raises:
        NoCompilerError: there is none.
    """
    if sys.platform == "win32":
        return None  # setuptools looks for Microsoft's
    if not have_headers():
        raise NoCompilerError(
            "Python.h is missing, the header of this Python: install it (python3-dev or the like)"
        )
    own = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    if shutil.which(own):
        return None
    for name in ("cc", "gcc", "clang"):
        if shutil.which(name):
            return [name]
    try:
        import ziglang  # noqa: F401
    except ImportError:
        raise NoCompilerError("there is no C compiler (cc, gcc, clang)") from None
    return [sys.executable, "-m", "ziglang", "cc"]


class CompileKernels(build_ext):
    """The `build_ext` of this package: translates and compiles every kernel, on all cores."""

    def run(self) -> None:
        try:
            self.other_compiler = compiler()
        except NoCompilerError as missing:
            print(f"warning: {missing}; the kernels are not compiled", file=sys.stderr)
            return
        self.checked = os.environ.get("SIM_KERNELS") == "checked"
        into = CHECKED if self.checked else ROOT / "build" / "kernels"
        lay_out(into)
        self.extensions = _translated(
            into,
            # Checked kernels are not meant to be fast: each access would be a hint.
            DIRECTIVES | {"boundscheck": self.checked, "show_performance_hints": not self.checked},
        )
        # By these, a library is named as one for every Python from 3.11 on.
        self.ext_map = {extension.name: extension for extension in self.extensions}
        self.ext_map |= {name.split(".")[-1]: ext for name, ext in self.ext_map.items()}
        self.parallel = os.cpu_count()
        self.build_temp = str(into / "objects")
        if self.inplace:
            self.build_lib = str(into / "libraries")
        try:
            super().run()
        except (CompileError, LinkError) as failed:
            print(f"warning: {failed}; the kernels are not compiled", file=sys.stderr)
            for library in (ROOT / "sim").rglob("*.abi3.so"):
                library.unlink()  # some are of other sources

    def copy_extensions_to_source(self) -> None:
        """Checked libraries must not pass for the others: they stay where they are."""
        if not self.checked:
            super().copy_extensions_to_source()

    def build_extensions(self) -> None:
        microsoft = self.compiler.compiler_type == "msvc"
        if self.other_compiler is not None:
            self.compiler.set_executables(
                compiler_so=[*self.other_compiler, "-fPIC"],
                linker_so=[*self.other_compiler, "-shared"],
            )
        for extension in self.extensions:
            extension.extra_compile_args = MSVC_FLAGS if microsoft else GNU_FLAGS
        super().build_extensions()


def _translated(into: Path, directives: Mapping[str, object]) -> list[Extension]:
    """What is to be compiled, in C: the kernels, and what they share."""
    from Cython.Build import cythonize

    here = Path.cwd()
    os.chdir(into)  # so that a traceback names sim/queue/..._kernel.py
    try:
        extensions: list[Extension] = cythonize(
            [
                Extension(".".join(path.with_suffix("").parts), [str(path)])
                for path in (kernel.relative_to(ROOT) for kernel in kernels())
            ]
            + [Extension(MEMORYVIEWS, ["memoryviews.c"])],
            compiler_directives=directives,
            shared_utility_qualified_name=MEMORYVIEWS,
            nthreads=os.cpu_count(),
            quiet=True,
        )
    finally:
        os.chdir(here)
    for extension in extensions:
        extension.sources = [str(into / source) for source in extension.sources]
        extension.py_limited_api = True
        extension.define_macros = [("Py_LIMITED_API", LIMITED_API)]
        extension._full_name = extension.name
        extension._needs_stub = False
    return extensions


def main() -> None:
    """Compile in place, what has changed; with ``SIM_KERNELS=checked``, beside that.

    ``--find-compiler``: only say whether the package `ziglang` would be of use, by exit code 1.
    """
    if "--find-compiler" in sys.argv:
        try:
            compiler()
        except NoCompilerError as missing:
            sys.exit(f"{missing}: fetching Zig's, 100 MB" if have_headers() else 0)
        return
    os.chdir(ROOT)
    command = CompileKernels(Distribution({"name": "kernels", "ext_modules": [Extension("x", [])]}))
    command.inplace = True
    command.ensure_finalized()
    command.run()


if __name__ == "__main__":
    main()
