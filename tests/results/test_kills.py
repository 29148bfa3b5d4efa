"""Kill -9 of a run: what was there before is whole, and the new result is whole or absent."""

import os
import subprocess
import sys
from ast import literal_eval
from pathlib import Path

import pytest

from helpers import kills

MOMENTS = 100


def killer(tmp_path, *arguments, **environment):
    done = subprocess.run(
        [sys.executable, kills.__file__, *arguments],
        env={**os.environ, **environment, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_a_kill_at_each_change_on_disk_leaves_what_was_there_or_the_new_result(tmp_path):
    library = kills.library(tmp_path)
    if library is None:
        pytest.skip("there is no C compiler here")
    lines = killer(tmp_path, "changes", LD_PRELOAD=str(library))
    assert len(lines) == 2
    for line in lines:
        found = literal_eval(line.partition(": ")[2])
        assert found["before"] > 50 and found["after"] >= 1, line


def test_a_kill_at_random_moments_leaves_what_was_there_or_the_new_result(tmp_path):
    (line,) = killer(tmp_path, "moments", str(MOMENTS))
    found = literal_eval(line.partition(": ")[2])
    assert found["before"] + found["after"] == MOMENTS, line
    assert found["killed"] > MOMENTS // 2, line


def test_the_changes_are_seen_of_which_a_run_is_made(tmp_path):
    """Without what it counts, the test of each change would prove nothing."""
    library = kills.library(tmp_path)
    if library is None:
        pytest.skip("there is no C compiler here")
    code = (
        "import ctypes, os, shutil, sys, pathlib, pandas as pd\n"
        "lib = ctypes.CDLL(None); lib.changes_seen.restype = ctypes.c_long\n"
        "place = pathlib.Path(sys.argv[1]); counts = []\n"
        "lib.kill_before(os.fsencode(place), ctypes.c_long(-1), ctypes.c_long(0))\n"
        "def did(change):\n"
        "    before = lib.changes_seen(); change(); counts.append(lib.changes_seen() - before)\n"
        "did(lambda: (place / 'a').mkdir())\n"
        "did(lambda: (place / 'a' / 'b').write_text('x'))\n"
        "did(lambda: (place / 'a').rename(place / 'c'))\n"
        "did(lambda: pd.DataFrame({'x': [1]}).to_parquet(place / 'c' / 'd'))\n"
        "did(lambda: (place / 'c' / 'b').unlink())\n"
        "did(lambda: shutil.rmtree(place / 'c'))\n"
        "did(lambda: (place / 'c').exists())\n"
        "print(counts)\n"
    )
    place = tmp_path / "place"
    place.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", code, place],
        env={**os.environ, "LD_PRELOAD": str(library)},
        capture_output=True,
        text=True,
        check=True,
    )
    counts = literal_eval(done.stdout)
    assert counts[:3] == [1, 2, 1] and counts[3] >= 2 and counts[4:] == [1, 2, 0]
    assert Path(place).is_dir()
