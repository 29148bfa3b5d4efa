"""Configuration files of a test's own making, imported, loaded and run."""

import sim
from helpers.exports import written
from sim.imports import config


def imported(folder, *files, client=None, profile=None):
    """What the import says of files (name, text), and the scenario that it wrote, loaded."""
    paths = [written(folder, name, text) for name, text in files]
    made = config.scenario(paths, client, profile)
    return made, sim.load(written(folder, "out.yaml", made.yaml))


def all_done(scenario):
    """Whether every message of the neutral workload is worked on, in each system."""
    summary = sim.run(scenario.with_({"scale": 0.1})).summary
    return len(summary) > 0 and (summary["processed"] == summary["produced"]).all()
