"""What a message costs, from a million of them up: CPU and memory of whole runs.

    python tests/tools/bench_scale.py                             # 1 M, 3 M and 10 M messages
    python tests/tools/bench_scale.py --to 1000 --chart cost      # to 1 B; cost.png as well
    python tests/tools/bench_scale.py --set systems.sqs_single=null    # as in `sim run`

Each is the tournament on queues that are set up well (`tournament_sqs_tuned`), three systems with
three jobs each, without charts, in a process of its own: the same fleets at the tournament's mean
rate, for as long as it takes to have so many messages. A message is one that was produced; each
system is sent all of them. CPU is that of all threads, memory the peak of what was resident.
"""

import argparse
import csv
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCENARIO = "tournament_sqs_tuned"
RUN = "bench"
RATE = 340
"""Messages a second: 1.224 million in the hour of the scenario as it is shipped."""
ROUND = (1.0, 3.0)
"""Sizes of each power of ten."""


@dataclass(frozen=True)
class Cost:
    """Of one run."""

    messages: int
    cpu_s: float
    wall_s: float
    peak_bytes: int

    @property
    def ns(self) -> float:
        """CPU a message."""
        return self.cpu_s / self.messages * 1e9

    @property
    def bytes(self) -> float:
        """Peak memory a message."""
        return self.peak_bytes / self.messages


def sizes(from_millions: float, to_millions: float) -> list[float]:
    """Round sizes between two, in millions: 1, 3, 10, 30, ..."""
    low, high = math.floor(math.log10(from_millions)), math.ceil(math.log10(to_millions))
    every = [mantissa * 10.0**power for power in range(low, high + 1) for mantissa in ROUND]
    return [size for size in every if from_millions <= size <= to_millions]


def measure(millions: float, overrides: Sequence[str] = ()) -> Cost:
    """Run the scenario with about so many messages.

    The peak is right only while this process itself is small: Linux counts what a parent holds
    when it forks as memory of the child.

    Args:
        millions: of messages.
        overrides: `--set` of the command.

    Raises:
        subprocess.CalledProcessError: the run failed; what it said is on stderr.
    """
    seconds = millions * 1e6 / RATE
    settings = [
        f"duration={seconds}",
        f"workload.arrivals.profile=[{{for: {seconds}, rate: {RATE}}}]",
        "systems.kafka.topic.retention.ms=-1",  # a billion of them take a month
        *overrides,
    ]
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "sim", "run", SCENARIO, "--no-charts", "--name", RUN]
        command += ["--max-time", "24h"]
        command += ["--out", out, *(word for one in settings for word in ("--set", one))]
        began_s = time.perf_counter()
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as child:
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        wall_s = time.perf_counter() - began_s
        if child.returncode:
            raise subprocess.CalledProcessError(child.returncode, command)
        with (Path(out) / SCENARIO / RUN / "summary.csv").open() as rows:
            messages = max(int(row["produced"]) for row in csv.DictReader(rows))
    # Linux has the peak in KiB, macOS in bytes.
    peak_bytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Cost(messages, usage.ru_utime + usage.ru_stime, wall_s, peak_bytes)


def row(cost: Cost) -> str:
    """A line of the table."""
    return (
        f"{cost.messages:>13,} {cost.cpu_s:>9.1f} {cost.wall_s:>9.1f} {cost.ns:>9.0f} "
        f"{cost.peak_bytes / 2**30:>9.2f} {cost.bytes:>9.0f}"
    )


HEAD = f"{'messages':>13} {'CPU s':>9} {'wall s':>9} {'CPU ns/m':>9} {'peak GiB':>9} {'bytes/m':>9}"


def finding(costs: Sequence[Cost]) -> str:
    """What the numbers say, in a sentence; the smallest run is the first."""
    first, last = costs[0], costs[-1]
    if len(costs) == 1:
        return f"At {_many(first)} messages, one costs {_each(first)}"
    return (
        f"A message costs {_each(last)} when there are {_many(last)}, "
        f"{_each(first)} when there are {_many(first)}"
    )


def _each(cost: Cost) -> str:
    size = _two_digits(cost.bytes)
    return f"{_two_digits(cost.ns)} ns of CPU and {size} byte{'' if size == '1' else 's'}"


def _two_digits(value: float) -> str:
    return f"{float(f'{value:.2g}'):,.0f}"


def _many(cost: Cost) -> str:
    millions = float(f"{cost.messages / 1e6:.2g}")
    return f"{millions / 1_000:g} B" if millions >= 1_000 else f"{millions:g} M"


def draw(costs: Sequence[Cost], overrides: Sequence[str], path: Path) -> None:
    """Write the chart as a PNG; an existing file is replaced."""
    from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

    from sim.charts.files import write
    from sim.charts.page import INK, PALETTE, sheet, style

    messages = [cost.messages for cost in costs]
    panels = (
        ("CPU of a message (ns)", [cost.ns for cost in costs]),
        ("peak memory of a message (bytes)", [cost.bytes for cost in costs]),
    )
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    subtitle = (
        f"Whole runs of {' --set '.join([SCENARIO, *overrides])}, no charts, CPU of all threads; "
        f"{machine}"
    )
    with style():
        figure, top, bottom = sheet(finding(costs), subtitle, "", 10.5, 3.4)
        place = {"left": 0.07, "right": 0.96, "wspace": 0.18}
        axes = figure.subplots(
            1, 2, gridspec_kw={**place, "top": top - 0.1, "bottom": bottom + 0.13}
        )
        for ax, (name, values), color, ink in zip(axes, panels, PALETTE, INK, strict=False):
            ax.loglog(messages, values, color=color, marker="o", ms=4)
            for x, y in zip(messages, values, strict=True):
                ax.annotate(
                    _two_digits(y), (x, y), (3, 5), textcoords="offset points",
                    color=ink, size=8,
                )  # fmt: skip
            ax.set_title(name)
            ax.set_xlabel("messages of a run")
            ax.set_xticks(messages, [_many(cost) for cost in costs])
            ax.xaxis.set_minor_locator(NullLocator())
            ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            ax.yaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
            ax.yaxis.set_minor_locator(NullLocator())
            ax.set_ylim(min(values) / 1.6, max(values) * 1.6)
            ax.margins(x=0.1)
        write(figure, path.with_suffix(""), ["png"])


def main(arguments: Sequence[str]) -> int:
    """Print a row a size, and draw them if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--from", dest="low", type=float, default=1.0, metavar="MILLIONS")
    parser.add_argument("--to", dest="high", type=float, default=10.0, metavar="MILLIONS")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--chart", type=Path, metavar="PNG", help="file to draw")
    asked = parser.parse_args(arguments)
    print(HEAD, flush=True)
    costs = []
    for millions in sizes(asked.low, asked.high):
        costs.append(measure(millions, asked.set))
        print(row(costs[-1]), flush=True)
    if not costs:
        parser.error("no size is between --from and --to: they are 1, 3, 10, 30, ... millions")
    print(finding(costs))
    if asked.chart:
        draw(costs, asked.set, asked.chart)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
