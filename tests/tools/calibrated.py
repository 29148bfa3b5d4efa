"""How often `sim calibrate` finds what was planted.

    python tests/tools/calibrated.py --seed 0 --count 30     a line each, and how often: minutes

A Kafka group at 60 to 85 % of what it can, or at more than it can; work that the scenario has wrong
by a factor of 0.4 to 2.5; and no fault, consumers slower for a while, or all standing still. What
is fitted to is a lag export with offsets, of another seed.
"""

import argparse
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from helpers.calibrated import exported, planted  # noqa: E402
from sim.studies.calibration import calibrate  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--lag-only", action="store_true", help="the export has no offsets")
    given = parser.parse_args()
    held = named = 0
    for seed in range(given.seed, given.seed + given.count):
        plant, began = planted(seed), time.perf_counter()
        measured = exported(plant.true, offsets=not given.lag_only)
        best = calibrate(plant.guess, measured).best
        guess_s = plant.guess.workload.service["job"].per_message.mean_s()
        of, low, high = (guess_s * x for x in best.values["work"])
        held += low <= plant.work_s <= high
        named += best.kind.name == plant.kind
        print(
            f"{seed:3} {plant.kind:5} -> {best.kind.name:7} work {1e3 * plant.work_s:4.0f} ms, "
            f"found {1e3 * of:4.0f} ({1e3 * low:.0f} to {1e3 * high:.0f})"
            f"{'' if low <= plant.work_s <= high else ' MISSED'}, {best.rms:.0f} off, "
            f"{time.perf_counter() - began:.0f} s",
            flush=True,
        )
    print(f"true work within the interval in {held} of {given.count}, fault named in {named}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
