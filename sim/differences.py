"""Short names for several runs: what sets each one's scenario apart from the others."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_MOST = 3
"""Differences that fit a label."""


def labels(contents: Sequence[Mapping[str, Any]], otherwise: Sequence[str]) -> list[str]:
    """A label for each of several scenarios, no two alike.

    Args:
        contents: each scenario as plain data, defaults filled in.
        otherwise: what to call each if they differ in nothing, or in too much to say.
    """
    flat = [dict(_leaves(content)) for content in contents]
    paths = dict.fromkeys(path for leaves in flat for path in leaves)
    differing = [
        path for path in paths if path != "about" and len({leaves.get(path) for leaves in flat}) > 1
    ]
    out = list(otherwise)
    if 1 <= len(differing) <= _MOST and "name" not in differing:
        out = [
            ", ".join(
                f"{path.removeprefix('systems.')}={leaves.get(path, 'none')}" for path in differing
            )
            for leaves in flat
        ]
    seen: Counter[str] = Counter()
    for i, label in enumerate(out):
        seen[label] += 1
        if seen[label] > 1:
            out[i] = f"{label} ({seen[label]})"
    return out


def _leaves(content: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Dotted path and text of every value in plain data; a list counts as one."""
    if isinstance(content, Mapping):
        for key, value in content.items():
            yield from _leaves(value, f"{path}.{key}" if path else str(key))
    else:
        yield path, str(content)
