"""Errors that a person can act on: what is wrong, where it stands, and the nearest right name."""

import difflib
from collections.abc import Iterable, Sequence
from typing import ClassVar, NamedTuple


class LabError(Exception):
    """Something that the user can put right; the command line prints it and exits with 2."""

    code: ClassVar[int] = 2
    """With which the command line exits."""


class NoRoomError(LabError):
    """A disk is full: nothing is wrong with what was asked for."""

    code = 1


MOST_TOLD = 100
"""Problems that an error tells of, and that a nearest name is looked for."""
_LONGEST = 200
"""Letters of a word that an error repeats, and that a nearest name is looked for."""


class Problem(NamedTuple):
    """One thing that is wrong with a scenario."""

    file: str
    """The file as the user would name it, or the override (`--set a.b=1`) at fault."""
    line: int | None
    """Line of the key, from 1; None for an override or a file that is not there."""
    path: str
    """Dotted path of the key (`systems.kafka.topic`); empty for the whole file."""
    message: str
    """What is wrong, and the way out where one is known."""

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        return ": ".join(part for part in (where, self.path, self.message) if part)


class ScenarioError(LabError):
    """A scenario that cannot be run. Its text has one line for each problem."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        lines = [*map(str, self.problems[:MOST_TOLD])]
        if len(self.problems) > MOST_TOLD:
            lines.append(f"and {len(self.problems) - MOST_TOLD:,} more")
        super().__init__("\n".join(lines))


def _plain(word: str) -> str:
    return "".join(letter for letter in word.lower() if letter not in "._- ")


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that ``word`` was probably meant to be, or None.

    Case and the separators ``.``, ``_`` and ``-`` do not count: ``max_poll_records`` finds
    ``max.poll.records``.
    """
    if len(word) > _LONGEST:
        return None
    by_plain = {_plain(candidate): candidate for candidate in candidates}
    found = difflib.get_close_matches(_plain(word), by_plain, n=1, cutoff=0.6)
    return by_plain[found[0]] if found else None


def unknown_key(word: str, candidates: Sequence[str], more: Iterable[str] = ()) -> str:
    """Message for a key that does not exist; the problem's path names it.

    Args:
        word: the key.
        candidates: keys to name if none is near.
        more: keys that are named only if one of them is near.
    """
    return f"unknown key; {_instead(word, candidates, more)}"


def unknown(kind: str, word: str, candidates: Sequence[str]) -> str:
    """Message for a value that names nothing, such as ``unknown job 'x'; known: a, b``."""
    said = word if len(word) <= _LONGEST else f"{word[:_LONGEST]}…"
    return f"unknown {kind} {said!r}; {_instead(word, candidates)}"


def _instead(word: str, candidates: Sequence[str], more: Iterable[str] = ()) -> str:
    near = nearest(word, [*candidates, *more])
    return f"did you mean {near!r}?" if near else f"known: {', '.join(candidates) or 'none'}"
