"""What the pages tell a reader to do, read from them, done, and shown again.

    python tests/tools/pages.py                      # every page: put what is printed now into it
    python tests/tools/pages.py scenarios/size_it.md # some of them

In a ```console block stands `$ command`, and below it what it prints; a line `…` stands for lines
that are left out. The commands of a page are done one after the other, in a folder that has what a
bare clone has.
"""

import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "notebooks" / "README.md",
    ROOT / "results" / "README.md",
    *sorted(path for path in (ROOT / "scenarios").glob("*.md") if path.name != "REFERENCE.md"),
    ROOT / "sim" / "README.md",
    ROOT / "tests" / "README.md",
]
"""Pages that people write; the others are made by programs."""
LEFT_OUT = "…"
SHORT = {"sim run ": " --no-charts", "sim advise ": "", "sim explain ": ""}
"""What is added to a command that begins so: no chart is looked at here."""
KEPT = ("scenarios", "tests/data/exports", "tests/data/configs")
"""Folders of a clone that commands of the pages read."""
WIDTH = 80

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_DIGITS = re.compile(r"\d[\d,.]*")


@dataclass(frozen=True)
class Shown:
    """A command of a page, and what the page shows of its output."""

    command: str
    """As `bash` takes it; of several lines, if a text for a file follows."""
    chunks: tuple[tuple[str, ...], ...]
    """Lines that stand one below the other; between two chunks, some are left out."""
    start: int
    end: int
    """Where what is shown stands in the page."""


def shown(text: str) -> list[Shown]:
    """The commands of a page, in their order."""
    found = []
    for block in _BLOCK.finditer(text):
        at = block.start(1)
        lines = block[1].splitlines(keepends=True)
        while lines:
            assert lines[0].startswith("$ "), f"not a command: {lines[0]}"
            command = [lines.pop(0)]
            if (here := re.search(r"<<'?(\w+)'?", command[0])) is not None:
                while command[-1].strip() != here[1]:
                    command.append(lines.pop(0))
            while command[-1].endswith("\\\n"):
                command.append(lines.pop(0))
            at += sum(map(len, command))
            output = []
            while lines and not lines[0].startswith("$ "):
                output.append(lines.pop(0))
            end = at + sum(map(len, output))
            found.append(Shown("".join(command)[2:].rstrip("\n"), _chunks(output), at, end))
            at = end
    return found


def _chunks(lines: list[str]) -> tuple[tuple[str, ...], ...]:
    chunks: list[list[str]] = [[]]
    for line in lines:
        if line.strip() == LEFT_OUT:
            chunks.append([])
        else:
            chunks[-1].append(line.rstrip())
    return tuple(tuple(chunk) for chunk in chunks if chunk)


class Clone:
    """A folder with what a bare clone has, and `sim` on its path."""

    def __init__(self, folder: Path, text: str) -> None:
        """
        Args:
            folder: an empty one.
            text: of a page, which names the scenarios whose examples it needs.
        """
        self.folder = folder
        for name in KEPT:
            if (ROOT / name).exists():
                shutil.copytree(ROOT / name, folder / name)
        for example in (ROOT / "results").glob("*/example"):
            if example.parent.name in text:
                shutil.copytree(example, folder / example.relative_to(ROOT))
        command = folder / ".venv" / "bin" / "sim"
        command.parent.mkdir(parents=True)
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m sim "$@"\n')
        command.chmod(command.stat().st_mode | stat.S_IXUSR)

    def told(self, command: str) -> str:
        """What a command prints, errors and warnings included, without blanks at ends of lines.

        Raises:
            RuntimeError: it fails.
        """
        done = subprocess.run(
            ["bash", "-c", shortened(command)],
            cwd=self.folder,
            env={
                **os.environ,
                "PATH": f"{self.folder}/.venv/bin:{os.environ['PATH']}",
                "PYTHONPATH": str(ROOT),
                "COLUMNS": str(WIDTH),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"$ {command}\nends with {done.returncode}:\n{done.stdout}")
        return "\n".join(line.rstrip() for line in done.stdout.splitlines())


def shortened(command: str) -> str:
    """A command as it is done here."""
    added = next((more for start, more in SHORT.items() if command.startswith(start)), "")
    first, *rest = command.split("\n")
    return "\n".join([first if rest and first.endswith("\\") else first + added, *rest])


def again(chunks: tuple[tuple[str, ...], ...], output: str) -> list[tuple[str, ...]]:
    """The same part of an output for each chunk: from the line most like its first to its last."""
    lines = output.split("\n")
    found, at = [], 0
    for chunk in chunks:
        first = _most_alike(chunk[0], lines, at, at)
        last = _most_alike(chunk[-1], lines, first, first + len(chunk) - 1)
        found.append(tuple(lines[first : last + 1]))
        at = min(last + 1, len(lines) - 1)
    return found


def _most_alike(line: str, lines: list[str], start: int, about: int) -> int:
    """The line from `start` on that is most alike; of two, the one that is nearer to `about`."""

    def like(index: int) -> float:
        pair = (_DIGITS.sub("0", text) for text in (line, lines[index]))
        return SequenceMatcher(None, *pair, autojunk=False).ratio() - abs(index - about) * 1e-4

    return max(range(start, len(lines)), key=like)


def renewed(page: Path, folder: Path) -> str:
    """The text of a page with what its commands print now."""
    text = page.read_text()
    clone = Clone(folder, text)
    parts, at = [], 0
    for its in shown(text):
        output = clone.told(its.command)
        chunks = again(its.chunks, output)
        block = f"{LEFT_OUT}\n".join("".join(f"{line}\n" for line in chunk) for chunk in chunks)
        before = text[its.start : its.end]
        if before.startswith(LEFT_OUT):
            block = f"{LEFT_OUT}\n{block}"
        if before.rstrip("\n").endswith(f"\n{LEFT_OUT}"):
            block = f"{block}{LEFT_OUT}\n"
        parts += [text[at : its.start], block]
        at = its.end
    return "".join([*parts, text[at:]])


def main() -> None:
    """Renew the pages named on the command line, or all of them."""
    for page in [Path(name).resolve() for name in sys.argv[1:]] or PAGES:
        with tempfile.TemporaryDirectory() as folder:
            text = renewed(page, Path(folder))
        if text != page.read_text():
            page.write_text(text)
            print(page.relative_to(ROOT))


if __name__ == "__main__":
    main()
