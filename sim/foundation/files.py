"""Files that people name: read only if they are files, and written whole or not at all.

A FIFO never ends, `/dev/zero` neither; a folder, a loop of links or a name with a NUL is no file.
All of these are an `OSError` here whose ``strerror`` says so, before a byte is read.
"""

import errno
import gzip
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from sim.foundation.errors import LabError, NoRoomError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system says where there is no room for what is written."""
MOST_BYTES = 64 << 20
"""That are read of a file: two million rows of a trace. In memory they are ten times as many."""
MOST_RATIO = 200
"""To which a packed file may unpack: rows of a trace that counts nothing come to 60."""
_FREE_BYTES = 1 << 20
LEAST_FREE_BYTES = 1 << 20
"""With less than this on the disk, no run is begun."""

_NOT_A_FILE = {
    stat.S_IFIFO: "a FIFO, not a file",
    stat.S_IFCHR: "a device, not a file",
    stat.S_IFBLK: "a device, not a file",
    stat.S_IFSOCK: "a socket, not a file",
}


def open_binary(path: Path) -> BinaryIO:
    """A file to be read.

    Raises:
        OSError: it cannot be read, or is none.
    """
    try:
        # Without O_NONBLOCK, opening a FIFO waits for one who writes to it.
        number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except ValueError:
        raise OSError(errno.EINVAL, "the name has a NUL in it") from None
    kind = stat.S_IFMT(os.fstat(number).st_mode)
    if kind != stat.S_IFREG:
        os.close(number)
        if kind == stat.S_IFDIR:
            raise IsADirectoryError(errno.EISDIR, "a folder, not a file")
        raise OSError(errno.EINVAL, _NOT_A_FILE.get(kind, "not a file"))
    return os.fdopen(number, "rb")


def open_text(path: Path, encoding: str = "utf-8", newline: str | None = None) -> TextIO:
    """A text file to be read; one whose name ends in ``.gz`` is unpacked.

    Raises:
        OSError: as `open_binary`; likewise if there are more than `MOST_BYTES` in it, or more than
            `MOST_RATIO` times the packed file.
        EOFError, zlib.error, gzip.BadGzipFile: `PACKED`, of a packed file.
    """
    file = open_binary(path)
    try:
        _check_size(file, path.suffix == ".gz")
    except BaseException:
        file.close()
        raise
    if path.suffix == ".gz":
        file = cast("BinaryIO", _Gzip(file))
    return TextIOWrapper(file, encoding=encoding, newline=newline)


def _check_size(file: BinaryIO, packed: bool) -> None:
    """Refuse a file that is too large, before any of it is kept; it is at its beginning after."""
    size_bytes = os.fstat(file.fileno()).st_size
    if not packed:
        if size_bytes > MOST_BYTES:
            raise OSError(errno.EFBIG, f"more than {MOST_BYTES >> 20} MiB")
        return
    unpacked, got = gzip.GzipFile(fileobj=file), 0
    while part := unpacked.read(1 << 20):
        got += len(part)
        if got > MOST_BYTES:
            raise OSError(errno.EFBIG, f"more than {MOST_BYTES >> 20} MiB when it is unpacked")
        if got > _FREE_BYTES + MOST_RATIO * size_bytes:
            raise OSError(
                errno.EFBIG,
                f"it unpacks to more than {MOST_RATIO} times its size, as no recorded data do",
            )
    file.seek(0)


class _Gzip(gzip.GzipFile):
    """Closes the packed file too."""

    def __init__(self, packed: BinaryIO) -> None:
        super().__init__(fileobj=packed)
        self._packed = packed

    def close(self) -> None:
        super().close()
        self._packed.close()


PACKED = (EOFError, zlib.error, gzip.BadGzipFile)
"""What reading a packed file raises if it is cut short, broken, or none."""


def why(error: BaseException) -> str:
    """What is wrong with a file, in a clause: `cannot be read: permission denied`."""
    if isinstance(error, EOFError):
        return "cut short: the packed file (gzip) ends before its end"
    if isinstance(error, PACKED):
        return f"cannot be unpacked (gzip): {error}"
    if isinstance(error, UnicodeError):
        return "not a text file in UTF-8"
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read: {error.strerror}"
    return f"cannot be read: {error}"


def read_text(path: Path, encoding: str = "utf-8", most_bytes: int = MOST_BYTES) -> str:
    """What a text file holds, with line ends as ``\\n``.

    Raises:
        OSError: as `open_binary`; likewise if there are more than ``most_bytes``.
        UnicodeDecodeError: it is not text.
    """
    with open_binary(path) as file:
        text = file.read(most_bytes + 1)
    if len(text) > most_bytes:
        raise OSError(errno.EFBIG, f"more than {most_bytes >> 20} MiB")
    with TextIOWrapper(BytesIO(text), encoding=encoding) as lines:
        return lines.read()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path to write to, which takes the place of ``path`` when the block ends well.

    If it does not, nothing is left of it, and an earlier file of that name is as it was.

    Raises:
        LabError: it cannot be written there.
    """
    temporary = path.with_name(f".{path.stem[:80]}.writing-{os.getpid()}{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    except (OSError, ValueError) as error:
        raise unwritable(path, error) from None
    finally:
        with suppress(OSError, ValueError):
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all.

    Raises:
        LabError: it cannot be written.
    """
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def unwritable(path: Path, error: OSError | ValueError) -> LabError:
    """The error that ``path`` cannot be written."""
    said = "the name has a NUL in it" if isinstance(error, ValueError) else error.strerror or ""
    kind = NoRoomError if isinstance(error, OSError) and error.errno in FULL else LabError
    return kind(f"{_printable(path)}: cannot be written: {said}")


def check_folder(folder: Path) -> None:
    """Make a folder where there is none, and make sure that files can be written to it.

    To be asked before anything is computed; what happens to a disk later is seen only then.

    Raises:
        LabError: it cannot be made or written, or the disk is full.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        disk = os.statvfs(folder)
        if disk.f_bavail * disk.f_frsize < LEAST_FREE_BYTES and disk.f_blocks:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except FileExistsError:
        raise LabError(f"{_printable(folder)}: not a folder") from None
    except (OSError, ValueError) as error:
        raise unwritable(folder, error) from None


def _printable(path: Path) -> str:
    return str(path).replace("\0", "\\0")
