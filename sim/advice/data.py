"""The file of the systems that `sim advise` tries."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from pydantic import Field
from ruamel.yaml import YAML

from sim.foundation.config import Config


class Preset(Config):
    """A system of `presets.yaml`."""

    title: str
    """In words."""
    only: Literal["several_jobs", "publisher", "failing"] | None = None
    """When it applies; null: always."""
    kin: list[str] = Field(default_factory=list)
    """What it is called besides its product: where it runs, or who runs it."""
    assumes: str = ""
    """What must be so of the work for it to be as quick as it is here, as a clause."""
    routes: bool = True
    """Whether its keys can say which messages a job wants; else it is not tried where that is
    needed."""
    system: dict[str, Any]
    """As in a scenario, with the words that the file explains."""
    publisher: dict[str, Any] = Field(default_factory=dict)
    """Merged into it where faults strike publishers or brokers."""
    hopeless: dict[str, Any] = Field(default_factory=dict)
    """Merged into it where the handler fails on some messages for ever, key by key."""

    @property
    def works(self) -> bool:
        """Whether it has workers to count; a Lambda function has none."""
        return "$workers" in str(self.system)

    @property
    def sized(self) -> bool:
        """Whether there is a number to look for: of workers, or of shards."""
        return self.works or "$partitions" in str(self.system)


def _read(name: str) -> Any:
    return YAML(typ="safe").load((files("sim.advice") / name).read_text("utf-8"))


@cache
def presets() -> Mapping[str, Preset]:
    """The systems to try, by name."""
    return {name: Preset.model_validate(entry) for name, entry in _read("presets.yaml").items()}
