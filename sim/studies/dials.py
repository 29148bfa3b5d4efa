"""What `sim size` turns: keys of one system, each with the values that may be chosen, in order."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sim.foundation import units
from sim.foundation.config import KeyPath
from sim.foundation.errors import LabError, ScenarioError
from sim.scenario.faults.topics import moved
from sim.scenario.load import Scenario
from sim.scenario.pipeline import refuse_pipeline
from sim.scenario.products.base import COUNTED
from sim.studies import varying
from sim.studies.varying import Vary

MOST = 64
"""The highest value that is tried, unless a range says more."""
MOST_VALUES = 10_000
MEMBERS = COUNTED
"""Keys that say how many members a group has, or a queue workers."""
_EXAMPLES = "expected PATH, PATH=1..64 or PATH=1,2,4,8"


@dataclass(frozen=True)
class Dial:
    """A key, and what it may be set to."""

    path: str
    """As after ``--set``."""
    key: str
    """Its last step: the key alone."""
    values: tuple[int, ...]
    """Ascending: the less, the cheaper."""
    system: str
    """Of which it is a key."""
    group: str | None
    """The group that it is of; None: of the system as a whole."""
    members: bool
    """Whether it is how many consumers or workers the group has."""
    partitions: bool
    """Whether it is how many partitions or shards the log has."""

    @property
    def name(self) -> str:
        """What it is called in a table: its last key, of which group."""
        return self.key if self.group is None else f"{self.group} {self.key}"


def read_dials(texts: Sequence[str], scenario: Scenario) -> list[Dial]:
    """What is varied, as written after ``--vary``.

    Args:
        texts: each a path, or ``path=low..high`` (every whole number), or ``path=1,2,4``.
        scenario: in which it is varied.

    Raises:
        LabError: one is not of this form, or no key of a system; they are of several systems, or
            more than one of them is not the number of members of a group.
    """
    if not texts:
        raise LabError(f"nothing is varied: --vary names a key, {_EXAMPLES}")
    dials = [_read(text, scenario) for text in texts]
    paths = [dial.path for dial in dials]
    varying.check_distinct(paths)
    systems = dict.fromkeys(dial.system for dial in dials)
    if len(systems) > 1:
        raise LabError(f"--vary: one system is sized at a time, not {' and '.join(systems)}")
    others = [dial for dial in dials if not dial.members]
    if len(others) > 1:
        raise LabError(
            "--vary: besides consumers or workers, one more key may be varied, not "
            f"{' and '.join(dial.path for dial in others)}"
        )
    return dials


def _read(text: str, scenario: Scenario) -> Dial:
    its = varying.read(text, scenario, _EXAMPLES, bare=True)
    place = its.keys
    if len(place) < 3 or place[0] != "systems":
        raise its.refused("it is keys of a system that are varied, such as "
                          f"systems.{next(iter(scenario.systems))}.…")  # fmt: skip
    name = str(place[1])
    system = scenario.systems[name]
    inner: KeyPath = place[2:]
    group = next(
        (g for g in system.readers if inner[: len(system.place_of(g))] == system.place_of(g)), None
    )
    members = group is not None and inner[-1] in MEMBERS and len(inner) == 3
    partitions = inner == system.partitions_at
    dial = Dial(its.path, str(inner[-1]), (), name, group, members, partitions)
    if not its.values:
        return replace(dial, values=_that_can_be(scenario, dial))
    values = _values(its)
    _check_most(scenario, dial, values[-1], its)
    return replace(dial, values=values)


def _check_most(scenario: Scenario, dial: Dial, most: int, its: Vary) -> None:
    """That the key may have the highest value: else doubling would go past all that it may have.

    A lower one may be too few for something else, as a fault that strikes the third of three: then
    it does not do.
    """
    try:
        scenario.with_(settings(scenario, [dial], [most]))
    except ScenarioError as error:
        why = next((one for one in error.problems if one.path == dial.path), None)
        if why is not None:
            raise its.refused(why.message) from None


def _values(its: Vary) -> tuple[int, ...]:
    try:
        if its.between is not None:
            low, high = units.count(its.between.low), units.count(its.between.high)
            if its.between.rest:
                raise its.refused(f"a range here is of every whole number; {_EXAMPLES}")
            if low >= high:
                raise its.refused(varying.DOWN)
            if high - low >= MOST_VALUES:
                raise its.refused(f"more than {MOST_VALUES:,} values")
            return tuple(range(low, high + 1))
        return tuple(sorted({units.count(value.strip()) for value in its.values.split(",")}))
    except ValueError as error:
        raise its.refused(f"{error}; {_EXAMPLES}") from None


def _that_can_be(scenario: Scenario, dial: Dial) -> tuple[int, ...]:
    """Of 1 to `MOST` the values that the key may have, which lie together; all, if none may."""

    def may_be(value: int) -> bool:
        try:
            scenario.with_(settings(scenario, [dial], [value]))
        except ScenarioError:
            return False
        return True

    def last(known: int, end: int) -> int:
        """The last from one that may be towards an end."""
        if may_be(end):
            return end
        while abs(end - known) > 1:
            middle = (known + end) // 2
            known, end = (middle, end) if may_be(middle) else (known, middle)
        return known

    its = scenario.value_at(dial.path)
    inside = isinstance(its, int) and 1 <= its <= MOST and may_be(its)
    known = its if inside else next((value for value in (1, MOST) if may_be(value)), None)
    if known is None:
        return tuple(range(1, MOST + 1))
    return tuple(range(last(known, 1), last(known, MOST) + 1))


def settings(scenario: Scenario, dials: Sequence[Dial], values: Sequence[int]) -> dict[str, object]:
    """What is set for dials to have these values, by dotted path.

    A fault that adds partitions adds as many as before.
    """
    out: dict[str, object] = {dial.path: n for dial, n in zip(dials, values, strict=True)}
    for dial, n in zip(dials, values, strict=True):
        now = scenario.systems[dial.system].partitions
        if dial.partitions and now is not None:
            out |= moved(scenario.faults, dial.system, now, n)
    return out


def caps(scenario: Scenario, dial: Dial) -> bool:
    """Whether members beyond the partitions of the log have nothing to read, and are not tried.

    So it is in a consumer group (KC-01) and a Kinesis application; not in a share group or a queue.
    """
    system = scenario.systems[dial.system]
    if not dial.members or system.partitions is None or dial.group is None:
        return False
    return system.place_of(dial.group)[0] == system.readers_at


def alone(scenario: Scenario, system: str) -> Scenario:
    """The scenario with this system alone, without the faults that strike only others.

    Raises:
        ScenarioError: it cannot be run without the others for another reason.
    """
    refuse_pipeline(scenario.pipeline, "sim size")
    others = {f"systems.{name}": None for name in scenario.systems if name != system}
    faults = scenario.model_dump(mode="json", by_alias=True)["faults"]
    kept = [*range(len(faults))]
    while True:
        changes = {**others, **({} if len(kept) == len(faults) else _faults(faults, kept))}
        try:
            return scenario.with_(changes) if changes else scenario
        except ScenarioError as error:
            unfit = set(_unfit(error))
            if not unfit:
                raise
            kept = [fault for i, fault in enumerate(kept) if i not in unfit]


def _faults(faults: Sequence[object], kept: Sequence[int]) -> Mapping[str, object]:
    return {"faults": [faults[i] for i in kept]}


def _unfit(error: ScenarioError) -> Iterator[int]:
    """Numbers of the faults that an error is about; none if it is about anything else as well."""
    found = [problem.path.split(".") for problem in error.problems]
    if all(len(path) > 1 and path[0] == "faults" and path[1].isdigit() for path in found):
        yield from (int(path[1]) for path in found)
