"""What a client in Python writes down, and how its handler fails."""

import io
import time
from threading import Event

import pytest

from sim.validate import handler as module
from sim.validate.handler import FailedError, Handler, told


def _handler(tmp_path, lines, name="a"):
    work = tmp_path / "work"
    if not work.exists():
        work.write_text("".join(f"{line}\n" for line in lines))
    return Handler(work, tmp_path / name), tmp_path / name


def test_a_line_says_when_a_message_was_worked_on_and_how_often_it_was_delivered(tmp_path):
    handler, log = _handler(tmp_path, ["0 20000 0 0", "1 0 0 0"])
    before = time.time()
    handler.do(0, deliveries=3)
    sign, message, started, done, *rest = log.read_text().split()
    assert (sign, message, rest) == ("r", "0", ["3", "-1", "-1"])
    assert before - 1e-6 <= float(started)
    assert float(done) - float(started) >= 0.02 - 2e-6
    assert float(done) <= time.time() + 1e-6


def test_a_poisonous_message_fails_so_often_in_all_processes_together(tmp_path):
    first, log = _handler(tmp_path, ["0 0 2 0"])
    second, other = _handler(tmp_path, [], "b")
    for handler in (first, second):
        with pytest.raises(FailedError):
            handler.do(0, 2)
    first.do(0, 3)
    assert [line.split()[0] for line in log.read_text().splitlines()] == ["f", "r"]
    (failed,) = other.read_text().splitlines()
    assert (failed.split()[:2], failed.split()[3:]) == (["f", "0"], ["2"])


def test_a_message_that_kills_is_written_down_before(tmp_path):
    handler, log = _handler(tmp_path, ["0 0 0 1"])
    died = []
    with pytest.raises(FailedError):
        handler.do(0, die=lambda: died.append(log.read_text().split()[0]))
    assert died == ["f"]
    handler.do(0, 2)
    assert log.read_text().splitlines()[1].startswith("r 0 ")


def test_it_says_that_it_is_ready_and_is_told_who_it_is_and_how_slow(tmp_path, monkeypatch):
    read = [b"go 4\nsl", b"ow 3\n", b""]
    monkeypatch.setattr(module.os, "read", lambda *_: read.pop(0))
    left = Event()
    monkeypatch.setattr(module, "_abandoned", left.set)
    handler, log = _handler(tmp_path, ["0 10000 0 0"])
    assert handler.wait_for_go() == 4
    assert log.read_text().startswith("w ")
    assert left.wait(60)  # who told it is gone, and it ends
    handler.do(0)
    started, done = map(float, log.read_text().splitlines()[1].split()[2:4])
    assert done - started >= 0.03 - 2e-6


def test_a_process_that_nobody_needs_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(module.os, "read", lambda *_: b"")
    handler, _ = _handler(tmp_path, ["0 0 0 0"])
    with pytest.raises(SystemExit):
        handler.wait_for_go()


def test_lines_come_whole_however_they_are_cut(monkeypatch):
    text = io.BytesIO(b"go 1\nslow 2.5\nslow 1")
    monkeypatch.setattr(module.os, "read", lambda *_: text.read(3))
    assert list(told()) == [["go", "1"], ["slow", "2.5"]]
