"""Draw the house from the code into `sim/README.md` (`make picture`; `--check`: is it still true?).

The floors are the layers of the import contract in `pyproject.toml`, the arrows are the imports
that the code really has, and what belongs into a room is the first sentence of its docstring.
"""

import ast
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "sim" / "README.md"
BEGIN = "<!-- drawn from the code: make picture -->"
END = "<!-- end of what is drawn -->"
WIDTH = 52
"""Of the house, in characters."""


def floors() -> list[list[str]]:
    """Rooms of each floor, the highest first, as the import contract has them."""
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    return [layer.split(" | ") for layer in contract["contracts"][0]["layers"]]


def imports(rooms: Sequence[str], package: Path) -> dict[str, set[str]]:
    """Rooms whose modules the modules of each room import, at their top or inside functions.

    Args:
        rooms: names of packages and of single modules.
        package: folder in which they are.
    """
    return {room: _imported(package, room) & set(rooms) - {room} for room in rooms}


def _imported(package: Path, room: str) -> set[str]:
    found = set()
    single = package / f"{room}.py"
    for path in [single] if single.exists() else sorted((package / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            modules: list[str] = []
            if isinstance(node, ast.ImportFrom) and node.module == package.name:
                modules = [f"{package.name}.{name.name}" for name in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                modules = [node.module]
            elif isinstance(node, ast.Import):
                modules = [name.name for name in node.names]
            parts = [module.split(".") for module in modules]
            found |= {part[1] for part in parts if part[0] == package.name and len(part) > 1}
    return found


def nearest(needs: Mapping[str, set[str]]) -> dict[str, list[str]]:
    """Of the rooms that each needs, those that it does not need through another anyway."""

    def below(room: str) -> set[str]:
        return needs[room].union(*(below(lower) for lower in needs[room]))

    return {
        room: sorted(low for low in lower if not any(low in below(other) for other in lower))
        for room, lower in needs.items()
    }


def house(rows: Sequence[Sequence[str]], arrows: Mapping[str, Sequence[str]]) -> list[str]:
    """The floors one above the other; beside each, and beside the line under it, its arrows."""
    edges = [_walls(row) for row in rows]
    lines = [_border([0, WIDTH], edges[0], "┌", "┐")]
    for n, row in enumerate(rows):
        last = n == len(rows) - 1
        names = zip(row, edges[n], edges[n][1:], strict=False)
        cells = [name.center(right - left - 1) for name, left, right in names]
        under = [0, WIDTH] if last else edges[n + 1]
        beside, *more = [*_said(row, arrows), ""]
        line = _border(edges[n], under, *("└┘" if last else "├┤"))
        lines.append(f"│{'│'.join(cells)}│  {beside}".rstrip())
        lines.append(f"{line}  {';  '.join(filter(None, more))}".rstrip())
    return lines


def _said(row: Sequence[str], arrows: Mapping[str, Sequence[str]]) -> list[str]:
    """The arrows of a floor in words: rooms that need the same are told together."""
    alike: dict[str, list[str]] = {}
    for room in row:
        if arrows[room]:
            alike.setdefault(", ".join(arrows[room]), []).append(room)
    all_alike = len(alike) == 1 and len(row) == sum(map(len, alike.values()))
    return [
        f"→ {lower}" if all_alike else f"{', '.join(rooms)} → {lower}"
        for lower, rooms in alike.items()
    ]


def _walls(row: Sequence[str]) -> list[int]:
    """Columns of the walls of a floor."""
    return [round(WIDTH * k / len(row)) for k in range(len(row) + 1)]


def _border(above: Sequence[int], below: Sequence[int], left: str, right: str) -> str:
    """The line between two floors, or over or under the house."""
    line = ["─"] * (WIDTH + 1)
    for column in {*above, *below}:
        line[column] = "┴" if column not in below else "┬" if column not in above else "┼"
    line[0], line[-1] = left, right
    return "".join(line)


def _first_sentence(room: str) -> str:
    single = ROOT / "sim" / f"{room}.py"
    path = single if single.exists() else ROOT / "sim" / room / "__init__.py"
    said = " ".join((ast.get_docstring(ast.parse(path.read_text())) or "").split())
    return said.partition(". ")[0].rstrip(".") + "."


def drawn() -> str:
    """What stands between the two markers."""
    rows = floors()
    rooms = [room for row in rows for room in row]
    arrows = nearest(imports(rooms, ROOT / "sim"))
    table = [
        "| room | what belongs there |",
        "|---|---|",
        *(f"| `{room}` | {_first_sentence(room)} |" for room in rooms),
    ]
    return "\n".join(["```text", *house(rows, arrows), "```", "", *table])


def page(text: str) -> str:
    """``text`` with what is drawn between its markers."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{drawn()}\n{END}{after}"


def main(arguments: Sequence[str]) -> int:
    """Write the page, or with ``--check`` compare it; 1: it is stale."""
    text = PAGE.read_text()
    if "--check" not in arguments:
        PAGE.write_text(page(text))
    elif text != page(text):
        print(f"{PAGE} does not show the rooms as they are: run `make picture`")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
