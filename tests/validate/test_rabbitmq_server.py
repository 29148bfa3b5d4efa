"""RabbitMQ starts with an `epmd` of its own, and leaves nothing."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from sim.validate import rabbitmq_server
from sim.validate.rabbitmq_server import RabbitmqServer, url
from sim.validate.real import BrokerMissingError

_THERE = rabbitmq_server._SERVER.exists() and find_spec("pika") is not None


@pytest.mark.skipif(not _THERE, reason="RabbitMQ and pika: `make brokers`")
def test_it_starts_and_leaves_no_process_and_no_data(tmp_path):
    server = RabbitmqServer(tmp_path)
    server.start()
    try:
        assert server.pid is not None
        assert "beam" in Path(f"/proc/{server.pid}/comm").read_text()
        epmd = server._epmd.pid
    finally:
        server.stop()
    for pid in (server.pid, epmd):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert not (tmp_path / "node").exists()


def test_everything_of_it_listens_on_the_loopback(tmp_path, monkeypatch):
    monkeypatch.setattr(rabbitmq_server, "_SERVER", Path("/bin/true"))
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    server = RabbitmqServer(tmp_path, port=5001)
    given = server.environment()
    assert given["RABBITMQ_NODE_IP_ADDRESS"] == given["ERL_EPMD_ADDRESS"] == "127.0.0.1"
    assert "inet_dist_use_interface {127,0,0,1}" in given["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"]
    assert server.url == url("127.0.0.1:5001") == "amqp://guest:guest@127.0.0.1:5001/%2F"


def test_where_it_is_not_installed_one_line_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(rabbitmq_server, "_SERVER", tmp_path / "none")
    with pytest.raises(BrokerMissingError, match=r"^RabbitMQ is not installed: `make brokers`$"):
        RabbitmqServer(tmp_path)
