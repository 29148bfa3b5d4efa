"""Java's properties files, by the rules of ``Properties.load``.

Source: https://docs.oracle.com/javase/8/docs/api/java/util/Properties.html#load-java.io.Reader-
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from sim.imports.measured import complaint

_LINE_END = re.compile(r"\r\n|\r|\n")
_BLANK = " \t\f"
_KEY = re.compile(r"((?:\\.|[^\\=: \t\f])*)[ \t\f]*[=:]?[ \t\f]*", re.DOTALL)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_LETTERS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


class Entry(NamedTuple):
    """A key and its value."""

    key: str
    value: str
    line: int
    """Where it begins, from 1."""


def entries(path: Path, text: str) -> Iterator[Entry]:
    """Keys and values in the order of the file; of a key that is there twice, Java takes the last.

    Raises:
        LabError: a character's number (``\\u00e9``) without its four digits.
    """
    for line, words in _logical_lines(text):
        found = _KEY.match(words)
        assert found is not None  # it matches nothing, too
        key = _plain(path, line, "", found[1])
        yield Entry(key, _plain(path, line, key, words[found.end() :]), line)


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with those that continue them, without comments and blank lines."""
    # Not str.splitlines: it also breaks where Java does not, as at a form feed.
    lines = enumerate(_LINE_END.split(text), 1)
    for number, line in lines:
        words = line.lstrip(_BLANK)
        if not words or words[0] in "#!":
            continue
        while _continues(words):
            _, more = next(lines, (0, ""))
            words = words[:-1] + more.lstrip(_BLANK)
        if words:
            yield number, words


def _continues(words: str) -> bool:
    """Whether a line ends with a backslash that no other backslash escapes."""
    return (len(words) - len(words.rstrip("\\"))) % 2 == 1


def _plain(path: Path, line: int, key: str, words: str) -> str:
    def letter(found: re.Match[str]) -> str:
        code = found[1]
        if code == "u":
            # Without the value, which may be a password.
            raise complaint(path, "expected four hex digits after '\\u'", line, key)
        return chr(int(code[1:], 16)) if len(code) > 1 else _LETTERS.get(code, code)

    return _ESCAPE.sub(letter, words)
