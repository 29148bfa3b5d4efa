"""Folders that take the place of others, without any being lost.

A folder is written under a name of its own process and then renamed. Where it replaces one, that is
renamed first, so that for an instant neither stands in the place: `recover` puts the earlier one
back if the process was killed then. Nothing is removed but what the lab wrote, as a manifest or a
marker in it proves. Several processes may do this to the same place; the last one wins.
"""

import errno
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Literal
from uuid import uuid4

from sim.foundation.errors import LabError
from sim.foundation.processes import runs

MANIFEST = "manifest.json"
"""In every finished folder."""
MARKER = ".queue-log-lab"
"""In every other folder that the lab makes, and takes away again."""

_REPLACED = re.compile(r"\.(.+)\.replaced-[0-9a-f]{32}")
_WRITING = re.compile(r"\.(.+)\.writing-(\d+)")
_TRIES = 100
_TAKEN = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT)
"""What rename says where another process was quicker."""


def is_whole(folder: Path) -> bool:
    """Whether it is a finished folder of the lab under its own name."""
    return (folder / MANIFEST).is_file() and not _REPLACED.fullmatch(folder.name)


def check_place(folder: Path) -> None:
    """Make sure that ``folder`` can be written, and that nothing of anybody else's is there.

    Raises:
        LabError: something is there that is no result; or its parent cannot be made or written.
    """
    parent = folder.parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        others = folder.is_symlink() or _whose(folder) == "another's"
    except FileExistsError:
        raise LabError(f"results cannot be written to {parent}: not a folder") from None
    except OSError as error:
        raise LabError(f"results cannot be written to {parent}: {error.strerror}") from None
    if others:
        raise LabError(
            f"{folder} is there and was not written by the lab, so it is not replaced; give the run"
            " another --name"
        )
    if not os.access(parent, os.W_OK | os.X_OK):
        raise LabError(f"results cannot be written to {parent}: permission denied")


def _whose(folder: Path) -> Literal["nobody's", "ours", "another's"]:
    """Who wrote what is there; an empty folder is ours to remove.

    One look at the disk, since another process may put something else there between two.
    """
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return "nobody's"
    except NotADirectoryError:
        return "another's"
    return "ours" if not names or MANIFEST in names or MARKER in names else "another's"


def begin(place: Path) -> Path:
    """An empty folder of this process's own beside ``place``, to be `put` there."""
    folder = _writing(place)
    remove(folder)
    folder.mkdir(parents=True)
    (folder / MARKER).touch()
    return folder


def abandon(place: Path) -> None:
    """Remove what `begin` gave for ``place``, if it was not put there."""
    remove(_writing(place))


def _writing(place: Path) -> Path:
    return place.with_name(f".{place.name}.writing-{os.getpid()}")


def put(temporary: Path, place: Path) -> None:
    """Put a folder from `begin`, with its manifest, in its place; an earlier one there goes.

    Raises:
        LabError: what stands there is not the lab's.
    """
    assert (temporary / MANIFEST).is_file(), "only a whole folder is put in a place"
    (temporary / MARKER).unlink(missing_ok=True)
    for _ in range(_TRIES):
        check_place(place)
        aside = place.with_name(f".{place.name}.replaced-{uuid4().hex}")
        try:
            if place.exists():
                place.rename(aside)
            temporary.rename(place)
        except OSError as error:
            if error.errno not in _TAKEN or not temporary.exists():
                raise
            recover(place.parent)
            continue
        remove(aside)
        return
    raise LabError(f"{place} is being replaced by others all the time; give the run another --name")


def recover(parent: Path) -> None:
    """Put back what a killed process had renamed and not yet replaced; clear what it left.

    Args:
        parent: the folder in which places are.
    """
    try:
        folders = [parent / name for name in os.listdir(parent)]
    except OSError:  # there is none, or it is not to be read; who writes to it will be told
        return
    for folder in folders:
        if replaced := _REPLACED.fullmatch(folder.name):
            place = folder.with_name(replaced[1])
            if not place.exists() and (folder / MANIFEST).is_file():
                with suppress(OSError):  # another process was quicker
                    folder.rename(place)
            else:
                remove(folder)
        elif (writing := _WRITING.fullmatch(folder.name)) and not runs(int(writing[2])):
            remove(folder)


def remove(folder: Path) -> None:
    """Remove a folder, if the lab wrote it; what a kill leaves of it is no result, but marked."""
    if folder.is_symlink() or _whose(folder) != "ours":
        return
    with suppress(OSError):  # another process was quicker
        (folder / MARKER).touch()
        (folder / MANIFEST).unlink(missing_ok=True)
        for child in folder.iterdir():
            if child.is_dir() and not child.is_symlink():
                remove(child)  # a place of the lab's own within, which a kill must leave marked
                if child.exists():
                    shutil.rmtree(child)
            elif child.name != MARKER:
                child.unlink()
        shutil.rmtree(folder)
