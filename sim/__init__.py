"""A queue-versus-log simulation lab.

In a notebook::

    import sim

    spike = sim.load("tournament_spike").with_({"scale": 0.02})
    sim.run(spike)                          # the finding, and a table
    sim.run(spike).plot.lag()               # matplotlib axes, shown as a picture
    sim.compare([sim.run(spike.with_(seed=n)) for n in (1, 2, 3)])

`load` reads a scenario, `run` gives its `Result`, `explain` says why it goes wrong, `compare` puts
results side by side, and `read` fetches a stored one. On the command line the same is ``sim run``,
``sim explain``, ``sim compare``, ….
"""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sim.foundation.kernels import install

if TYPE_CHECKING:
    from sim.causes.data import Explanation
    from sim.results.comparison import Comparison
    from sim.results.result import Result
    from sim.scenario.load import Scenario

__all__ = [
    "Comparison", "Explanation", "Result", "Scenario", "compare", "explain", "load", "read", "run",
]  # fmt: skip

install()

_HOMES = {
    "Comparison": "sim.results.comparison",
    "Explanation": "sim.causes.data",
    "Result": "sim.results.result",
    "Scenario": "sim.scenario.load",
}


def load(path_or_name: "str | os.PathLike[str]", overrides: Sequence[str] = ()) -> "Scenario":
    """Read a scenario.

    Args:
        path_or_name: a YAML file, or the bare name of one in ``./scenarios`` or the lab's own.
        overrides: texts of the form ``dotted.path=value``, as after ``--set``. `Scenario.with_`
            takes the same paths, with values that are Python's.

    Raises:
        LabError: every problem found, each with file and line.
    """
    from sim.scenario.load import load

    return load(path_or_name, overrides)


def run(scenario: "Scenario | str | os.PathLike[str]") -> "Result":
    """Send a scenario's messages through its systems.

    Args:
        scenario: from `load` or `Scenario.from_mapping`, or what `load` would take.

    Raises:
        LabError: the scenario cannot be run.
    """
    from sim.lab import run
    from sim.scenario.load import Scenario

    return run(scenario if isinstance(scenario, Scenario) else load(scenario))


def explain(
    scenario: "Scenario | str | os.PathLike[str]",
    system: str | None = None,
    group: str | None = None,
) -> "Explanation":
    """Find out why a scenario goes wrong: what of it the harms go away without, shown by runs.

    Args:
        scenario: as for `run`.
        system: only this one; None: all.
        group: only groups or queues of this name; None: all.

    Raises:
        LabError: there is no such system or group, or the scenario cannot be run.
    """
    from sim.causes.explain import explain
    from sim.scenario.load import Scenario

    its = scenario if isinstance(scenario, Scenario) else load(scenario)
    return explain(its, system, group)


def compare(results: "Mapping[str, Result] | Sequence[Result]") -> "Comparison":
    """Put results side by side: ``.summary`` is a table, ``.plot()`` a picture.

    Args:
        results: by label; or in a row, and then labelled by what differs between their scenarios.

    Raises:
        LabError: there are none.
    """
    from sim.results.comparison import Comparison

    return Comparison.of(results)


def read(result: "str | os.PathLike[str]", out: "str | os.PathLike[str]" = "results") -> "Result":
    """Fetch a stored result.

    Args:
        result: its folder, or ``scenario/run`` or a scenario (its newest run) in `out`.
        out: the folder of all results.

    Raises:
        LabError: there is no such result, or not a whole one.
    """
    from pathlib import Path

    from sim.results.store import find, read

    return read(find(os.fspath(result), Path(out)))


def __getattr__(name: str) -> Any:
    """The classes, imported when asked for: a bare ``import sim`` stays quick."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'sim' has no attribute {name!r}")
