"""Gives the command `sim` thousands of inputs that nobody would: `make fuzz`, or

    python tests/tools/fuzz.py 5000            seeds 0 to 4999, on all processors
    python tests/tools/fuzz.py 5000 10000      seeds 5000 to 9999
    python tests/tools/fuzz.py --replay FILE   one that failed, as a person would give it

Each runs in a process that is forked from one that has imported everything, and every fiftieth in a
new interpreter. Whatever the input, the command ends with 0, 1 or 2, with one message and without a
traceback, in bounded time and memory, and leaves nothing behind (`helpers.forked`). An input that
fails is written to `build/fuzz/`, from where it can be replayed.
"""

import json
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from helpers.forked import Attempt, Outcome, attempted  # noqa: E402
from helpers.fuzzed import fuzzed  # noqa: E402
from helpers.scenario_files import GOOD  # noqa: E402

KEPT = ROOT / "build" / "fuzz"
EVERY = 50
"""One in so many goes through a new interpreter."""


def warm_up() -> Path:
    """Import all that a command may, and keep a result; returns its folder."""
    from sim import lab
    from sim.charts.files import get_ready
    from sim.cli import commands, console  # noqa: F401
    from sim.imports import config, omb, read  # noqa: F401
    from sim.report.page import page  # noqa: F401
    from sim.results.store import Store, manifest
    from sim.scenario.load import load

    get_ready()
    scenario = load(GOOD, ["scale=0.05"])
    folder = Path(tempfile.mkdtemp(prefix="fuzz-stored-"))
    store = Store(folder, scenario, "kept")
    done = lab.run(scenario)
    return store.write(store.begin(), done.tables, manifest(scenario, ["sim"], done.wall_s))


def as_given(attempt: Attempt) -> bool:
    """Whether a new interpreter meets the same: not a limit, or a user, of its process."""
    of_process = {"file size", "as nobody"} & {words[0] for words in attempt.state}
    return not of_process and not any("\0" in word for word in attempt.arguments)


def keep(attempt: Attempt, outcome: Outcome) -> Path:
    """Write an input that failed where it can be replayed from."""
    KEPT.mkdir(parents=True, exist_ok=True)
    path = KEPT / f"{attempt.seed}.json"
    said = {"faults": outcome.faults, "status": outcome.status, "err": outcome.err[-3000:]}
    path.write_text(json.dumps({**attempt.as_data(), **said}, indent=1))
    return path


def share(seeds: range, stored: Path) -> dict[str, object]:
    """Try some seeds; returns what is to be told of them."""
    statuses: Counter[str] = Counter()
    failed, peak, longest_s = 0, 0, 0.0
    for seed in seeds:
        attempt = fuzzed(seed)
        outcome = attempted(attempt, stored, seed % EVERY == 0 and as_given(attempt))
        statuses[f"{attempt.kind}: {outcome.status}"] += 1
        peak, longest_s = max(peak, outcome.peak), max(longest_s, outcome.wall_s)
        if outcome.faults:
            failed += 1
            where = keep(attempt, outcome).relative_to(ROOT)
            words = " ".join(attempt.arguments)[:90]
            print(f"{where}: sim {words!r}: {'; '.join(outcome.faults)}", flush=True)
    return {"statuses": statuses, "failed": failed, "peak": peak, "longest_s": longest_s}


def in_parallel(first: int, last: int) -> list[dict[str, object]]:
    """Try seeds on all processors."""
    stored = warm_up()
    parts, processors = [], os.cpu_count() or 1
    for part in range(processors):
        ours, its = os.pipe()
        if os.fork() == 0:
            os.close(ours)
            try:
                found = share(range(first + part, last, processors), stored)
                os.write(its, json.dumps(found).encode())
            except BaseException:
                traceback.print_exc()
            os._exit(0)
        os.close(its)
        parts.append(ours)
    found = []
    for part in parts:
        with open(part) as said:
            found.append(json.loads(said.read()))
    shutil.rmtree(stored.parents[1])
    return found


def main() -> int:
    """The command; returns 1 if an input fails."""
    if sys.argv[1] == "--replay":
        attempt = Attempt.from_data(json.loads(Path(sys.argv[2]).read_text()))
        outcome = attempted(attempt, warm_up(), real=as_given(attempt))
        print(outcome.out, outcome.err, sep="\n")
        print(f"ends with {outcome.status} after {outcome.wall_s:.1f} s;", outcome.faults)
        return int(bool(outcome.faults))
    first, last = (0, int(sys.argv[1])) if len(sys.argv) == 2 else map(int, sys.argv[1:3])
    print(f"seeds {first} to {last - 1}", flush=True)
    began_s = time.monotonic()
    parts = in_parallel(first, last)
    statuses: Counter[str] = sum((Counter(part["statuses"]) for part in parts), Counter())
    for what, number in sorted(statuses.items()):
        print(f"{number:6} {what}")
    failed = sum(part["failed"] for part in parts)
    print(
        f"{sum(statuses.values())} inputs, {failed} failed, in {time.monotonic() - began_s:.0f} s;"
        f" the longest took {max(p['longest_s'] for p in parts):.1f} s, the largest"
        f" {max(p['peak'] for p in parts) / 2**20:.0f} MiB"
    )
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
