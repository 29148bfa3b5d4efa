"""What `setuptools` does for this package besides compiling: the scenarios go into it.

They stand beside the package, where people look for them; a wheel has them in `sim/scenarios`. And
the README becomes a description that an index of packages can show.
"""

import re
import shutil
from pathlib import Path

from setuptools.command.build_py import build_py
from setuptools.command.egg_info import egg_info
from setuptools.command.sdist import sdist

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = ROOT / "scenarios"


_PICTURE = re.compile(r"\[?!\[[^\]]*\]\((?!https?:)[^)]*\)(\]\([^)]*\))?\n*")
_MOVING = re.compile(r"^\[[^\]]*\]\((?!https?:)[^)]*\.(gif|png|svg)\)(.+\n?)*\n*", re.MULTILINE)
"""A paragraph that begins with a link to a picture: what it says is of that."""
_LINK = re.compile(r"\[([^\]]+)\]\((?!https?:|#)[^)]*\)")


def standing_alone(readme: str) -> str:
    """A page in Markdown without what leads to files beside it: pictures go, links become words.

    An index of packages shows the page where these files are not. The project has no public address
    (`project.urls`) that they could be shown from.

    Args:
        readme: the page.
    """
    return _LINK.sub(r"\1", _MOVING.sub("", _PICTURE.sub("", readme)))


class StandingAlone(egg_info):
    """The `egg_info` of this package, of which what is written of it in a wheel is made."""

    def run(self) -> None:
        about = self.distribution.metadata
        about.long_description = standing_alone(about.long_description or "")
        super().run()


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
