"""What the operating system refuses: one message, no traceback, nothing half-written."""

import errno
import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sim.cli.commands import app

linux = pytest.mark.skipif(sys.platform != "linux", reason="as on Linux")

SMALL = """
name: small
duration: 10 s
drain_limit: 1 min
workload:
  arrivals: {profile: [{for: 10 s, rate: 50/s}]}
  keys: {k: {count: 4}}
  service: {j: {per_message: 5 ms}}
systems:
  q: {product: sqs, queues: {w: {workers: 2, does: [j]}}}
"""


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return str(path)


def sim(*words, **how):
    """Exit code and what was said, of a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "sim", *map(str, words)],
        capture_output=True, text=True, timeout=60, check=False, **how,
    )  # fmt: skip
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr, done.stderr
    return done.returncode, done.stderr.strip()


def refused(*words):
    """What a command says that exits with 2, in this process; it is one message."""
    done = CliRunner().invoke(app, [*map(str, words)])
    assert done.exit_code == 2 and isinstance(done.exception, SystemExit), done
    assert len(done.stderr.strip().splitlines()) == 1
    return done.stderr.strip()


def left(folder):
    return sorted(path.name for path in folder.rglob("*"))


def test_a_place_for_results_that_is_none_is_told_before_anything_is_computed(
    small, tmp_path, monkeypatch
):
    monkeypatch.setattr("sim.lab.run", lambda *_: pytest.fail("it was computed"))
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "out" / "small").mkdir(parents=True)
    (tmp_path / "out" / "small" / "mine").write_text("precious")
    before = left(tmp_path)
    for out, says in (
        ("file", "Not a directory"),
        ("file/below", "Not a directory"),
        ("fifo", "Not a directory"),
        ("loop", "not a folder|Too many levels"),
        ("x" * 300, "File name too long"),
        ("y/" * 3000, "File name too long"),
        ("/proc/none", "No such file or directory"),
    ):
        said = refused("run", small, "--out", tmp_path / out)
        assert re.search(f"results cannot be written to .*: ({says})", said), said
    assert "was not written by the lab" in refused(
        "run", small, "--out", tmp_path / "out", "--name", "mine"
    )
    monkeypatch.setattr(os, "access", lambda _, how: not how & os.W_OK)
    assert refused("run", small, "--out", tmp_path / "out").lower().endswith("permission denied")
    assert left(tmp_path) == before


def test_a_disk_that_is_full_is_told_before_anything_is_computed(small, tmp_path, monkeypatch):
    monkeypatch.setattr("sim.lab.run", lambda *_: pytest.fail("it was computed"))
    monkeypatch.setattr("sim.foundation.files.LEAST_FREE_BYTES", 1 << 70)
    done = CliRunner().invoke(app, ["run", small, "--out", str(tmp_path / "out")])
    assert done.exit_code == 1
    assert done.stderr == f"{tmp_path}/out/small: cannot be written: No space left on device\n"


def _at_most(size):
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


@linux
@pytest.mark.parametrize("size", [0, 2_000, 20_000])
def test_a_disk_that_fills_while_it_writes_leaves_nothing_half_written(small, tmp_path, size):
    out = tmp_path / "out"
    assert sim("run", small, "--out", out, "--name", "a", "--no-charts")[0] == 0
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    code, said = sim(
        "run", small, "--out", out, "--name", "a", "--no-charts", preexec_fn=_at_most(size)
    )
    assert code == 1 and "File too large" in said.splitlines()[-1], said
    after = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert {path: text for path, text in after.items() if ".partial" not in str(path)} == before


@linux
def test_a_file_of_books_on_a_full_disk_is_not_left_behind(tmp_path):
    books = tmp_path / "b.sqlite"
    words = ["ledger_ordering", "--set", "scale=0.02", "--out", tmp_path, "--books", books]
    code, said = sim("run", *words, "--no-charts", preexec_fn=_at_most(8_000))
    assert code == 1 and str(books) in said.splitlines()[-1], said
    assert not list(tmp_path.glob("b.sqlite*"))


def test_what_is_no_file_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "folder").mkdir()
    long = tmp_path / ("x" * 300)
    for name in ("fifo", "loop", "folder", "none", "/dev/zero", long):
        path = tmp_path / name
        for words in (
            ["import", "lag"],
            ["import", "config"],
            ["import", "omb"],
            ["run"],
            ["show"],
        ):
            said = refused(*words, path)
            assert "fifo" not in said or "a FIFO, not a file" in said or "no such file" in said
    assert refused("run", "ledger_ordering", "--books", tmp_path / "fifo").endswith(
        "fifo: cannot write the books: a FIFO, not a file"
    )


def test_a_file_that_may_not_be_read_says_so(tmp_path, monkeypatch):
    path = tmp_path / "secret.yaml"
    path.write_text(SMALL)

    def denied(*_):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("sim.foundation.files.os.open", denied)
    assert refused("run", path).endswith("secret.yaml: cannot be read: Permission denied")
    assert refused("import", "lag", path).endswith("secret.yaml: cannot be read: Permission denied")


def test_a_path_with_a_nul_names_nothing(tmp_path):
    (tmp_path / "small.yaml").write_text(SMALL + "faults: []\n")
    path = tmp_path / "small.yaml"
    for words in ('"a\\0b"', '{path: "a\\0b"}'):
        said = refused("show", path, "--set", f"workload.arrivals.trace={words}")
        assert "no such file 'a\\x00b'" in said
    path.write_text('base: "a\\0b"\n')
    assert "small.yaml:1: base: no such file 'a\\x00b'" in refused("show", path)


def test_what_an_import_is_written_to_is_looked_at_first(tmp_path):
    export = tmp_path / "consumer.properties"
    export.write_text("group.id=x\nmax.poll.records=5\n")
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    for output in ("file", "loop"):
        assert "exists, and may hold work" in refused(
            "import", "config", export, "-o", tmp_path / output
        )
    assert "file: not a folder" in refused(
        "import", "config", export, "-o", tmp_path / "file" / "x.yaml"
    )
    assert left(tmp_path) == ["consumer.properties", "file", "loop"]


def test_folders_of_what_is_drawn_again_are_looked_at_first(small, tmp_path, monkeypatch):
    out = str(tmp_path / "out")
    assert CliRunner().invoke(app, ["run", small, "--out", out, "--no-charts"]).exit_code == 0
    (tmp_path / "file").touch()
    assert refused("compare", "small", "--out", out, "--to", tmp_path / "file").endswith(
        "file: not a folder"
    )
    monkeypatch.setattr(os, "access", lambda _, how: not how & os.W_OK)
    for verb in ("plot", "report", "animate"):
        assert refused(verb, "small", "--out", out).endswith("Permission denied")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"scenario": 1}', "\x00", "[" * 100_000])
def test_a_folder_whose_manifest_is_broken_is_no_result(small, tmp_path, text):
    out = tmp_path / "out"
    folder = out / "small" / "a"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(text)
    for verb in ("report", "plot", "animate", "compare"):
        assert "is not what the lab wrote" in refused(verb, "small/a", "--out", out)


def test_tables_that_are_broken_are_no_result(small, tmp_path):
    out = tmp_path / "out"
    run = CliRunner().invoke(app, ["run", small, "--out", str(out), "--no-charts", "--name", "a"])
    assert run.exit_code == 0
    table = out / "small" / "a" / "series.parquet"
    for content in (b"", b"PAR1", table.read_bytes()[:-5], table.read_bytes()[:100]):
        table.write_bytes(content)
        assert "does not hold a result" in refused("report", "small/a", "--out", out)


@linux
def test_a_reader_that_leaves_and_a_screen_that_is_full():
    code, said = _into("/dev/full", "list")
    assert code == 1 and said.count("\n") <= 1
    assert _into("/dev/full", "schema")[0] == 1
    assert _piped("schema") in (0, 1)


def _into(path, *words):
    with Path(path).open("w") as file:
        done = subprocess.run(
            [sys.executable, "-m", "sim", *words],
            stdout=file, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert "Traceback" not in done.stderr and "ignored" not in done.stderr, done.stderr
    return done.returncode, done.stderr


def _piped(*words):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as file:
        done = subprocess.run(
            [sys.executable, "-m", "sim", *words],
            stdout=file, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert "Traceback" not in done.stderr and "ignored" not in done.stderr, done.stderr
    return done.returncode


def _session(leader):
    """Processes of a session."""
    out = subprocess.run(
        ["ps", "-o", "pid=,stat=", "--sid", str(leader)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    return [line for line in out.splitlines() if "Z" not in line]


@linux
@pytest.mark.parametrize("moment", ["begun", "drawing"])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_run_that_is_killed_leaves_no_processes(tmp_path, how, moment):
    command = ["run", "tournament_spike", "--set", "scale=0.02", "--out", str(tmp_path)]
    process = subprocess.Popen(
        [sys.executable, "-m", "sim", *command],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    place = tmp_path / "tournament_spike"
    asked = ".*.writing-*/charts/*.png" if moment == "drawing" else "*"
    while not list(place.glob(asked)) and process.poll() is None:
        time.sleep(0.01)
    assert len(_session(process.pid)) >= 2
    process.send_signal(how)
    process.wait()
    deadline = time.monotonic() + 5
    while _session(process.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert _session(process.pid) == []
