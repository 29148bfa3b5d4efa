"""The messages of a scenario as columns: what every compared system is given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Messages:
    """All messages in order of creation; row number is the message's identity."""

    created_s: NDArray[np.float64]
    """[messages] ascending, s since the start of the scenario."""
    entity: NDArray[np.int32]
    """[messages] combination of key values, numbered with the last dimension fastest."""
    size_bytes: NDArray[np.int32]
    """[messages], or [1] when all are the same."""
    dims: Mapping[str, Sequence[str]]
    """Names of the values of each key dimension, in order."""
    duration_s: float
    """When arrivals end, s."""

    def __len__(self) -> int:
        return int(self.created_s.size)

    def keys_by(self, dims: Sequence[str]) -> tuple[NDArray[np.int32], list[str]]:
        """What a key made of ``dims`` is for each entity.

        Returns:
            [entities] number of the key, and [keys] its name: the values joined by ``/``.
        """
        shape = [len(values) for values in self.dims.values()]
        entities = np.arange(int(np.prod(shape, dtype=np.int64)))
        coordinates = dict(zip(self.dims, np.unravel_index(entities, shape), strict=True))
        number = np.zeros(entities.size, np.int64)
        names = [""]
        for dim in dims:
            values = self.dims[dim]
            number = number * len(values) + coordinates[dim]
            names = [f"{name}/{value}" if name else value for name in names for value in values]
        return number.astype(np.int32), names
