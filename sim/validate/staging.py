"""What stagings with clients in Python have in common: their commands, and when they are ready."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sim.validate.fleet import RealFleet


def module(name: str, *arguments: Path) -> Sequence[str]:
    """Command that runs a module of this room."""
    return [sys.executable, "-m", f"sim.validate.{name}", *map(str, arguments)]


def written(folder: Path, name: str, spec: Mapping[str, Any]) -> Path:
    """The file with what a process is told."""
    path = folder / name
    path.write_text(json.dumps(spec), encoding="utf-8")
    return path


def subscribed(fleets: Mapping[str, RealFleet]) -> bool:
    """Whether every process that was told to go has said that it is subscribed."""
    going = sum(client is not None for fleet in fleets.values() for client in fleet.places)
    return len(list(came_up_s(fleets))) == going


def came_up_s(fleets: Mapping[str, RealFleet]) -> Iterator[float]:
    """When each process that was told to go subscribed, s since 1970; of those that have."""
    for fleet in fleets.values():
        for client in fleet.places:
            if client is None:
                continue
            client.update()
            said = (line for line in client.lines if line[0] == "e")
            yield from (float(line[1]) for line in said if line[2:3] == ["subscribed"])
