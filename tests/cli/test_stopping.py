"""Ctrl+C acts within a second, whatever the command is doing and however large the run is."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

SAID = "stopped; systems that had finished are kept, and the same command goes on\n"
WITHIN_S = 20.0
"""It takes a second on a quiet machine, and a minute or more where Ctrl+C is not heeded: the bound
tells one from the other on a machine however busy."""

TWENTY_MILLION = """
name: twenty_million
seed: 1
duration: 1000s
drain_limit: 1h
workload:
  arrivals: {profile: [{for: 1000s, rate: 20000/s}]}
  keys: {k: {count: 1000}}
  service: {j: {per_message: 1 ms}, i: {per_message: 1 ms}}
systems:
  l:
    product: kafka
    partition_key: [k]
    topic: {partitions: 40}
    groups: {g: {consumers: 40, does: [j]}, h: {consumers: 30, does: [i]}}
  q:
    product: sqs
    queues: {g: {workers: 60, does: [j, i]}}
"""


def stopped(command, after_s, cwd):
    """What a command said and how long it took to end, with Ctrl+C ``after_s`` seconds."""
    process = subprocess.Popen(
        [sys.executable, "-c", command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        # A shell's background jobs, and all that they start, ignore SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    time.sleep(after_s)
    assert process.poll() is None, process.communicate()
    at = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    return process.returncode, said, time.monotonic() - at


def test_a_run_of_twenty_million_messages_stops_at_any_moment(tmp_path):
    (tmp_path / "large.yaml").write_text(TWENTY_MILLION)
    command = (
        "import sys; from sim.cli.commands import main; "
        "sys.argv = 'sim run large.yaml --no-charts --max-time 10h'.split(); main()"
    )
    seed = random.randrange(1 << 30)
    moments = random.Random(seed)
    for _ in range(3):
        after_s = moments.uniform(1.5, 3.5)
        code, said, took_s = stopped(command, after_s, tmp_path)
        assert (code, said) == (130, SAID), (seed, after_s)
        assert took_s < WITHIN_S, (seed, after_s)
    assert not list(tmp_path.glob("results/*/*/manifest.json"))
    assert not list(tmp_path.glob("results/*/.*"))


@pytest.mark.parametrize("caught", [True, False])
def test_what_does_not_hear_it_is_ended_and_says_so_once(caught, tmp_path):
    # A lock is waited for without an end, and the handler of Python's never gets to raise.
    command = f"""
import os, signal, sys
from sim.cli import stopping
stopping.end_in_time()
signal.signal(signal.SIGINT, lambda *_: None)
if {caught}:
    print(stopping.say("nothing was written"), file=sys.stderr, flush=True)
import threading
lock = threading.Lock()
lock.acquire()
lock.acquire()
"""
    code, said, took_s = stopped(command, 1.0, tmp_path)
    assert code == 130 and took_s < WITHIN_S
    assert said == ("stopped; nothing was written\n" if caught else SAID)


def test_what_is_kept_is_said_by_whoever_hears_it_first(tmp_path):
    for deaf in ("signal.signal(signal.SIGINT, lambda *_: None)", ""):
        command = f"""
import signal, sys, time
from sim.cli import stopping
stopping.end_in_time()
stopping.keeps("runs are kept")
{deaf}
try:
    time.sleep(60)
    time.sleep(60)
except KeyboardInterrupt:
    print(stopping.say(), file=sys.stderr, flush=True)
    sys.exit(130)
"""
        code, said, _ = stopped(command, 1.0, tmp_path)
        assert (code, said) == (130, "stopped; runs are kept\n")


def test_where_it_is_ignored_it_stays_so(tmp_path):
    command = """
import os, signal, threading
from sim.cli import stopping
signal.signal(signal.SIGINT, signal.SIG_IGN)
stopping.end_in_time()
os.kill(os.getpid(), signal.SIGINT)
assert threading.active_count() == 1
"""
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, env=os.environ)
    assert (done.returncode, done.stderr) == (0, b"")
