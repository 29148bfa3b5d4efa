"""Compiles the kernels: `python -m sim.foundation.compile_kernels` beside their sources.

A kernel is a plain Python file ``x_kernel.py`` with a header ``x_kernel.pxd`` that gives its types.
Cython translates both into C, and a C compiler makes a library of it that Python loads instead of
the file. This module is also what `setuptools` calls to build a wheel (``pyproject.toml``). It is
called before anything is installed.
"""

import os
import shutil
import sys
import sysconfig
from pathlib import Path

from setuptools import Distribution, Extension
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from sim.foundation.kernels import source_hash  # noqa: E402

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
# A result must not depend on what a compiler thinks of floating point, so nothing is contracted
# into one rounding, and no fast-math. Python's own flags are kept.
GNU_FLAGS = ["-O2", "-g0", "-fwrapv", "-ffp-contract=off", "-fno-strict-aliasing", "-w"]
MSVC_FLAGS = ["/O2", "/fp:precise"]
LIMITED_API = "0x030B0000"  # Python 3.11 is the first whose stable interface has buffers


def kernels(root: Path = ROOT) -> list[Path]:
    """The sources that are compiled, from the folder that holds ``sim``."""
    return sorted(p for p in (root / "sim").rglob("*_kernel.py") if p.with_suffix(".pxd").exists())


def write_if_new(path: Path, text: str) -> None:
    """What is as it was keeps its time, by which Cython knows what to translate again."""
    if not path.exists() or path.read_text() != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def lay_out(into: Path, root: Path = ROOT) -> None:
    """Copy what Cython reads, with the hash of its source at the end of each kernel."""
    for header in (root / "sim").rglob("*.pxd"):
        write_if_new(into / header.relative_to(root), header.read_text())
    for kernel in kernels(root):
        stamp = f'\nSOURCE_HASH = "{source_hash(kernel)}"\n'
        write_if_new(into / kernel.relative_to(root), kernel.read_text() + stamp)
    for path in list(into.rglob("*_kernel.py")):
        for room in path.relative_to(into).parents[:-1]:
            write_if_new(into / room / "__init__.py", "")


def compiler() -> list[str] | None:
    """The command of a C compiler; None: `distutils` knows its own (Windows), or there is none.

    The `ziglang` package brings one for machines that have none.
    """
    if os.environ.get("CC") or sys.platform == "win32":
        return None
    own = (sysconfig.get_config_var("CC") or "cc").split()[0]
    for name in [own, "cc", "gcc", "clang"]:
        if shutil.which(name):
            return None if name == own else [name]
    try:
        import ziglang  # noqa: F401
    except ImportError:
        return None
    return [sys.executable, "-m", "ziglang", "cc"]


class CompileKernels(build_ext):
    """The `build_ext` of this package: translates and compiles every kernel, on all cores."""

    def run(self) -> None:
        from Cython.Build import cythonize

        checked = bool(os.environ.get("SIM_KERNELS_CHECKED"))
        into = ROOT / "build" / ("kernels_checked" if checked else "kernels")
        lay_out(into)
        here = Path.cwd()
        os.chdir(into)  # so that a traceback names sim/queue/..._kernel.py
        try:
            extensions = [
                Extension(
                    ".".join(kernel.relative_to(ROOT).with_suffix("").parts),
                    [str(kernel.relative_to(ROOT))],
                )
                for kernel in kernels()
            ]
            extensions.append(Extension(MEMORYVIEWS, ["memoryviews.c"]))
            self.extensions = cythonize(
                extensions,
                compiler_directives=DIRECTIVES | {"boundscheck": checked},
                shared_utility_qualified_name=MEMORYVIEWS,
                nthreads=os.cpu_count(),
                quiet=True,
            )
        finally:
            os.chdir(here)
        for extension in self.extensions:
            extension.sources = [str(into / source) for source in extension.sources]
            extension.py_limited_api = True
            extension.define_macros = [("Py_LIMITED_API", LIMITED_API)]
            extension._full_name = extension.name
            extension._needs_stub = False
        # By these, a library is named as one for every Python from 3.11 on.
        self.ext_map = {extension.name: extension for extension in self.extensions}
        self.ext_map |= {name.split(".")[-1]: ext for name, ext in self.ext_map.items()}
        self.parallel = os.cpu_count()
        self.build_temp = str(into / "objects")
        super().run()

    def build_extensions(self) -> None:
        if self.compiler.compiler_type == "msvc":
            flags = MSVC_FLAGS
        else:
            flags = GNU_FLAGS
            other = compiler()
            if other is not None:
                self.compiler.set_executables(
                    compiler_so=[*other, "-fPIC"], linker_so=[*other, "-shared"]
                )
        for extension in self.extensions:
            extension.extra_compile_args = flags
        super().build_extensions()


def main() -> None:
    """Compile in place."""
    os.chdir(ROOT)
    distribution = Distribution({"name": "queue-log-lab", "ext_modules": [Extension("x", [])]})
    command = CompileKernels(distribution)
    command.inplace = True
    command.ensure_finalized()
    command.run()


if __name__ == "__main__":
    main()
