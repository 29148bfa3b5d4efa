"""The scenario files that are at hand by name, and what each is about: known without reading them
whole.
"""

from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from sim.foundation import files


def folders() -> list[Path]:
    """Where `load` looks for a bare name: `./scenarios`, then those that come with the lab.

    In a checkout, these are beside the package; in a wheel, they are in it.
    """
    package = Path(__file__).resolve().parents[1]
    own = package / "scenarios"
    return [Path.cwd() / "scenarios", own if own.is_dir() else package.parent / "scenarios"]


def available() -> list[Path]:
    """The scenario files that `load` finds by bare name (their stem), in order of name."""
    found: dict[str, Path] = {}
    for folder in folders():
        for path in folder.glob("*.yaml"):
            found.setdefault(path.stem, path)
    return [found[name] for name in sorted(found)]


def with_data() -> list[Path]:
    """Scenario files that `load` finds likewise, but whose data one has to get oneself."""
    return [path for folder in folders() for path in sorted((folder / "with_data").glob("*.yaml"))]


def about(path: Path) -> str | None:
    """What a file says that it asks, read no further than that; None if it cannot be told so.

    Nothing else of the file is looked at, so that there may be mistakes in it all the same.
    """
    depth = 0
    key: str | None = None
    try:
        for event in YAML(typ="safe", pure=True).parse(files.read_text(path)):
            if depth == 1 and isinstance(event, ScalarEvent):
                if key == "about":
                    return str(event.value)
                key = str(event.value) if key is None else None
            elif depth == 0 and isinstance(event, SequenceStartEvent):
                return None
            elif isinstance(event, MappingStartEvent | SequenceStartEvent):
                depth += 1
            elif isinstance(event, MappingEndEvent | SequenceEndEvent):
                depth -= 1
                if depth == 1:
                    key = None
    except (OSError, UnicodeDecodeError, YAMLError):
        return None
    return None
