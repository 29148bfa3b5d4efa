"""A process that behaves as `sim.validate.fleet` asks, with no broker: it works on its share.

Arguments: the file to write, the folder of the run with `work.csv` and `messages.csv`, and how many
share the messages: a member works on those whose number leaves its own as the remainder.
"""

import sys
import threading
import time
from pathlib import Path

log = Path(sys.argv[1]).open("w", buffering=1)
folder, members = Path(sys.argv[2]), int(sys.argv[3])
factor = 1.0


def listen() -> None:
    global factor
    for line in sys.stdin:
        if line.startswith("slow "):
            factor = float(line.split()[1])


log.write(f"w {time.time():.6f}\n")
member = int(sys.stdin.readline().split()[1])
threading.Thread(target=listen, daemon=True).start()
while not (folder / "began").exists():
    time.sleep(0.001)
began_s = float((folder / "began").read_text())
work_us = [int(line.split()[1]) for line in (folder / "work.csv").read_text().splitlines()]
done = set()
for each in folder.glob("g-*.log"):
    done |= {int(line.split()[1]) for line in each.read_text().splitlines() if line[0] == "r"}
for line in (folder / "messages.csv").read_text().splitlines():
    message, at_s = int(line.split(",")[0]), float(line.split(",")[1])
    if message % members != member or message in done:
        continue
    time.sleep(max(0.0, began_s + at_s - time.time()))
    started = time.time()
    time.sleep(work_us[message] / 1e6 * factor)
    log.write(f"r {message} {started:.6f} {time.time():.6f} 1 {member} 0\n")
log.write(f"x {time.time():.6f}\n")
