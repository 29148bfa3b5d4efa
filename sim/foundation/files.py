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
from io import BufferedReader, BytesIO, RawIOBase, TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast

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
        OSError: as `open_binary`; likewise reading more than `MOST_BYTES` of it, or what comes to
            more than `MOST_RATIO` times the packed file. Reading one that is packed may raise
            `PACKED`.
    """
    return TextIOWrapper(BufferedReader(_Bounded(path)), encoding=encoding, newline=newline)


class _Bounded(RawIOBase):
    """A file, unpacked if it is packed, of which one cannot read without end."""

    def __init__(self, path: Path) -> None:
        self._file = open_binary(path)
        self._packed_bytes = os.fstat(self._file.fileno()).st_size
        self._packed = path.suffix == ".gz"
        self._bytes = cast(
            "BinaryIO", gzip.GzipFile(fileobj=self._file) if self._packed else self._file
        )
        self._got = 0

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        part = self._bytes.read(len(into))
        into[: len(part)] = part
        self._got += len(part)
        if self._got > MOST_BYTES:
            unpacked = " when it is unpacked" if self._packed else ""
            raise OSError(errno.EFBIG, f"more than {MOST_BYTES >> 20} MiB{unpacked}")
        if self._packed and self._got > _FREE_BYTES + MOST_RATIO * self._packed_bytes:
            raise OSError(
                errno.EFBIG,
                f"it unpacks to more than {MOST_RATIO} times its size, as no recorded data do",
            )
        return len(part)

    def close(self) -> None:
        if not self.closed:
            self._bytes.close()
            self._file.close()
        super().close()


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
