"""The systems of the scenario itself, judged beside the presets: as they are, and with two more."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from sim.advice.data import Preset
from sim.scenario.load import Scenario
from sim.scenario.products.base import COUNTED

MORE = 2
"""So many more workers of each group are tried."""


class Own(Preset):
    """A system of the scenario."""

    name: str
    """In the scenario."""
    jobs: dict[str, list[str]]
    """Of each group or queue."""
    members: dict[str, int]
    """Of each, before the scenario's scale."""
    places: dict[str, list[str]]
    """Where each is configured, as a path from the system."""
    partitions: int
    """Of a log, before the scale; 1 of a queue."""

    functions: list[str]
    """Those whose work a Lambda function does: it has no workers."""

    @property
    def works(self) -> bool:
        """As `Preset.works`."""
        return len(self.functions) < len(self.members)

    def with_workers(self, workers: Mapping[str, int]) -> Any:
        """The system as in a scenario, with so many workers of each group."""
        system = deepcopy(self.system)
        for group, n in workers.items():
            node = system
            for key in self.places[group]:
                node = node[key]
            if group in self.functions:
                continue
            node[next((key for key in COUNTED if key in node), "workers")] = n
        return system


def own_systems(scenario: Scenario) -> Iterator[tuple[str, Own]]:
    """Each system of the scenario, by a name of its own.

    Args:
        scenario: with the systems.
    """
    for name, system in scenario.systems.items():
        data = system.model_dump(mode="json", by_alias=True)
        partitions: Any = data
        for key in system.partitions_at:
            partitions = partitions[key]
        readers = system.readers
        yield (
            f"yours.{name}",
            Own(
                title=f"yours: {name}",
                system=data,
                name=name,
                jobs={group: list(its.does) for group, its in readers.items()},
                members={group: its.members for group, its in readers.items()},
                functions=list(system.functions),
                places={group: [str(key) for key in system.place_of(group)] for group in readers},
                partitions=partitions if system.partitions_at else 1,
            ),
        )
