"""ElasticMQ starts from its jars, on the loopback."""

import shutil

import pytest

from sim.validate import elasticmq_server
from sim.validate.elasticmq_server import ElasticmqServer
from sim.validate.real import BrokerMissingError
from sim.validate.server import INSTALLED

_THERE = shutil.which("java") is not None and any((INSTALLED / "elasticmq/libs").glob("*.jar"))


@pytest.fixture
def installed(tmp_path, monkeypatch):
    libs = tmp_path / "installed" / "elasticmq" / "libs"
    libs.mkdir(parents=True)
    (libs / "elasticmq-server_2.13-1.6.14.jar").touch()
    (libs / "elasticmq-core_2.13-1.6.14.jar").touch()
    monkeypatch.setattr(elasticmq_server, "INSTALLED", tmp_path / "installed")
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")


def test_its_version_is_that_of_its_jar_and_it_binds_to_the_loopback(installed, tmp_path):
    server = ElasticmqServer(tmp_path, port=5002)
    assert server.version == "1.6.14"
    server.prepare()
    text = (tmp_path / "elasticmq.conf").read_text()
    assert 'bind-port = 5002, bind-hostname = "127.0.0.1"' in text
    assert server.command()[-1] == "org.elasticmq.server.Main"


def test_where_it_is_not_installed_one_line_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(elasticmq_server, "INSTALLED", tmp_path)
    with pytest.raises(BrokerMissingError, match=r"^ElasticMQ is not installed: `make brokers`$"):
        ElasticmqServer(tmp_path)


@pytest.mark.skipif(not _THERE, reason="ElasticMQ: `make brokers`")
def test_it_starts_and_stops(tmp_path):
    server = ElasticmqServer(tmp_path)
    server.start()
    server.stop()
    assert not server.answers()
