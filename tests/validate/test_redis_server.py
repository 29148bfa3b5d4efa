"""Redis starts, listens on the loopback only, and ends."""

import shutil
import socket

import pytest

from sim.validate.real import BrokerMissingError
from sim.validate.redis_server import RedisServer
from sim.validate.server import HOST


@pytest.mark.skipif(shutil.which("redis-server") is None, reason="Redis: `make brokers`")
def test_it_answers_until_it_is_stopped(tmp_path):
    server = RedisServer(tmp_path)
    server.start()
    try:
        with socket.create_connection((HOST, server.port), 5) as connection:
            connection.sendall(b"PING\r\n")
            assert connection.recv(16) == b"+PONG\r\n"
    finally:
        server.stop()
    with pytest.raises(OSError):
        socket.create_connection((HOST, server.port), 1)


def test_where_it_is_not_installed_one_line_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BrokerMissingError, match=r"^Redis is not installed: `make brokers`$"):
        RedisServer(tmp_path)
    monkeypatch.setenv("PATH", "/usr/bin")
