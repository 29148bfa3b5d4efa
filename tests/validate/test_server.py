"""A server is waited for, listens on the loopback alone, and is ended with all that it started."""

import socket
import sys
import time

import pytest

from sim.foundation.errors import LabError
from sim.validate.server import HOST, ServerProcess, prefer, session


class Listens(ServerProcess):
    name = "listens"

    def command(self):
        return [sys.executable, "-m", "http.server", str(self.port), "--bind", HOST]


class Dies(ServerProcess):
    name = "dies"

    def command(self):
        return [sys.executable, "-c", "raise SystemExit('no disk')"]


def test_it_answers_after_the_start_and_is_gone_after_the_end(tmp_path):
    server = Listens(tmp_path / "server")
    server.start()
    try:
        assert server.pid is not None
        with socket.create_connection((HOST, server.port), 1):
            pass
    finally:
        server.stop()
    with pytest.raises(ConnectionRefusedError), socket.create_connection((HOST, server.port), 1):
        pass


def test_one_that_ends_at_once_is_an_error_with_its_last_words(tmp_path):
    began = time.monotonic()
    with pytest.raises(LabError, match=r"dies did not start.*\n.*no disk"):
        Dies(tmp_path / "server").start()
    assert time.monotonic() - began < 60


def test_a_session_is_its_leader_and_all_that_it_has_started(tmp_path):
    class Starts(Listens):
        def command(self):
            listen = " ".join(super().command())
            return ["sh", "-c", f"sleep 60 & {listen}"]

    server = Starts(tmp_path / "server")
    server.start()
    try:
        assert len(session(server.pid)) == 3
        prefer(server.pid, 1)  # where one may; it is no error where one may not
    finally:
        server.stop()
