"""What a process that sends reads and writes down."""

import pytest

from sim.validate import handler
from sim.validate import sender as module
from sim.validate.sender import Sending


@pytest.fixture
def sending(tmp_path):
    (tmp_path / "messages").write_text("0,0.500000,5,a,b\n1,1.250000,1,\n2,2.000000,3,x\n")
    return Sending(tmp_path / "messages", tmp_path / "log")


def test_messages_are_due_after_second_0(sending, monkeypatch, tmp_path):
    read = [b"go 100.25\n", b""]
    monkeypatch.setattr(handler.os, "read", lambda *_: read.pop(0))
    assert list(sending.wait_for_go()) == [100.75, 101.5, 102.25]
    assert len(sending) == 3
    assert (tmp_path / "log").read_text().startswith("w ")


def test_a_body_has_the_size_of_the_message_and_begins_with_its_number(sending):
    assert [sending.body(m) for m in range(3)] == [b"0    ", b"1", b"2  "]


def test_each_message_is_told_of_once_when_it_is_acknowledged_or_at_the_end(
    sending, tmp_path, monkeypatch
):
    times = iter([1.0, 2.0, 3.0])
    with monkeypatch.context() as patched:
        patched.setattr(module.time, "time", lambda: next(times))
        for message in (0, 1, 0):  # 0 is sent again
            sending.sent(message)
    sending.acknowledged(0)
    sending.ends("Closed")
    sending.ends()
    first, second, last, _ = [line.split() for line in (tmp_path / "log").read_text().splitlines()]
    assert (first[:2], first[4]) == (["a", "0"], "-")
    assert float(first[2]) == 1.0 < float(first[3])
    assert (second[:2], second[3:]) == (["a", "1"], ["-", "Closed"])
    assert last[0] == "x"
