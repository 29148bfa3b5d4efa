"""Is what `sim size` answers what trying every setting says?

    python tests/tools/sized.py --replications 20     a line each, and how often: minutes

On the shipped tournament, head-of-line and Celery scenarios. The fewest workers or consumers that
meet a goal are searched for; then a sweep with other seeds runs every number of them up to the
answer. It holds if the answer meets the goal in at least 90 % of its runs, and no smaller number
does, also none of which the search says itself that it is open.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from helpers.sized import CASES, confirmed  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--replications", type=int, default=20)
    parser.add_argument("--only", type=int, help="the number of a case, from 0")
    parser.add_argument("--jobs", type=int, help="processes; one a core if not given")
    given = parser.parse_args()
    cases = CASES if given.only is None else CASES[given.only : given.only + 1]
    held = 0
    for case in cases:
        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            its = confirmed(case, Path(folder), given.replications, jobs=given.jobs)
        held += its.holds
        met = ", ".join(f"{n}: {k}" for n, k in its.met.items())
        print(
            f"{case.scenario} {case.path.removeprefix('systems.')} "
            f"{' '.join([*case.overrides, case.goal])}: {its.answer} ({its.runs} runs; "
            f"open {its.open}); of {its.of} runs met with {met} (too close for the sweep alone: "
            f"{its.close}): {'holds' if its.holds else 'DOES NOT HOLD'}, "
            f"{time.perf_counter() - began:.0f} s",
            flush=True,
        )
    print(f"the sweep confirms {held} of {len(cases)}")
    return 0 if held == len(cases) else 1


if __name__ == "__main__":
    sys.exit(main())
