"""A short run of the fuzzer, and that it finds what it looks for. `make fuzz` is the long one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import forked
from helpers.forked import Attempt, attempted
from helpers.fuzzed import KINDS, fuzzed

INPUTS = 150


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_whatever_is_given_the_command_says_one_thing_and_leaves_nothing(tmp_path):
    tool = Path(__file__).parent / "tools" / "fuzz.py"
    done = subprocess.run(
        [sys.executable, tool, str(INPUTS)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"seeds 0 to {INPUTS - 1}" in done.stdout
    assert f"{INPUTS} inputs, 0 failed" in done.stdout


def test_a_seed_is_always_the_same_input_and_all_kinds_are_drawn():
    assert fuzzed(7) == fuzzed(7)
    assert len({fuzzed(seed).kind for seed in range(300)}) >= len(KINDS)


def test_an_input_can_be_written_down_and_read_again():
    for seed in range(40):
        attempt = fuzzed(seed)
        assert Attempt.from_data(attempt.as_data()) == attempt


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
@pytest.mark.parametrize(
    ("does", "fault"),
    [
        ("raise KeyError('t_s')", "says 'Traceback (most recent call last)'"),
        ("os._exit(3)", "ends with 3"),
        ("os.kill(os.getpid(), 10)", "killed by SIGUSR1"),
        ("raise SystemExit(2)", "ends with 2 and does not say why"),
        ("print(['x' * 50_000], file=sys.stderr)", "a message of 50,005 letters"),
        ("print('np.float64(nan)')", "says 'np.float64('"),
        ("pathlib.Path('.run.writing-12').write_text('')", "left behind: .run.writing-12"),
        ("pathlib.Path('half').touch(); sys.exit('no')", "half-written: half"),
        ("pathlib.Path('s.yaml').unlink()", "s.yaml was there and is another now"),
        ("tempfile.mkstemp()", "temporary files are left"),
        ("os.fork() or time.sleep(60)", "1 processes are left"),
        ("time.sleep(60)", "it has no end within 2 s"),
        ("bytearray(10 << 30)", "says 'Traceback (most recent call last)'"),
    ],
)
def test_what_a_command_must_not_do_is_found(tmp_path, monkeypatch, does, fault):
    monkeypatch.setattr(forked, "WALL_S", 2.0)
    monkeypatch.setattr(forked, "LINGER_S", 0.2)
    code = compile(f"import os, pathlib, sys, tempfile, time\n{does}", "made", "exec")
    attempt = Attempt(0, "made", (), {"s.yaml": b"name: x"})
    outcome = attempted(attempt, tmp_path, command=lambda: exec(code, {}))
    assert any(said.startswith(fault) for said in outcome.faults), outcome
