"""Results on disk: ``results/<scenario>/<run>/``, written whole or not at all.

A run in progress keeps each finished system in ``<run>.partial``; the same scenario with the same
seed takes it from there instead of computing it again.
"""

import json
import platform
import re
import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.foundation import files
from sim.foundation.errors import LabError, nearest
from sim.foundation.units import shown
from sim.results import folders
from sim.results.folders import MANIFEST
from sim.scenario.load import Scenario

if TYPE_CHECKING:
    import pandas as pd

    from sim.measure.tables import Tables
    from sim.results.result import Result

_NEEDED = (
    "scenario", "hash", "seed", "scale", "command", "versions", "finished", "wall_s", "content",
    "duration_s",
)  # fmt: skip
"""What every manifest has."""
_PARTIAL = ".partial"
"""Ends the name of the folder with what an unfinished run keeps."""

_SELDOM = ("silences", "waits", "limits", "workers", "shown", "pipeline")
"""Tables that are written only where they have a row."""
_ALWAYS = ("summary", "series", "latency", "fates", "messages", "faults")
"""Tables that every version of the lab has written."""


def run_name(scenario: Scenario) -> str:
    """The name of a run: its seed, and six digits of the hash of the scenario's content."""
    return f"seed{scenario.seed}-{scenario.hash[:6]}"


def _write_tables(tables: "Tables", folder: Path) -> None:
    tables.summary.to_csv(folder / "summary.csv", index=False)
    for name, frame in tables.frames.items():
        if name in _SELDOM and not len(frame):
            continue
        frame.to_parquet(folder / f"{name}.parquet", compression="zstd", index=False)


def _keep_tables(tables: "Tables", folder: Path) -> None:
    """Write what is to be read once, soon and here: a quarter of the time that `_write_tables` has.

    Of each table, its columns are as they are in memory (Arrow's file format).
    """
    for name, frame in tables.frames.items():
        frame.to_feather(folder / f"{name}.arrow", compression="uncompressed")


def _kept_tables(folder: Path, duration_s: float) -> "Tables":
    import pandas as pd

    from sim.measure.tables import Tables

    frames = {name: pd.read_feather(folder / f"{name}.arrow") for name in Tables.FRAMES}
    return Tables(**frames, duration_s=duration_s)


def _read_tables(folder: Path, duration_s: float) -> "Tables":
    from sim.measure.tables import Tables

    for name in _ALWAYS:
        if not (folder / f"{name}.parquet").exists():
            raise FileNotFoundError(f"there is no {name}.parquet")
    frames = {name: _read_frame(folder / f"{name}.parquet") for name in Tables.FRAMES}
    return Tables(**frames, duration_s=duration_s)


def _read_frame(path: Path) -> "pd.DataFrame":
    """A table; one without rows where none of that name was written."""
    import pandas as pd

    if not path.exists():
        return pd.DataFrame({"system": pd.Series(dtype="str")})
    return pd.read_parquet(path)


def manifest(
    scenario: Scenario,
    command: Sequence[str],
    wall_s: Mapping[str, float],
    warnings: Sequence[str] = (),
    needs: Sequence[str] = (),
) -> dict[str, Any]:
    """What identifies and repeats a run.

    With the report, it is the only part of a result that holds wall-clock times.

    Args:
        scenario: what was run.
        command: arguments of the shell command that repeats the run.
        wall_s: real time that each part took, s.
        warnings: what is to be known of it before it is believed.
        needs: what became of the scenario's needs, in words.
    """
    libraries = ("matplotlib", "numpy", "pandas", "pyarrow", "simpy")
    return {
        "scenario": scenario.name,
        "hash": scenario.hash,
        "seed": scenario.seed,
        "scale": scenario.scale,
        "command": shlex.join(command),
        "versions": {
            "queue-log-lab": version("queue-log-lab"),
            "python": platform.python_version(),
            **{library: version(library) for library in libraries},
        },
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "wall_s": {name: round(s, 3) for name, s in wall_s.items()},
        "warnings": list(warnings),
        **({"needs": list(needs)} if needs else {}),
        "content": scenario.model_dump(mode="json", by_alias=True),
    }


class Store:
    """Where one run is written."""

    def __init__(self, out: Path, scenario: Scenario, name: str | None = None) -> None:
        """
        Args:
            out: folder of all results.
            scenario: what is run.
            name: of the run; `run_name` when None.

        Raises:
            LabError: the name is none; something else is in the run's place, it is not writable, or
                the disk is full.
        """
        self.folder = out / scenario.name / _checked(name or run_name(scenario))
        self.partial = self.folder.with_name(f"{self.folder.name}{_PARTIAL}")
        self.hash = scenario.hash
        folders.recover(self.folder.parent)
        folders.check_place(self.folder)
        files.check_folder(self.folder.parent)

    @property
    def label(self) -> str:
        """``scenario/run``."""
        return f"{self.folder.parent.name}/{self.folder.name}"

    def finished(self, system: str) -> "Tables | None":
        """Tables of a system that an interrupted run of the same content finished, if any."""
        folder = self.partial / f"{system}-{self.hash}"
        try:
            about = json.loads((folder / MANIFEST).read_text())
            return _kept_tables(folder, about["duration_s"])
        except FileNotFoundError:  # never kept, or another run of this name has just ended
            return None

    def keep(self, system: str, tables: "Tables") -> None:
        """Keep the tables of a finished system until the run is written."""
        temporary = folders.begin(self.folder)
        _keep_tables(tables, temporary)
        (temporary / MANIFEST).write_text(json.dumps({"duration_s": tables.duration_s}))
        folders.put(temporary, self.partial / f"{system}-{self.hash}")
        with suppress(FileNotFoundError):  # another run of this name has just ended
            (self.partial / folders.MARKER).touch()

    def begin(self) -> Path:
        """An empty folder in which to draw the charts; `write` makes it the result."""
        return folders.begin(self.folder)

    def close(self) -> None:
        """Remove a folder that was begun and has not become the result."""
        folders.abandon(self.folder)

    def write(self, temporary: Path, tables: "Tables", about: Mapping[str, Any]) -> Path:
        """Write tables and manifest beside the charts, and rename; returns the result's folder."""
        _write_tables(tables, temporary)
        text = json.dumps({**about, "duration_s": tables.duration_s}, indent=2)
        (temporary / MANIFEST).write_text(text + "\n")
        folders.put(temporary, self.folder)
        folders.remove(self.partial)
        return self.folder


def _checked(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name) or name.endswith(_PARTIAL):
        raise LabError(
            f"--name {shown(name)}: the name of a run is one folder's name, of at most 100 letters,"
            " digits, '-', '_' and '.'; it begins with a letter or a digit, and does not end in"
            f" '{_PARTIAL}'"
        )
    return name


def newest(folder: Path, but: Path | None = None) -> Path | None:
    """The folder of a scenario's newest run, other than `but`; None: there is none."""
    folders.recover(folder)
    runs = [m.parent for m in folder.glob(f"*/{MANIFEST}") if folders.is_whole(m.parent)]
    runs = [run for run in runs if run != but]
    return max(runs, key=lambda run: (run / MANIFEST).stat().st_mtime) if runs else None


def find(words: str, out: Path) -> Path:
    """The folder of a result, named by path, by ``scenario/run`` or by scenario (its newest run).

    Raises:
        LabError: there is none.
    """
    for folder in (Path(words), out / words):
        if (folder / MANIFEST).is_file():
            return folder
        if run := newest(folder):
            return run
    whole = (m.parent for m in out.glob(f"*/*/{MANIFEST}") if folders.is_whole(m.parent))
    known = sorted({str(run.parent.relative_to(out)) for run in whole})
    hint = nearest(words, known)
    raise LabError(
        f"no result '{words}' in {out}"
        + (f"; did you mean '{hint}'?" if hint else "; `sim run` makes one")
    )


def read_manifest(folder: Path) -> dict[str, Any]:
    """What identifies and repeats a stored run.

    Raises:
        LabError: the folder does not hold a whole result.
    """
    try:
        about: dict[str, Any] = json.loads(files.read_text(folder / MANIFEST))
    except OSError as error:
        raise LabError(f"{folder} does not hold a result: {files.why(error)}") from None
    except (ValueError, RecursionError) as error:
        raise LabError(f"{folder}/{MANIFEST} is not what the lab wrote: {error}") from None
    missing = [key for key in _NEEDED if not isinstance(about, dict) or key not in about]
    if missing:
        raise LabError(f"{folder}/{MANIFEST} is not what the lab wrote: no {missing[0]!r} in it")
    return about


def read(folder: Path) -> "Result":
    """Read a result.

    Raises:
        LabError: the folder does not hold a whole result.
    """
    from sim.results.result import Result

    about = read_manifest(folder)
    try:
        tables = _read_tables(folder, about["duration_s"])
        return Result(tables, about["wall_s"], folder=folder, manifest=about)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LabError(f"{folder} does not hold a result: {error}") from None
