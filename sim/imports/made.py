"""A scenario made from a file of another tool."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sim.foundation.errors import LabError, ScenarioError


@dataclass(frozen=True)
class Imported:
    """A scenario, and what a person should know of how it was made."""

    yaml: str
    """Text of the scenario file."""
    said: str
    """What the file comes to, in a sentence."""
    unsaid: Sequence[str]
    """What the file does not say or the lab does not take over, and what was assumed instead."""

    def check(self) -> None:
        """Nothing is printed or written of what `sim run` would refuse.

        Raises:
            LabError: it makes no scenario.
        """
        from sim.scenario.load import load

        with TemporaryDirectory() as folder:
            path = Path(folder, "scenario.yaml")
            path.write_text(self.yaml, encoding="utf-8")
            try:
                load(path)
            except ScenarioError as error:
                told = [f"{problem.path}: {problem.message}" for problem in error.problems]
                raise LabError(
                    "\n".join(f"this makes no scenario: {one}" for one in told)
                ) from None


def name_of(path: Path, otherwise: str) -> str:
    """A name for the scenario: the file's, as far as a scenario may have it."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", path.stem).strip("._-") or otherwise


def system_name(text: str, otherwise: str) -> str:
    """A name for a group or a queue: as the file has it, as far as a scenario may have it."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-")[:80] or otherwise
