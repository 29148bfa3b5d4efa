"""Files that people name: what is no file, and that writing leaves all or nothing."""

import errno
import gzip
import os
import zlib
from time import process_time

import pytest

from sim.foundation import files
from sim.foundation.errors import LabError, NoRoomError


def refused(path):
    with pytest.raises(OSError) as caught:
        files.open_binary(path)
    return files.why(caught.value)


def test_what_is_no_file_is_refused_before_a_byte_is_read(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "loop").symlink_to("loop")
    assert refused(tmp_path / "fifo") == "cannot be read: a FIFO, not a file"
    assert refused(tmp_path) == "cannot be read: a folder, not a file"
    assert refused(files.Path("/dev/zero")) == "cannot be read: a device, not a file"
    assert refused(tmp_path / "none") == "cannot be read: No such file or directory"
    assert refused(tmp_path / "loop") == "cannot be read: Too many levels of symbolic links"
    assert refused(tmp_path / ("x" * 300)) == "cannot be read: File name too long"
    assert refused(tmp_path / "a\0b") == "cannot be read: the name has a NUL in it"


def test_text_is_read_as_text(tmp_path):
    (tmp_path / "x").write_bytes(b"a\r\nb\xc3\xa9")
    assert files.read_text(tmp_path / "x") == "a\nbé"
    with files.open_text(tmp_path / "x", newline="") as file:
        assert file.read() == "a\r\nbé"


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "x.txt"
    files.write_text(path, "one")
    with pytest.raises(RuntimeError), files.replacing(path) as temporary:
        temporary.write_text("tw")
        raise RuntimeError
    assert [p.name for p in tmp_path.iterdir()] == ["x.txt"]
    assert path.read_text() == "one"
    files.write_text(path, "two")
    assert path.read_text() == "two"


def test_a_full_disk_is_said_and_nothing_is_left(tmp_path):
    with pytest.raises(NoRoomError) as caught, files.replacing(tmp_path / "x") as temporary:
        temporary.write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert caught.value.code == 1
    assert str(caught.value) == f"{tmp_path}/x: cannot be written: No space left on device"
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_written_to_is_known_before(tmp_path, monkeypatch):
    files.check_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    for name, says in (
        ("file", "not a folder"),
        ("file/below", "Not a directory"),
        ("loop", "not a folder"),
        ("x" * 300, "File name too long"),
        ("a\0b", "the name has a NUL in it"),
    ):
        with pytest.raises(LabError, match=says) as caught:
            files.check_folder(tmp_path / name)
        assert caught.value.code == 2
    monkeypatch.setattr(files, "LEAST_FREE_BYTES", 1 << 70)
    with pytest.raises(NoRoomError, match="No space left on device"):
        files.check_folder(tmp_path)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(LabError, match="Permission denied"):
        files.check_folder(tmp_path)


def test_a_file_that_unpacks_without_end_is_refused_early(tmp_path):
    path = tmp_path / "bomb.csv.gz"
    packer = zlib.compressobj(9, wbits=31)
    mebibyte = bytes(1 << 20)
    path.write_bytes(b"".join([*(packer.compress(mebibyte) for _ in range(512)), packer.flush()]))
    began = process_time()
    with pytest.raises(OSError) as caught, files.open_text(path) as file:
        file.read()
    assert process_time() - began < 1.0
    assert files.why(caught.value) == (
        "cannot be read: more than 64 MiB when it is unpacked"
        if path.stat().st_size * files.MOST_RATIO > files.MOST_BYTES
        else "cannot be read: it unpacks to more than 200 times its size, as no recorded data do"
    )


def test_a_file_that_packs_well_is_read(tmp_path):
    path = tmp_path / "quiet.csv.gz"
    rows = "".join(f"2020-01-{d:02}T{h:02}:{m:02},0\n" for d in range(1, 32) for h in range(24)
                   for m in range(60))  # fmt: skip
    with gzip.open(path, "wt") as file:
        file.write(rows)
    with files.open_text(path) as file:
        assert file.read() == rows


def test_a_text_longer_than_one_wants_is_not_read(tmp_path):
    path = tmp_path / "x"
    path.write_text("x" * (1 << 20))
    assert len(files.read_text(path, most_bytes=1 << 20)) == 1 << 20
    path.write_text("x" * (1 << 20) + "y")
    with pytest.raises(OSError, match="more than 1 MiB"):
        files.read_text(path, most_bytes=1 << 20)
