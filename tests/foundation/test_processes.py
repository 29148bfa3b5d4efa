"""Processes end with those that began them."""

import os
import signal
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")

_PARENT = """
import os, time
from sim.foundation.processes import end_with

me = os.getpid()
child = os.fork()
if not child:
    {wait}
    end_with(me)
    time.sleep(60)
    os._exit(0)
print(child, flush=True)
{then}
"""


def _ends(child):
    for _ in range(200):
        try:
            with open(f"/proc/{child}/stat") as file:
                if file.read().rsplit(")", 1)[1].split()[0] == "Z":
                    return True
        except FileNotFoundError:
            return True
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    return False


def _begun(wait, then):
    code = _PARENT.format(wait=wait, then=then)
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def test_a_process_ends_with_the_one_that_began_it_however_that_ends():
    process = _begun("pass", "time.sleep(60)")
    child = int(process.stdout.readline())
    time.sleep(0.2)
    os.kill(child, 0)
    process.kill()
    process.wait()
    assert _ends(child)


def test_one_whose_parent_has_ended_already_ends_too():
    process = _begun("time.sleep(0.5)", "os._exit(0)")
    child = int(process.stdout.readline())
    process.wait()
    assert _ends(child)


def test_which_processes_there_are():
    from sim.foundation.processes import runs

    assert runs(os.getpid()) and runs(1)
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert not runs(process.pid)


_LARGE = """
import gc

import numpy as np
from sim.foundation.processes import give_back

class Ring:
    pass

def rss_mb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 >> 20

gc.disable()  # or some of it goes meanwhile
before = rss_mb()
for _ in range(400):
    ring = Ring()
    ring.its, ring.itself = np.ones(100_000 // 8 * 4), ring  # 400 kB that only a search frees
held = rss_mb() - before
give_back()
del ring
give_back()
print(held, rss_mb() - before)
"""


def test_what_is_garbage_is_given_back():
    done = subprocess.run([sys.executable, "-c", _LARGE], capture_output=True, text=True)
    held, left = map(int, done.stdout.split())
    assert held > 100 and left < 20
