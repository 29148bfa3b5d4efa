"""Processes that others begin, and that end with them; and which there are."""

import ctypes
import gc
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
"""Of prctl(2): the signal that a process gets when the one that began it has ended."""


def end_with(parent: int) -> None:
    """Have the system kill this process when the one that began it ends, however it ends.

    Elsewhere than on Linux, nothing is done.

    Args:
        parent: number of the process that began this one; if it has ended by now, so does this one.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def runs(process: int) -> bool:
    """Whether there is a process of that number; one of another user is one."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def give_back() -> None:
    """Forget what is garbage, and give its memory back to the system, where the C library can.

    For a process that does one large thing after another: what is kept otherwise looks like a leak.
    """
    gc.collect()
    gc.freeze()  # what is left is there for long: the next time it need not be searched
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's
        if trim is not None:
            trim(0)
