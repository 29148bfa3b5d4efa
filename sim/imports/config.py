"""Configuration files, as people have them, as a scenario: `sim import config FILE...`.

Each file is recognised for what it is (`sim.imports.config_kinds`) before it is judged; a module
`config_*.py` reads each family of files into pieces (`config_parts`), and `config_scenario` puts
the pieces of all files together. No file says what the workload is: a neutral one stands there.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from sim.foundation.text import names
from sim.imports.config_file import Source
from sim.imports.config_kinds import KNOWN, read
from sim.imports.config_scenario import made_of
from sim.imports.made import Imported
from sim.imports.measured import complaint, text_of


def scenario(
    paths: Path | Sequence[Path],
    client: Literal["consumer", "producer"] | None = None,
    profile: str | None = None,
) -> Imported:
    """Turn configurations of one system into a scenario file.

    Args:
        paths: the file, or the files of one system; what a later one says comes first.
        client: whose keys they are, of a Kafka client's; None if they tell.
        profile: of Spring's documents, those of this profile besides those of none.

    Raises:
        LabError: a file is of no kind that the lab knows; or every problem of the files, with its
            line; or nothing is of that profile.
    """
    files = [paths] if isinstance(paths, Path) else list(paths)
    found = []
    for path in files:
        source = Source(path, text_of(path, KNOWN), client, profile)
        found.append((path, read(source)))
    of_files = dict.fromkeys(name for _, reading in found for name in reading.profiles)
    if profile is not None and profile not in of_files:
        known = f"; there is {names([*of_files])}" if of_files else "; there is none"
        raise complaint(files[0], f"no document or file of the profile {profile!r}{known}")
    if not any(reading.pieces for _, reading in found):
        kinds = " and ".join(dict.fromkeys(reading.kind for _, reading in found))
        raise complaint(files[0], f"{kinds}, and nothing in it that the lab has")
    return made_of(found)
