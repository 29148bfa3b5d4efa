"""What it costs to know where the time went: runs with and without the notes that it takes.

    python tests/tools/bench_waits.py                      # five pairs of runs each
    python tests/tools/bench_waits.py --pairs 9 noisy_tenant

The lab is copied twice and compiled, and out of one copy every statement is cut that notes a
message's time, an idle consumer or a limit in SQS's standard queues and in the groups of a log, and
all that splits times: the tables that say so stay empty there, all others are the same. The runs of
the two alternate; CPU is that of all threads of the whole command, without charts.
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCENARIOS = ("tournament_spike", "tournament_sqs_tuned")
NOTES = r"notes\.(?:note|not_idle|hand|gave_up|leave|acted|look_full|poll_ends)\([^\n]*\)"
CALLS = r"idles\.(?:note|cover)\([^\n]*\)"
COLUMNS = r"(?:group\.records\.)?handed_s\[row\] = [^\n]*|queue\.worked [+-]= [^\n]*"
STATEMENT = re.compile(rf"^( +)(?:{NOTES}|{CALLS}|{COLUMNS})$", re.MULTILINE)
STATEMENTS = {
    "sim/queue/sqs_standard_kernel.py": 15,
    "sim/queue/sqs_standard_rounds_kernel.py": 10,
    "sim/queue/sqs_standard_expiry_kernel.py": 6,
    "sim/log/group_kernel.py": 4,
    "sim/log/group_visits_kernel.py": 6,
}
"""How many statements note something, by module: what is cut is known to be whole."""
LINES = {
    "sim/queue/sqs_standard_kernel.py": (
        "row = queue.split[(message + queue.split_from) >> part_codes.BLOCK_BITS]\n",
        "row = -1\n",
    ),
    "sim/engine/waits.py": (
        "        split = blocks % self.every == 0\n",
        "        split = blocks < 0\n",
    ),
    "sim/measure/waits.py": ("        if became.waits is None:\n", "        if True:\n"),
}
"""Lines that decide whose time is split, and by what they are replaced: nobody's."""


def cut(root: Path) -> None:
    """Take the notes out of a copy of the lab.

    Raises:
        SystemExit: the lab has other statements than this expects.
    """
    for name, (old, new) in LINES.items():
        text = (root / name).read_text()
        if text.count(old) != 1:
            raise SystemExit(f"{name} does not have once: {old.strip()}")
        (root / name).write_text(text.replace(old, new))
    for name, expected in STATEMENTS.items():
        text, found = STATEMENT.subn(r"\1pass", (root / name).read_text())
        if found != expected:
            raise SystemExit(f"{name} notes something {found} times, not {expected}")
        (root / name).write_text(text)


def copied(to: Path, *, noting: bool) -> Path:
    """A copy of the lab's sources, compiled, with the notes or without."""
    ignored = shutil.ignore_patterns("*.so", "__pycache__", "build")
    shutil.copytree(ROOT / "sim", to / "sim", ignore=ignored)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, to)
    shutil.copytree(ROOT / "scenarios", to / "scenarios")
    if not noting:
        cut(to)
    _python(to, "-m", "sim.foundation.compile_kernels")
    return to


def _python(root: Path, *arguments: str) -> float:
    """CPU of a command of the lab in ``root``, s."""
    before = os.times()
    subprocess.run(
        [sys.executable, *arguments],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    after = os.times()
    return (
        after.children_user + after.children_system - before.children_user - before.children_system
    )


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("scenarios", nargs="*", default=SCENARIOS)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--set", action="append", default=[], dest="sets")
    asked = parser.parse_args(arguments)
    sets = [text for given in asked.sets for text in ("--set", given)]
    with tempfile.TemporaryDirectory() as folder:
        without = copied(Path(folder) / "without", noting=False)
        with_ = copied(Path(folder) / "with", noting=True)
        print(f"{'CPU of a run, s':24} {'min':>6} {'median':>6} {'max':>6}")
        for scenario in asked.scenarios:
            run = ("-m", "sim", "run", scenario, *sets, "--no-charts", "--name", "bench")
            pairs = [(_python(without, *run), _python(with_, *run)) for _ in range(asked.pairs)]
            for name, times in zip(("without", "with"), zip(*pairs, strict=True), strict=True):
                _say(f"{scenario} {name}", times)
            _say("  ratio", [known / unknown for unknown, known in pairs])


def _say(what: str, values: Sequence[float]) -> None:
    print(f"{what:30} {min(values):6.2f} {statistics.median(values):6.2f} {max(values):6.2f}")


if __name__ == "__main__":
    main(sys.argv[1:])
