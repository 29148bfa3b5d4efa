"""Processes that behave as `sim.validate` asks of clients, with no broker.

`fake_client.py consume LOG FOLDER WORK MEMBERS` works on its share: a member has the messages whose
number leaves its own as the remainder. `fake_client.py produce LOG FOLDER` tells the consumers of
the folder when second 0 is.
"""

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

Say = Callable[[str], object]
factor = 1.0


def listen() -> None:
    """Take what the fleet says."""
    global factor
    for line in sys.stdin:
        if line.startswith("slow "):
            factor = float(line.split()[1])


def rows(folder: Path) -> list[tuple[int, float]]:
    """Number and time of each message."""
    lines = (folder / "messages.csv").read_text().splitlines()
    return [(int(line.split(",")[0]), float(line.split(",")[1])) for line in lines]


def consume(say: Say, folder: Path, work: Path, members: int) -> None:
    """Work on a share of the messages that nobody has worked on."""
    member = int(sys.stdin.readline().split()[1])
    threading.Thread(target=listen, daemon=True).start()
    while not (folder / "began").exists():
        time.sleep(0.001)
    began_s = float((folder / "began").read_text())
    work_us = [int(line.split()[1]) for line in work.read_text().splitlines()]
    done = set()
    for each in folder.glob("g-*.log"):
        done |= {int(line.split()[1]) for line in each.read_text().splitlines() if line[0] == "r"}
    for message, at_s in rows(folder):
        if message % members != member or message in done:
            continue
        time.sleep(max(0.0, began_s + at_s - time.time()))
        started = time.time()
        time.sleep(work_us[message] / 1e6 * factor)
        say(f"r {message} {started:.6f} {time.time():.6f} 1 {member} 0\n")


def produce(say: Say, folder: Path) -> None:
    """Acknowledge every message at its time, without waiting for it."""
    began_s = float(sys.stdin.readline().split()[1])
    for message, at_s in rows(folder):
        say(f"a {message} {began_s + at_s:.6f} {began_s + at_s + 0.002:.6f} -\n")
    (folder / "new").write_text(f"{began_s:.6f}")
    (folder / "new").rename(folder / "began")


with Path(sys.argv[2]).open("w", buffering=1) as log:
    log.write(f"w {time.time():.6f}\n")
    if sys.argv[1] == "consume":
        consume(log.write, Path(sys.argv[3]), Path(sys.argv[4]), int(sys.argv[5]))
    else:
        produce(log.write, Path(sys.argv[3]))
    log.write(f"x {time.time():.6f}\n")
