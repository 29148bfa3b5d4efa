"""PostgreSQL starts, not as root, listens on the loopback only, and ends."""

import os
import socket
from pathlib import Path

import pytest

from sim.foundation.errors import LabError
from sim.validate import postgres_server
from sim.validate.postgres_server import PostgresServer, url
from sim.validate.real import BrokerMissingError
from sim.validate.server import HOST


def _server(folder):
    try:
        return PostgresServer(folder / "s")
    except BrokerMissingError as error:
        pytest.skip(str(error))


def test_it_answers_until_it_is_stopped(tmp_path):
    psycopg = pytest.importorskip("psycopg")
    for folder in [tmp_path, *tmp_path.parents[:2]]:  # of the test's user alone
        folder.chmod(0o755)
    server = _server(tmp_path)
    server.start()
    try:
        assert os.stat(f"/proc/{server.pid}").st_uid != 0
        with psycopg.connect(server.url) as database:
            said = database.execute("SHOW listen_addresses").fetchone()
            assert said == (HOST,)
            assert database.execute("SHOW synchronous_commit").fetchone() == ("on",)
        data = server.folder / "data"
        assert data.stat().st_mode & 0o777 == 0o700
    finally:
        server.stop()
    assert not data.exists()
    with pytest.raises(OSError):
        socket.create_connection((HOST, server.port), 1)


def test_where_it_is_not_installed_one_line_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(postgres_server, "INSTALLED", tmp_path)
    with pytest.raises(BrokerMissingError, match=r"^PostgreSQL is not installed: `make brokers`$"):
        PostgresServer(tmp_path)


def test_the_newest_version_is_taken_and_what_fails_says_its_last_line(tmp_path, monkeypatch):
    monkeypatch.setattr(postgres_server, "INSTALLED", tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    for version in ("9.6", "17", "15"):
        programs = tmp_path / version / "bin"
        programs.mkdir(parents=True)
        (programs / "postgres").write_text("")
        (programs / "initdb").write_text(f"#!/bin/sh\necho one >&2\necho {version} >&2\nexit 1\n")
        (programs / "initdb").chmod(0o755)
    (tmp_path / "s").mkdir()
    server = PostgresServer(tmp_path / "s")
    assert Path(server.command()[0]) == tmp_path / "17" / "bin" / "postgres"
    with pytest.raises(LabError, match=r"^initdb failed: 17$"):
        server.prepare()


def test_root_starts_it_as_another_user(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert postgres_server._not_as_root()[:2] == ["setpriv", "--reuid=postgres"]
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert postgres_server._not_as_root() == []


def test_clients_come_as_a_user_of_the_lab():
    assert url("127.0.0.1:5") == "postgresql://lab@127.0.0.1:5/postgres"
