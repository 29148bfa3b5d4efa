"""Whether what is installed works by itself: `python tests/tools/try_wheel.py`, anywhere.

Compiled kernels are used, and a small run of a scenario beside this repository gives the table that
is kept of it.
"""

import sys
import sysconfig
from pathlib import Path

import sim
from sim.foundation.kernels import compiled

SCENARIO = Path(__file__).parents[2] / "scenarios" / "celery_jobs.yaml"


def main() -> None:
    """Say what was tried.

    Raises:
        SystemExit: something does not work.
    """
    where = Path(sim.__file__)
    if not where.is_relative_to(sysconfig.get_path("purelib")):
        sys.exit(f"{where} is not an installed package")
    summary = sim.run(sim.load(SCENARIO)).summary
    if not compiled():
        sys.exit("the kernels are not compiled")
    print(f"1 passed, 0 failed: {len(summary)} rows of {SCENARIO.stem} from {where.parent}")


if __name__ == "__main__":
    main()
