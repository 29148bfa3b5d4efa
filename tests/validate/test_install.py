"""What cannot be installed is one line, and the rest is installed all the same."""

import os
import stat

import pytest

from sim.validate import install as module
from sim.validate.install import NotInstalledError, classes, install, jars, packages


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """A folder that is all of PATH, into which programs are put."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def put(name, script):
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    return put


def test_each_part_is_told_of_and_one_that_fails_holds_no_other(capsys):
    def fails():
        raise NotInstalledError("no mvn")

    assert not install({"a": fails, "b": lambda: "there already"})
    said = capsys.readouterr()
    assert said.out == "b: there already\n"
    assert said.err == "a: not installed: no mvn\n"
    assert install({"b": lambda: "there already"})


def test_packages_need_apt_get_and_root(programs, monkeypatch):
    assert packages([]) == "there already"
    with pytest.raises(NotInstalledError, match="no apt-get: install a and b yourself"):
        packages(["a", "b"])
    programs("apt-get", "exit 0")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(
        NotInstalledError, match="run 'sudo apt-get install --no-install-recommends -y a'"
    ):
        packages(["a"])


def test_packages_are_installed_without_their_services(programs, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    log = tmp_path / "log"
    programs("apt-get", f'echo "$RUNLEVEL apt-get $@" >> {log}')
    programs("systemctl", f'echo "systemctl $1 $2 $3" >> {log}')
    assert packages(["redis-server"]) == "installed redis-server"
    assert log.read_text().splitlines() == [
        "1 apt-get update",
        "1 apt-get install --no-install-recommends -y redis-server",
        "systemctl disable --now rabbitmq-server",
    ]


def test_a_program_that_fails_says_its_last_line(programs, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    programs("apt-get", "echo one >&2; echo no network >&2; exit 100")
    with pytest.raises(NotInstalledError, match=r"^'apt-get update' failed: no network$"):
        packages(["redis-server"])


def test_jars_are_fetched_once_for_a_pom(programs, tmp_path):
    pom, to = tmp_path / "x.pom.xml", tmp_path / "libs"
    pom.write_text("<project/>")
    with pytest.raises(NotInstalledError, match="no mvn"):
        jars(pom, to)
    programs("mvn", f': > "{to}/a.jar"; : > "{to}/b.jar"')
    assert jars(pom, to) == f"2 jars in {to}"
    assert jars(pom, to) == "there already"
    pom.write_text("<project></project>")
    assert jars(pom, to) == f"2 jars in {to}"


def test_jars_that_were_not_fetched_are_fetched_the_next_time(programs, tmp_path):
    pom, to = tmp_path / "x.pom.xml", tmp_path / "libs"
    pom.write_text("<project/>")
    programs("mvn", "exit 1")
    for _ in range(2):
        with pytest.raises(NotInstalledError, match="'mvn -q -B' failed"):
            jars(pom, to)


def test_clients_need_a_compiler(programs, tmp_path):
    with pytest.raises(NotInstalledError, match="no javac"):
        classes([tmp_path / "A.java"], tmp_path, tmp_path / "classes")
    programs("javac", "exit 0")
    assert classes([tmp_path / "A.java"], tmp_path, tmp_path / "out") == "1 clients compiled"


def test_every_broker_has_a_part():
    assert {"RabbitMQ, Redis, NATS and PostgreSQL", "ElasticMQ"} <= set(module.parts())
