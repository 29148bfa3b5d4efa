"""Whether what is installed works by itself: `python tests/tools/try_wheel.py`, anywhere.

Compiled kernels are used, the scenarios that come with the wheel are found from a folder that has
none, and the tournament, a scenario of the lab's and an imported configuration run there.
"""

import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import sim
from sim.foundation.kernels import compiled

CONFIGURATION = """\
group.id=counters
bootstrap.servers=localhost:9092
max.poll.records=50
"""
SHIPPED = len([*(Path(__file__).parents[2] / "scenarios").glob("*.yaml")])


def told(*arguments: str) -> str:
    """What the installed command prints.

    Raises:
        SystemExit: it fails.
    """
    done = subprocess.run(
        [Path(sysconfig.get_path("scripts"), "sim"), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"sim {' '.join(arguments)} ends with {done.returncode}: {done.stderr}")
    return done.stdout


def main() -> None:
    """Say what was tried.

    Raises:
        SystemExit: something does not work.
    """
    where = Path(sim.__file__)
    if not where.is_relative_to(sysconfig.get_path("purelib")):
        sys.exit(f"{where} is not an installed package")
    if not compiled():
        sys.exit("the kernels are not compiled")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        listed = told("list").splitlines()
        if len(listed) != SHIPPED:
            sys.exit(f"{len(listed)} scenarios are listed, not {SHIPPED}")
        if "tournament_spike" not in told("run", "tournament_spike", "--set", "scale=0.1"):
            sys.exit("the tournament says nothing of itself")
        Path("consumer.properties").write_text(CONFIGURATION)
        told("import", "config", "consumer.properties", "-o", "mine.yaml")
        told("run", "mine.yaml", "--set", "scale=0.1", "--no-charts")
        print(
            f"{len(listed)} scenarios, the tournament and an imported configuration: {where.parent}"
        )


if __name__ == "__main__":
    main()
