"""What stands after `--vary`: the path of a key, and its values or the range of them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sim.foundation import units
from sim.foundation.config import KeyPath
from sim.foundation.errors import LabError
from sim.scenario.load import Scenario

_RANGE = re.compile(r"(?P<low>[^,]+?)\.\.(?P<high>[^,:]+)(?P<rest>(?::[^:]*)*)")
DOWN = "the first end of a range is the lower one"
"""What is wrong with ``4..2``."""


@dataclass(frozen=True)
class Range:
    """``low..high``, and what follows behind colons."""

    low: str
    high: str
    rest: tuple[str, ...]
    """Words behind the colons: ``log``, a number of levels."""


@dataclass(frozen=True)
class Vary:
    """One of them, as it is written."""

    text: str
    """All of it."""
    path: str
    """As after ``--set``."""
    keys: KeyPath
    """Of the path, in the scenario."""
    values: str
    """Behind ``=``; empty: nothing is."""
    between: Range | None
    """The values as a range; None: they are none."""

    def refused(self, why: str) -> LabError:
        """An error that names it."""
        return LabError(f"--vary {self.text}: {why}")


def read(text: str, scenario: Scenario, examples: str, bare: bool = False) -> Vary:
    """What is varied, as it is written; the values are not looked at.

    Args:
        text: ``path=values``.
        scenario: in which it is varied.
        examples: what to say of a text of another form.
        bare: whether a path alone will do.

    Raises:
        LabError: it has another form, or the range is one that goes down.
        ScenarioError: there is no such key.
    """
    path, equals, values = (part.strip() for part in text.partition("="))
    if not path or (not values and (equals or not bare)):
        raise LabError(f"--vary {text}: {examples}")
    keys = scenario.path_of(path, f"--vary {text}")
    found = _RANGE.fullmatch(values)
    if found is None:
        return Vary(text, path, keys, values, None)
    rest = tuple(filter(None, found["rest"].split(":")))
    between = Range(found["low"].strip(), found["high"].strip(), rest)
    its = Vary(text, path, keys, values, between)
    _check_ends(its, between.low, between.high)
    return its


def _check_ends(vary: Vary, low: str, high: str) -> None:
    """That a range goes up, before its ends are tried: the lower one may be no value of the key."""
    if units.is_bare(low) != units.is_bare(high):  # the unit of the bare one is not known here
        return
    for parse in (units.seconds, units.per_second, units.size_bytes):
        try:
            ascends = parse(low) < parse(high)
        except ValueError:
            continue
        if not ascends:
            raise vary.refused(DOWN)
        return


def check_distinct(paths: Sequence[str]) -> None:
    """Make sure that no key is varied twice.

    Raises:
        LabError: one is.
    """
    if twice := next((path for path in paths if paths.count(path) > 1), None):
        raise LabError(f"--vary {twice}: given twice")
