"""Brokers for `sim validate`: `python -m sim.validate.install` (`make brokers`).

RabbitMQ, Redis, NATS and PostgreSQL are Debian's packages; Kafka and ElasticMQ are jars that Maven
puts into `INSTALLED`, where the Java clients are compiled to. What cannot be had is one line, and
the rest is installed all the same. Nothing is left running.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from glob import glob
from pathlib import Path

from sim.validate.server import INSTALLED

HERE = Path(__file__).parent
PACKAGES = {
    "rabbitmq-server": Path("/usr/lib/rabbitmq/bin/rabbitmq-server"),
    "redis-server": Path("/usr/bin/redis-server"),
    "nats-server": Path("/usr/sbin/nats-server"),
    "postgresql": Path("/usr/lib/postgresql/*/bin/postgres"),
}
"""Debian's packages, and what each is there for; a pattern, as the version is in the path."""
SERVICES = (
    "rabbitmq-server", "redis-server", "nats-server", "postgresql", "epmd.socket", "epmd.service",
)  # fmt: skip
"""Services that the packages start where there is systemd."""


class NotInstalledError(Exception):
    """A part cannot be installed: one line."""


def packages(missing: Sequence[str]) -> str:
    """Install Debian's packages.

    Args:
        missing: those that are not there.

    Raises:
        NotInstalledError: there is no apt-get, or this is not root, or it failed.
    """
    if not missing:
        return "there already"
    command = ["apt-get", "install", "--no-install-recommends", "-y", *missing]
    if shutil.which("apt-get") is None:
        raise NotInstalledError(f"no apt-get: install {' and '.join(missing)} yourself")
    if os.geteuid() != 0:
        raise NotInstalledError(f"not root: run 'sudo {' '.join(command)}'")
    # None is to run as a service: `sim validate` starts its own on the loopback.
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    _run(["apt-get", "update"], quiet)
    _run(command, quiet)
    if shutil.which("systemctl") is not None:
        subprocess.run(
            ["systemctl", "disable", "--now", *SERVICES], capture_output=True, check=False
        )
    return f"installed {', '.join(missing)}"


def jars(pom: Path, to: Path) -> str:
    """Have Maven fetch what a pom names.

    Args:
        pom: file.
        to: folder for the jars.

    Raises:
        NotInstalledError: there is no Maven, or it failed.
    """
    done = to / f".{pom.name}"
    if done.exists() and done.read_bytes() == pom.read_bytes():
        return "there already"
    if shutil.which("mvn") is None:
        raise NotInstalledError("no mvn: install Maven and a JDK of 17 or later")
    shutil.rmtree(to, ignore_errors=True)
    to.mkdir(parents=True)
    goal = ["dependency:copy-dependencies", f"-DoutputDirectory={to.absolute()}"]
    _run(["mvn", "-q", "-B", "-f", str(pom), *goal], os.environ)
    shutil.copyfile(pom, done)
    return f"{len(list(to.glob('*.jar')))} jars in {to}"


def classes(sources: Sequence[Path], libraries: Path, to: Path) -> str:
    """Compile the clients in Java.

    Args:
        sources: files.
        libraries: folder with the jars that they need.
        to: folder for the classes.

    Raises:
        NotInstalledError: there is no compiler, or it failed.
    """
    if shutil.which("javac") is None:
        raise NotInstalledError("no javac: install a JDK of 17 or later")
    to.mkdir(parents=True, exist_ok=True)
    _run(["javac", "-cp", f"{libraries}/*", "-d", str(to), *map(str, sources)], os.environ)
    return f"{len(sources)} clients compiled"


def _run(command: Sequence[str], environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        list(command), env=dict(environment), capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise NotInstalledError(f"'{' '.join(command[:3])}' failed: {said[-1] if said else ''}")


def parts() -> Mapping[str, Callable[[], str]]:
    """What there is to install, by what it is for."""
    missing = [name for name, program in PACKAGES.items() if not glob(str(program))]
    found: dict[str, Callable[[], str]] = {
        "RabbitMQ, Redis, NATS and PostgreSQL": lambda: packages(missing)
    }
    for name, said in (("kafka", "Kafka"), ("elasticmq", "ElasticMQ")):
        pom = HERE / f"{name}.pom.xml"
        if pom.exists():
            found[said] = partial(jars, pom, INSTALLED / name / "libs")
    sources = sorted(HERE.glob("*.java"))
    if sources:
        kafka = INSTALLED / "kafka"
        found["clients in Java"] = lambda: classes(sources, kafka / "libs", kafka / "classes")
    return found


def install(what: Mapping[str, Callable[[], str]]) -> bool:
    """Install each part, and say a line of it; whether all are there."""
    whole = True
    for name, part in what.items():
        try:
            print(f"{name}: {part()}", flush=True)
        except NotInstalledError as error:
            print(f"{name}: not installed: {error}", file=sys.stderr, flush=True)
            whole = False
    return whole


if __name__ == "__main__":
    sys.exit(0 if install(parts()) else 1)
