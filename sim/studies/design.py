"""Which settings a sweep tries: a grid, a Latin hypercube, or a Sobol sequence.

What is varied is written as after `--vary`: ``path=1,2,4`` names levels, ``path=10ms..1s:log:7`` a
range with as many levels for a grid, evenly spaced or in equal ratios. Values are those of the key,
with its units.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import exp, floor, log, prod
from typing import Any, Literal

from sim.foundation import units
from sim.foundation.errors import LabError
from sim.foundation.text import duration, tick
from sim.scenario.load import Scenario, override
from sim.studies import varying
from sim.studies.varying import Range, Vary

Kind = Literal["grid", "lhs", "sobol"]
Unit = Literal["", "s", "ms", "/s", "B"]
LEVELS = 5
"""Of a range in a grid, if it says nothing of them."""
MOST_POINTS = 100_000

_NEVER = {"seed": "; --replications gives each run the next one", "name": "", "about": ""}
_EXAMPLES = "expected PATH=1,2,4 or PATH=LOW..HIGH[:log][:LEVELS], such as a.b=10ms..1s:log:7"


@dataclass(frozen=True)
class Level:
    """A value of a key, as it is written and as it counts."""

    words: str
    """After ``path=``."""
    value: float | str
    """In the key's own unit (s, ms, 1/s, bytes); the words, where it is no number."""


@dataclass(frozen=True)
class Varied:
    """A key, and what it is set to."""

    path: str
    """As after ``--set``."""
    key: str
    """Its last step: the key alone."""
    levels: tuple[Level, ...]
    """Of a grid; of a range, its ends are the first and the last."""
    between: bool = False
    """Whether it is a range: other designs take any value from the first level to the last."""
    log: bool = False
    """Whether the range is in equal ratios."""
    whole: bool = False
    """Whether only whole numbers are values."""
    unit: Unit = ""
    """Of the key, where values were written with one."""

    def say(self, value: float | str) -> str:
        """A value in words, with its unit."""
        if isinstance(value, str):
            return value
        match self.unit:
            case "s" | "ms":
                return duration(value / (1e3 if self.unit == "ms" else 1.0))
            case "":
                return tick(value)
        words = tick(value)
        return f"{words}{' ' if self.unit == 'B' and words[-1].isdigit() else ''}{self.unit}"

    @property
    def numeric(self) -> bool:
        """Whether all levels are numbers."""
        return all(isinstance(level.value, float) for level in self.levels)

    def at(self, share: float) -> Level:
        """The value at a share, 0 to below 1, of the range or of the levels."""
        if not self.between:
            return self.levels[min(int(share * len(self.levels)), len(self.levels) - 1)]
        low, high = (float(end.value) for end in (self.levels[0], self.levels[-1]))
        if self.whole:  # each whole number has its share
            high += 1
        value = _between(low, high, share, self.log)
        return _level(min(floor(value), high - 1) if self.whole else value)


def short_names(varied: Sequence[Varied]) -> list[str]:
    """What each is called: its key, or its path where another has that key too."""
    keys = [one.key for one in varied]
    return [
        one.key if keys.count(one.key) == 1 else one.path.removeprefix("systems.") for one in varied
    ]


Setting = tuple[Level, ...]
"""A level of each `Varied`, in their order."""


@dataclass(frozen=True)
class Design:
    """What is varied, and the settings that are tried."""

    kind: Kind
    varied: tuple[Varied, ...]
    settings: tuple[Setting, ...]

    def overrides(self, setting: Setting) -> list[str]:
        """As after ``--set``."""
        return [
            f"{varied.path}={level.words}"
            for varied, level in zip(self.varied, setting, strict=True)
        ]


def design(varied: Sequence[Varied], kind: Kind, points: int | None, seed: int) -> Design:
    """The settings of a design; of two that are the same, one.

    Args:
        varied: what is varied; no key twice.
        kind: ``grid``: every level with every other; ``lhs``: a Latin hypercube; ``sobol``: a
            scrambled Sobol sequence, which more points continue.
        points: how many, but for a grid, which has as many as it has; of a Sobol sequence, the next
            power of two, since it is balanced only then.
        seed: of what is drawn.

    Raises:
        LabError: these do not go together, or come to more than `MOST_POINTS`.
    """
    paths = [one.path for one in varied]
    if not varied:
        raise LabError(f"nothing is varied; {_EXAMPLES}")
    varying.check_distinct(paths)
    if kind == "grid":
        if points is not None:
            raise LabError("--points goes with --design lhs or sobol; a grid has its levels")
        total = prod(len(one.levels) for one in varied)
        _check(total)
        return Design(kind, tuple(varied), tuple(product(*(one.levels for one in varied))))
    if points is None:
        raise LabError(f"--design {kind} takes --points, how many settings are tried")
    _check(points)
    shares = _shares(kind, len(varied), points, seed)
    found = (tuple(one.at(share) for one, share in zip(varied, row, strict=True)) for row in shares)
    return Design(kind, tuple(varied), tuple(dict.fromkeys(found)))


def _check(points: int) -> None:
    if points > MOST_POINTS:
        raise LabError(f"{points:,} settings are more than {MOST_POINTS:,}: vary less")


def _shares(kind: Kind, keys: int, points: int, seed: int) -> list[list[float]]:
    from scipy.stats import qmc

    if kind == "lhs":
        drawn = qmc.LatinHypercube(keys, rng=seed).random(points)
    else:
        drawn = qmc.Sobol(keys, rng=seed).random_base2(max(0, (points - 1).bit_length()))
    return [[float(share) for share in row] for row in drawn]


def read(texts: Sequence[str], scenario: Scenario) -> list[Varied]:
    """What is varied, as written after ``--vary``.

    Args:
        texts: each ``path=levels`` or ``path=low..high[:log][:levels]``.
        scenario: in which it is varied.

    Raises:
        LabError: one is not of this form, has a path that does not exist or a value that does not
            fit it.
    """
    return [_read(text, scenario) for text in texts]


def _read(text: str, scenario: Scenario) -> Varied:
    its = varying.read(text, scenario, _EXAMPLES)
    path, key = its.path, str(its.keys[-1])
    if path in _NEVER:
        raise its.refused(f"{path!r} is not varied{_NEVER[path]}")
    if its.between is not None:
        return _range(its, its.between, scenario)
    levels = [_tried(scenario, path, words) for words in _apart(its.values)]
    if not all(isinstance(level.value, float) for level in levels):
        levels = [Level(level.words, level.words) for level in levels]
    distinct = {level.value: level for level in levels}
    if len(distinct) < 2:
        raise its.refused("one value is no variation; give two or more")
    return Varied(path, key, tuple(distinct.values()), unit=_unit([*distinct.values()][-1]))


def _range(its: Vary, between: Range, scenario: Scenario) -> Varied:
    in_ratios, count = False, LEVELS
    for word in between.rest:
        if word == "log":
            in_ratios = True
        elif word.isdigit() and 2 <= int(word) <= MOST_POINTS:
            count = int(word)
        else:
            raise its.refused(f"{word!r} is neither 'log' nor 2 or more levels")
    ends = [_tried(scenario, its.path, words) for words in (between.low, between.high)]
    low, high = (end.value for end in ends)
    if not isinstance(low, float) or not isinstance(high, float):
        raise its.refused("a range is of numbers; name the values instead, as a,b,c")
    if not low < high:
        raise its.refused(varying.DOWN)
    if in_ratios and low <= 0:
        raise its.refused("a range in ratios begins above 0")
    whole = _is_whole(scenario, its.path, low, high)
    values = [_between(low, high, i / (count - 1), in_ratios) for i in range(count)]
    if whole:
        values = [float(round(value)) for value in values]
    levels = tuple(map(_level, dict.fromkeys(values)))
    unit = _unit(ends[-1])
    return Varied(its.path, str(its.keys[-1]), levels, True, in_ratios, whole, unit)


def _between(low: float, high: float, share: float, in_ratios: bool) -> float:
    if share in (0.0, 1.0):  # the ends, to the last bit
        return high if share else low
    if in_ratios:
        return exp(log(low) + share * (log(high) - log(low)))
    return low + share * (high - low)


def _level(value: float) -> Level:
    rounded = float(f"{value:.6g}") if value < 1e6 else value
    return Level(f"{int(rounded)}" if rounded.is_integer() else repr(rounded), float(rounded))


def _apart(values: str) -> list[str]:
    """What commas part, but for those inside of brackets."""
    out, depth = [""], 0
    for letter in values:
        depth += (letter in "[{(") - (letter in "]})")
        if letter == "," and not depth:
            out.append("")
        else:
            out[-1] += letter
    return [words.strip() for words in out]


def _tried(scenario: Scenario, path: str, words: str) -> Level:
    """A value as the scenario takes it.

    Raises:
        ScenarioError: it does not.
    """
    number = _number(override(scenario, [f"{path}={words}"], "--vary"), path)
    return Level(words, words if number is None else number)


def _number(scenario: Scenario, path: str) -> float | None:
    """The number that a key is set to, in its own unit; None: it is set to none."""
    value = scenario.value_at(path)
    while isinstance(value, Mapping) and len(value) == 1:  # as {constant: 0.005}
        (value,) = value.values()
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _unit(level: Level) -> Unit:
    """The unit of a key, told from a value that was written with one."""
    if not isinstance(level.value, float) or not level.value or units.is_bare(level.words):
        return ""
    if "/" in level.words:
        return "/s"
    try:
        times = level.value / units.seconds(level.words)
    except ValueError:
        return "B"
    return "ms" if times > 500 else "s"


def _is_whole(scenario: Scenario, path: str, low: float, high: float) -> bool:
    """Whether a key takes whole numbers alone: whether it refuses what lies between two."""
    if not low.is_integer() or not high.is_integer():
        return False
    between: Any = (low + high) / 2 if ((low + high) / 2) % 1 else low + 0.5
    try:
        override(scenario, [f"{path}={between}"])
    except LabError:
        return True
    return False
