"""Tables of made runs by name, each built once."""

from collections.abc import Callable

from helpers.tables import (
    brief,
    calm,
    football,
    hopeless,
    nothing,
)
from sim.measure.tables import Tables

MAKERS: dict[str, Callable[[], Tables]] = {
    f.__name__: f for f in (football, calm, nothing, hopeless, brief)
}


_made: dict[str, Tables] = {}


def tables_of(name: str) -> Tables:
    if name not in _made:
        _made[name] = MAKERS[name]()
    return _made[name]
