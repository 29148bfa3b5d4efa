"""Documented keys of a product that the lab does not model; a scenario may hold them.

They stand in `<product>_not_modelled.yaml`, beside the product, each with the reason why it has no
effect on lag, loss or order here. A file has `source` (where they are documented, and of which
version), `because` (reasons that many keys share, by a word), `keys` (by section of the product and
such a word, sorted, separated by blanks) and `each` (by section: keys with a reason of their own).
A part of a key that begins with `$` stands for any word.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path

from ruamel.yaml import YAML

from sim.foundation.config import pattern

_HERE = Path(__file__).parent


class NotModelled(Mapping[str, str]):
    """Keys of sections of a file, each with its reason; the file is read when somebody asks.

    Of a key that two sections have, the reason of the later one counts.
    """

    def __init__(self, product: str, *sections: str) -> None:
        """
        Args:
            product: name of the file, without `_not_modelled.yaml`.
            sections: of its `keys` and `each`.
        """
        self._product, self._sections = product, sections

    @cached_property
    def _reasons(self) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for section in self._sections:
            found |= _file(self._product)[section]
        return found

    @cached_property
    def _patterns(self) -> Sequence[tuple[re.Pattern[str], str]]:
        return [(re.compile(pattern(key)), why) for key, why in self._reasons.items() if "$" in key]

    def __getitem__(self, key: str) -> str:
        if key in self._reasons:
            return self._reasons[key]
        for shape, why in self._patterns:
            if shape.fullmatch(key):
                return why
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._reasons)

    def __len__(self) -> int:
        return len(self._reasons)


def products() -> list[str]:
    """Names of the files, as `NotModelled` takes them."""
    return sorted(
        path.name.removesuffix("_not_modelled.yaml") for path in _HERE.glob("*_not_modelled.yaml")
    )


def sections(product: str) -> Mapping[str, Mapping[str, str]]:
    """Each section of a file: its keys, and their reasons."""
    return _file(product)


@cache
def _file(product: str) -> dict[str, dict[str, str]]:
    text = (_HERE / f"{product}_not_modelled.yaml").read_text(encoding="utf-8")
    data = YAML(typ="safe", pure=True).load(text)
    because, each = data["because"], data.get("each") or {}
    found: dict[str, dict[str, str]] = {}
    for section, groups in (data.get("keys") or {}).items():
        listed = {key: because[word] for word, text in groups.items() for key in text.split()}
        found[section] = listed
    for section, reasons in each.items():
        found.setdefault(section, {}).update(reasons)
    return found
