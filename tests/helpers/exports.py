"""Exports of other tools, written by hand: where they are, and shorthands to read them."""

import json
import os
import subprocess
import sys
from pathlib import Path

from sim.imports.read import read

EXPORTS = Path(__file__).parents[1] / "data" / "exports"


def lines(name, measure="lag", start=None):
    found = read(EXPORTS / name).lines(measure, start)
    return {who: list(zip(t.tolist(), v.tolist(), strict=True)) for who, (t, v) in found.items()}


def written(folder, name, text):
    path = folder / name
    path.write_text(text if isinstance(text, str) else json.dumps(text))
    return path


def cli(*args, cwd):
    code = "from sim.cli.commands import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, args)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "COLUMNS": "100"},
        check=False,
    )
