"""What sets runs apart: short names for several, and from one to the next what changed, and why."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from sim.foundation.errors import LabError
from sim.foundation.text import count, drain, duration, rate

_MOST = 3
"""Differences that fit a label."""
_MOST_CHANGES = 6
"""Differences between scenarios beyond which they are two scenarios, not one that was changed."""
_MOST_GROUPS = 4
"""Groups of which it is said what changed."""
_NOTICED = 1.5
"""A number that matters is this many times what it was, or less than what it was by as much…"""
_LEAST_S, _LEAST_MESSAGES = 0.1, 10.0
"""…and at least one of the two is this large."""

_EFFECTS: Mapping[str, tuple[str, Callable[[float], str], float]] = {
    "drain_s": ("time to drain {}", drain, _LEAST_S),
    "max_time_lag_s": ("age of oldest {}", duration, _LEAST_S),
    "latency_p99_s": ("p99 {}", duration, _LEAST_S),
    "lost": ("{} lost", count, _LEAST_MESSAGES),
    "dead_lettered": ("{} dead-lettered", count, _LEAST_MESSAGES),
    "unfinished": ("{} unfinished", count, _LEAST_MESSAGES),
    "double_effects": ("{} duplicates applied", count, _LEAST_MESSAGES),
    "violations": ("{} out of order", count, _LEAST_MESSAGES),
}
"""Column of the summary -> how it is said, and what is too little to say."""
_CAUSES: Mapping[str, tuple[str, Callable[[float], str], float]] = {
    "messages_per_call": ("{} messages a call", lambda n: f"{n:.3g}", 0.0),
    "consumers": ("{} consumers", count, 0.0),
    "rate_per_s": ("{} while a backlog stands", rate, 0.0),
}
"""The same of what made it so."""


def labels(contents: Sequence[Mapping[str, Any]], otherwise: Sequence[str]) -> list[str]:
    """A label for each of several scenarios, no two alike.

    Args:
        contents: each scenario as plain data, defaults filled in.
        otherwise: what to call each if they differ in nothing, or in too much to say.
    """
    flat = [dict(leaves(content)) for content in contents]
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


def leaves(content: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Dotted path and text of every value in plain data; a list counts as one."""
    if isinstance(content, Mapping):
        for key, value in content.items():
            yield from leaves(value, f"{path}.{key}" if path else str(key))
    else:
        yield path, str(content)


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What is set otherwise in the second scenario: "path: old -> new"; [] if that is much.

    Args:
        before: a scenario as plain data, defaults filled in; those of keys that came to be after
            it was written count as set.
        after: the other one.
    """
    old, new = dict(leaves(before)), dict(leaves(after))
    if old.keys() != new.keys():
        old = dict(leaves(_as_of_now(before)))
    paths = [p for p in {**old, **new} if p != "about" and old.get(p) != new.get(p)]
    if len(paths) > _MOST_CHANGES:
        return []
    return [f"{p}: {old.get(p, 'not set')} -> {new.get(p, 'not set')}" for p in paths]


def _as_of_now(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """A scenario with the defaults of today's keys too; as it is if today it would be none."""
    from sim.scenario.load import Scenario

    try:
        return Scenario.from_mapping(content).model_dump(mode="json", by_alias=True)
    except LabError:
        return content


def effects(before: pd.DataFrame, after: pd.DataFrame) -> list[str]:
    """What came out otherwise, a clause for each group, the gravest first: effects, then causes.

    Args:
        before: the summary of a run.
        after: of the other one; only groups that both have are told of.
    """
    whom = ["system", "group"]
    both = before.merge(after, on=whom, suffixes=(" before", ""))
    found = []
    for row in both.to_dict("records"):
        said = list(_moved(row, _EFFECTS))
        if said:
            apart = max(size for size, _ in said)
            parts = (said, _moved(row, _CAUSES))
            words = [", ".join(clause for _, clause in part) for part in parts]
            who = f"{row['system']}.{row['group']}"
            found.append((apart, f"{who}: {'; '.join(part for part in words if part)}"))
    found.sort(key=lambda entry: -entry[0])
    told = [words for _, words in found[:_MOST_GROUPS]]
    rest = len(found) - len(told)
    return [*told, f"and {rest} more groups"] if rest else told


def _moved(
    row: Mapping[Any, Any], columns: Mapping[str, tuple[str, Callable[[float], str], float]]
) -> Iterator[tuple[float, str]]:
    """How many times as large, and in words, of each number that is noticeably another."""
    for column, (words, say, least) in columns.items():
        if f"{column} before" not in row:
            continue  # one of the two is of an older version
        old, new = float(row[f"{column} before"]), float(row[column])
        low, high = min(old, new), max(old, new)
        times = high / low if low > 0 else float("inf")
        if high > low and high >= least and times >= _NOTICED:
            yield times, words.format(f"{say(old)} -> {say(new)}")
