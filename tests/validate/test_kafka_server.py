"""A node on the loopback; started for real only where Kafka is installed."""

import shutil

import pytest

from sim.validate import kafka_server
from sim.validate.kafka_server import KafkaServer, installed
from sim.validate.real import BrokerMissingError


def test_without_jars_there_is_one_clear_line(monkeypatch, tmp_path):
    monkeypatch.setattr(kafka_server, "LIBS", tmp_path / "kafka" / "libs")
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    with pytest.raises(BrokerMissingError, match="`make brokers` installs it"):
        installed()


def test_without_java_it_says_so(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(BrokerMissingError, match="there is no java"):
        installed()


def test_all_listeners_are_on_the_loopback(tmp_path, monkeypatch):
    class Done:
        returncode = 0

    monkeypatch.setattr(kafka_server.subprocess, "run", lambda *a, **k: Done())
    server = KafkaServer(tmp_path, {"group.min.session.timeout.ms": "1000"})
    server.prepare()
    lines = dict(
        line.split("=", 1) for line in (tmp_path / "server.properties").read_text().splitlines()
    )
    listeners = lines["listeners"].split(",")
    assert len(listeners) == 2
    assert all(f"//{kafka_server.HOST}:" in listener for listener in listeners)
    assert lines["group.min.session.timeout.ms"] == "1000"
