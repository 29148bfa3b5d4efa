"""Ctrl+C ends the command within a second, whatever it is doing.

Python hears a signal in its main thread, between two steps of the interpreter: not while NumPy
sorts a hundred million numbers, nor while it waits at the end for threads that do such things. So a
thread of its own, which the system tells of Ctrl+C by a byte in a pipe, ends the process if nobody
else has. That may be at any instant: `sim.results.folders` is safe from it, and the next run clears
up.
"""

import os
import signal
import sys
import threading
import time

PATIENCE_S = 0.4
"""From Ctrl+C until the process is ended, if it has not ended by itself."""
EXIT_CODE = 130

KEPT = "systems that had finished are kept, and the same command goes on"

_said = threading.Event()
_kept = [KEPT]


def keeps(words: str) -> None:
    """From now on, this is what is said to be kept, whoever hears Ctrl+C first."""
    _kept[0] = words


def say(words: str = "") -> str:
    """What is printed of a command that was stopped; it is to be printed once."""
    _said.set()
    return f"stopped; {words or _kept[0]}"


def end_in_time() -> None:
    """From now on, Ctrl+C ends this process within a second. Call it in the main thread, once."""
    if sys.platform == "win32" or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return  # no pipe will do there; or it is ignored, as in a background job
    ours, its = os.pipe()
    os.set_blocking(its, False)
    signal.set_wakeup_fd(its, warn_on_full_buffer=False)
    threading.Thread(target=_wait, args=(ours,), name="stopping", daemon=True).start()


def _wait(pipe: int) -> None:
    while signal.SIGINT not in os.read(pipe, 1):
        pass
    time.sleep(PATIENCE_S)
    words = b""
    if sys.stderr.isatty():
        words += b"\r\x1b[2K\x1b[?25h"  # a line of progress goes, and the cursor is back
    if not _said.is_set():
        words += say().encode() + b"\n"
    os.write(2, words)
    os._exit(EXIT_CODE)
