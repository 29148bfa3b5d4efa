"""The messages of a scenario as columns: what every compared system is given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from sim.foundation.arrays import F64, I16, I32, I64, Bools
from sim.scenario.workload import STATE

_T = TypeVar("_T", bound=np.generic)


class Numbered(Sequence[str]):
    """The names ``prefix-0``, ``prefix-1``, …, made when they are asked for."""

    def __init__(self, prefix: str, n: int) -> None:
        """
        Args:
            prefix: what all names begin with.
            n: how many there are.
        """
        self.prefix = prefix
        self.n = n

    def __len__(self) -> int:
        return self.n

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        """The name of a number; a list of names for a slice."""
        if isinstance(index, slice):
            return [f"{self.prefix}-{i}" for i in range(*index.indices(self.n))]
        return f"{self.prefix}-{range(self.n)[index]}"

    def index(self, value: str, *_: int) -> int:
        """The number of a name.

        Raises:
            ValueError: there is no such name.
        """
        digits = value.removeprefix(f"{self.prefix}-")
        if digits.isdecimal() and f"{self.prefix}-{int(digits)}" == value:
            return range(self.n).index(int(digits))
        raise ValueError(value)


@dataclass(frozen=True)
class Messages:
    """All messages in order of creation; row number is the message's identity."""

    created_s: F64
    """[messages] ascending, s since the start of the scenario; of what waited then, below 0."""
    entity: I32
    """[messages] combination of key values, numbered with the last dimension fastest."""
    size_bytes: I32
    """[messages], or [1] when all are the same."""
    dims: Mapping[str, Sequence[str]]
    """Names of the values of each key dimension, in order."""
    duration_s: float
    """When arrivals end, s."""
    posting_cents: I64 | None = None
    """[messages] what each posts to the books; None where entities do not go through states."""
    seq: I16 | None = None
    """[messages] how many came before of the same entity; None as above."""
    states: Sequence[str] = ()
    """Names of the states that an entity's messages lead to in turn, if all go through the same."""

    def __len__(self) -> int:
        return int(self.created_s.size)

    @property
    def waiting(self) -> int:
        """How many of the first were created before the start."""
        return int(np.searchsorted(self.created_s, 0.0))

    def only(self, rows: I32) -> "Messages":
        """The messages in ``rows`` (ascending), numbered anew from 0."""

        def column(values: NDArray[_T]) -> NDArray[_T]:
            return values[rows] if values.size == len(self) else values

        return replace(
            self,
            created_s=self.created_s[rows],
            entity=self.entity[rows],
            size_bytes=column(self.size_bytes),
            posting_cents=None if self.posting_cents is None else self.posting_cents[rows],
            seq=None if self.seq is None else self.seq[rows],
        )

    def rolled_on(self, final: int, following: "Messages") -> "Messages":
        """Without the first ``final``, and with those that follow; all of one size."""
        return replace(
            self,
            created_s=np.concatenate([self.created_s[final:], following.created_s]),
            entity=np.concatenate([self.entity[final:], following.entity]),
        )

    def where(self, wanted: Mapping[str, Sequence[str]]) -> I32:
        """The messages whose dimensions have one of the values ``wanted``, ascending."""
        return np.flatnonzero(self.have(wanted)[self.entity]).astype(np.int32)

    def have(self, wanted: Mapping[str, Sequence[str]]) -> Bools:
        """[entities] whether the dimensions of each have one of the values ``wanted``."""
        chosen = np.ones(self.entities, np.bool_)
        for dim, values in wanted.items():
            has_one = np.array([name in values for name in self.dims[dim]])
            value_of, _ = self.keys_by([dim])
            chosen &= has_one[value_of]
        return chosen

    def of_each(self, wanted: Mapping[str, Mapping[str, Sequence[str]] | None]) -> dict[str, I32]:
        """[wanted] the messages `where` each wants them, ascending; only for those that choose."""
        return {name: self.where(its) for name, its in wanted.items() if its}

    @property
    def entities(self) -> int:
        """Combinations of the dimensions' values."""
        return int(np.prod([len(values) for values in self.dims.values()], dtype=np.int64))

    def keys_of(self, dims: Sequence[str]) -> tuple[I32, Sequence[str]]:
        """What a key made of ``dims``, and of the message's state if `STATE` is among them, is.

        Returns:
            [messages] number of the key, and [keys] its name.
        """
        by = [dim for dim in dims if dim != STATE or STATE in self.dims]
        key_of, names = self.keys_by(by)
        if len(by) == len(dims) or self.seq is None:
            return key_of[self.entity], names
        states = self.states or [str(n) for n in range(int(self.seq.max(initial=0)) + 1)]
        key = key_of[self.entity] * np.int32(len(states)) + self.seq
        return key.astype(np.int32), [f"{name}/{state}" for name in names for state in states]

    def keys_by(self, dims: Sequence[str], joined_by: str = "/") -> tuple[I32, Sequence[str]]:
        """What a key made of ``dims`` is for each entity.

        Returns:
            [entities] number of the key, and [keys] its name: the values, joined.
        """
        if list(dims) == list(self.dims) and len(dims) == 1:
            names = self.dims[dims[0]]
            return np.arange(len(names), dtype=np.int32), names
        if not self.dims:
            return np.zeros(1, np.int32), [""]
        shape = [len(values) for values in self.dims.values()]
        entities = np.arange(int(np.prod(shape, dtype=np.int64)))
        coordinates = dict(zip(self.dims, np.unravel_index(entities, shape), strict=True))
        number = np.zeros(entities.size, np.int64)
        joined = [""]
        for dim in dims:
            values = self.dims[dim]
            number = number * len(values) + coordinates[dim]
            joined = [
                f"{name}{joined_by}{value}" if name else value
                for name in joined
                for value in values
            ]
        return number.astype(np.int32), joined
