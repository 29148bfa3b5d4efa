"""Small results on disk."""

from helpers.traffic import scenario
from sim.lab import run
from sim.results.store import Store, manifest


def stored(out, name, **changes):
    """The folder of the result of a run of two seconds."""
    short = {"duration": "2 s", "workload.arrivals.profile": [{"for": "2 s", "rate": "500/s"}]}
    its = scenario(**short, **changes)
    store = Store(out, its, name)
    done = run(its)
    about = manifest(its, ["sim", "run", "test"], done.wall_s)
    return store.write(store.begin(), done.tables, about)
