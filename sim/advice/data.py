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
    only: Literal["several_jobs", "publisher"] | None = None
    """When it applies; null: always."""
    system: dict[str, Any]
    """As in a scenario, with the words that the file explains."""
    publisher: dict[str, Any] = Field(default_factory=dict)
    """Merged into it where faults strike publishers or brokers."""


def _read(name: str) -> Any:
    return YAML(typ="safe").load((files("sim.advice") / name).read_text("utf-8"))


@cache
def presets() -> Mapping[str, Preset]:
    """The systems to try, by name."""
    return {name: Preset.model_validate(entry) for name, entry in _read("presets.yaml").items()}
