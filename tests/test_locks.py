"""What is installed is pinned, and the simulator's part of it is a part of the whole."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
_PIN = re.compile(
    r"^([\w.-]+)==([\w.]+)(?: ; ([^\\\n]+?))?((?: \\\n    --hash=sha256:\w+)+)$", re.M
)


def pins(name):
    """(package, version) -> its hashes."""
    text = (ROOT / name).read_text()
    found = {(p, v): set(re.findall(r"sha256:\w+", rest)) for p, v, _, rest in _PIN.findall(text)}
    assert len(found) == len(re.findall(r"^[\w.-]+==", text, re.M)), name
    return found


def canonical(requirement):
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()


def test_the_simulators_packages_are_those_of_the_whole():
    whole = pins("requirements.lock")
    for pin, hashes in pins("runtime.lock").items():
        assert whole[pin] == hashes, pin


def test_the_simulators_packages_are_what_it_says_that_it_needs_and_to_compile():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    needs = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    pinned = {package for package, _ in pins("runtime.lock")}
    assert {canonical(need) for need in needs} <= pinned
    assert not pinned & {"pytest", "mypy", "jupyterlab", "ipykernel", "ruff"}
    assert sorted(project["project"]["optional-dependencies"]["kernels"]) == sorted(
        project["build-system"]["requires"]
    )
