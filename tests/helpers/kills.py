"""Kill -9 of a run that writes its result: at each change on disk, and at random moments.

`python tests/helpers/kills.py changes` and `… moments 100 [seed]` do so, and say what they found.
After each kill an earlier result of another name is as it was, the result in whose place the run
writes is the earlier one or the new one, whole, and the same command given again leaves nothing but
these two.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent)]

from helpers.forked import Attempt, be_the_command, survivors, tree  # noqa: E402
from helpers.scenario_files import GOOD  # noqa: E402
from sim.measure.tables import Tables  # noqa: E402
from sim.results import folders  # noqa: E402
from sim.results.store import Store, manifest, read  # noqa: E402
from sim.scenario.load import Scenario, load  # noqa: E402

CHANGES = HERE / "kill_before.c"
AGAIN = 5
"""After one kill in so many, the next run is tried as well."""
GONE_S = 20.0
"""Processes of a killed run have ended so long after it."""


def library(folder: Path) -> Path | None:
    """What kills before a change, compiled; None: there is no C compiler here."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or sys.platform != "linux":
        return None
    path = folder / "kill_before.so"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-o", path, CHANGES, "-ldl"],
        check=True,
        capture_output=True,
    )
    return path


def write(out: Path, scenario: Scenario, tables: Tables) -> None:
    """All that a run does on disk: keep a system, draw, write, replace."""
    with closing(Store(out, scenario, "run")) as store:
        store.keep("kafka", tables)
        temporary = store.begin()
        (temporary / "charts").mkdir()
        for chart in ("lag.png", "latency.png"):
            (temporary / "charts" / chart).write_bytes(chart.encode() * 9_000)
        store.write(temporary, tables, about(scenario))


def about(scenario: Scenario) -> dict[str, Any]:
    """A manifest, the same at any time."""
    return {**manifest(scenario, ["sim"], {}), "finished": "2026-01-01T00:00:00+00:00"}


def small(number: int) -> Tables:
    """All tables, of a row and a column each: a file of many columns is many changes alike."""
    frame = pd.DataFrame({"system": [f"kafka {number}"]})
    return Tables(**dict.fromkeys(Tables.FRAMES, frame), duration_s=float(number))


class _Before:
    """Results that are there, and those that come."""

    def __init__(self, folder: Path, replaces: bool) -> None:
        self.checked = 0
        self.scenario = load(GOOD)
        self.tables = small(1)
        self.first = folder / "first"
        earlier = Store(self.first, self.scenario, "earlier")
        earlier.write(earlier.begin(), self.tables, about(self.scenario))
        if replaces:
            write(self.first, self.scenario, small(2))
        self.place = Path(self.scenario.name)
        self.earlier = tree(self.first / self.place / "earlier")
        whole = self.first / self.place / "run"
        self.wholes = [tree(whole)] if replaces else [{}]
        after = folder / "after"
        shutil.copytree(self.first, after)
        write(after, self.scenario, self.tables)
        self.wholes.append(tree(after / self.place / "run"))

    def check(self, out: Path) -> int:
        """What is there after a kill; returns 0 if it is what was before, 1 if it is the new."""
        store = Store(out, self.scenario, "run")
        there = out / self.place
        assert tree(there / "earlier") == self.earlier, "the earlier result is another"
        found = tree(there / "run") if (there / "run").exists() else {}
        assert found in self.wholes, f"half a result: {sorted(found)}"
        names = {path.name for path in there.iterdir()} - {"earlier", "run", "run.partial"}
        assert not names, f"left after the next run has looked: {names}"
        kept = store.finished("kafka")
        assert kept is None or kept.summary.equals(self.tables.summary), "half a system is kept"
        if found:
            read(there / "run")
        which = self.wholes.index(found)
        self.checked += 1
        if self.checked % AGAIN:
            return which
        write(out, self.scenario, self.tables)
        assert {path.name for path in there.iterdir()} == {"earlier", "run"}
        assert tree(there / "run") == self.wholes[1], "the next run does not put it right"
        return which


def at_each_change(replaces: bool, step: int) -> Counter[str]:
    """Kill before each change on disk in turn, or where it writes in the middle of it.

    Args:
        replaces: whether there is a result in the place.
        step: of so many changes one is taken.
    """
    kill_before = ctypes.CDLL(None).kill_before
    kill_before.argtypes = [ctypes.c_char_p, ctypes.c_long, ctypes.c_long]
    seen: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as above:
        before = _Before(Path(above), replaces)
        for n in range(0, 10_000, step):
            out = Path(above, str(n))
            shutil.copytree(before.first, out)
            pid = os.fork()
            if pid == 0:
                kill_before(os.fsencode(out), n, 1)
                write(out, before.scenario, before.tables)
                os._exit(0)
            status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            assert status in (0, -signal.SIGKILL), f"change {n}: the writer ends with {status}"
            try:
                seen[("before", "after")[before.check(out)]] += 1
            except AssertionError as broken:
                raise AssertionError(f"killed at change {n}: {broken}") from broken
            shutil.rmtree(out)
            if status == 0:
                return seen
    raise AssertionError("the writer never came to its end")


def at_random_moments(times: int, seed: int) -> Counter[str]:
    """Kill the command `sim run` at random moments; counts what was found."""
    rng = np.random.default_rng(seed)
    seen: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        above = Path(name)
        scenario = above / "s.yaml"
        scenario.write_text(GOOD.read_text())
        sets = ["--set", "scale=0.05", "--set", "drain_limit=60", "--seed"]
        words = ["run", str(scenario), *sets]
        first = above / "first"
        for run_name, number in (("earlier", "1"), ("run", "2")):
            _killed([*words, number, "--out", str(first), "--name", run_name, "--no-charts"], None)
        place = first / "two-systems"
        snapshots = {path.name: tree(path) for path in place.iterdir()}
        for i in range(times):
            out = above / str(i)
            shutil.copytree(first, out)
            charts = i % 10 == 9
            command = [*words, "3", "--out", str(out), "--name", "run"]
            command += [] if charts else ["--no-charts"]
            after_s = rng.uniform(0.0, _usual_s(words, above, charts))
            killed = _killed(command, after_s)
            seen["killed" if killed else "ended before"] += 1
            there = out / "two-systems"
            folders.recover(there)
            assert tree(there / "earlier") == snapshots["earlier"], "the earlier result is another"
            seed_now = read(there / "run").manifest["seed"]
            if seed_now == 2:
                assert tree(there / "run") == snapshots["run"], "the result before is another"
            names = {path.name for path in there.iterdir()} - {"earlier", "run", "run.partial"}
            assert not names, f"left behind: {names}"
            seen["before" if seed_now == 2 else "after"] += 1
            shutil.rmtree(out)
    return seen


_usual: dict[bool, float] = {}


def _usual_s(words: list[str], above: Path, charts: bool) -> float:
    """How long the command takes, s, and some more."""
    if charts not in _usual:
        began_s = time.monotonic()
        more = ["3", "--out", str(above / f"timed-{charts}"), "--name", "run"]
        _killed([*words, *more, *([] if charts else ["--no-charts"])], None)
        _usual[charts] = 1.1 * (time.monotonic() - began_s)
    return _usual[charts]


def _killed(words: list[str], after_s: float | None) -> bool:
    """Give a command and kill it after so long (None: never); whether it had not ended.

    What it had begun ends by itself.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "here")
        folder.mkdir()
        Path(name, "tmp").mkdir()
        said = (Path(name, "out"), Path(name, "err"))
        pid = os.fork()
        if pid == 0:
            be_the_command(Attempt(0, "kill", tuple(words)), folder, said)
        if after_s is not None:
            time.sleep(after_s)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        assert status in (0, -signal.SIGKILL), said[1].read_text()
        until_s = time.monotonic() + GONE_S
        while left := survivors(pid):
            assert time.monotonic() < until_s, f"processes of a killed run live on: {left}"
            time.sleep(0.02)
        return status != 0


def main() -> None:
    arguments: list[Any] = sys.argv[1:]
    if arguments[0] == "changes":
        for replaces in (True, False):
            what = "replacing one" if replaces else "first of its name"
            print(f"{what}: {dict(at_each_change(replaces, 1 if replaces else 3))}")
    else:
        seed = int(arguments[2]) if len(arguments) > 2 else 1
        print(f"seed {seed}: {dict(at_random_moments(int(arguments[1]), seed))}")


if __name__ == "__main__":
    main()
