"""What `setuptools` does for this package besides compiling: the scenarios go into it.

They stand beside the package, where people look for them; a wheel has them in `sim/scenarios`.
"""

import shutil
from pathlib import Path

from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = ROOT / "scenarios"


class WithScenarios(build_py):
    """The `build_py` of this package: takes the scenarios in."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            to = Path(self.build_lib, "sim", SCENARIOS.name)
            shutil.copytree(SCENARIOS, to, dirs_exist_ok=True)


class SourceWithScenarios(sdist):
    """The `sdist` of this package: from what it packs, a wheel can be made."""

    def add_defaults(self) -> None:
        super().add_defaults()
        files = [path for path in SCENARIOS.rglob("*") if path.is_file()]
        self.filelist.extend(str(path.relative_to(ROOT)) for path in [*files, ROOT / "LICENSE"])
