"""NATS starts with JetStream, listens on the loopback only, and ends."""

import shutil
import socket

import pytest

from sim.validate.nats_server import NatsServer, url
from sim.validate.real import BrokerMissingError
from sim.validate.server import HOST


def test_it_answers_until_it_is_stopped(tmp_path):
    try:
        server = NatsServer(tmp_path / "s")
    except BrokerMissingError as error:
        pytest.skip(str(error))
    server.start()
    try:
        with socket.create_connection((HOST, server.port), 5) as connection:
            assert b'"jetstream":true' in connection.recv(4096).replace(b" ", b"")
    finally:
        server.stop()
    with pytest.raises(OSError):
        socket.create_connection((HOST, server.port), 1)


def test_where_it_is_not_installed_one_line_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(BrokerMissingError, match=r"^NATS is not installed: `make brokers`$"):
        NatsServer(tmp_path)


def test_it_is_found_where_debian_puts_it(tmp_path, monkeypatch):
    found = {None: None, "/usr/sbin": "/usr/sbin/nats-server"}
    monkeypatch.setattr(shutil, "which", lambda _, path=None: found[path])
    command = NatsServer(tmp_path, 4222).command()
    assert command[0] == "/usr/sbin/nats-server"
    assert command[-1] == str(tmp_path / "streams")


def test_clients_have_its_address():
    assert url("127.0.0.1:5") == "nats://127.0.0.1:5"
