"""Runs of many scenarios on a Dask cluster that is there already: the extra `dask`.

Each scenario is sent to a worker, and what is kept of its run comes back: no disk is shared. The
lab, of the same version and sources, must be installed on the workers, and a trace or other file of
data that a scenario names be at the same path. A task whose worker dies is given to another one.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from sim.foundation.errors import LabError
from sim.scenario.load import Scenario
from sim.studies.points import of_lab, outcome

PATIENCE_S = 10.0
"""Until the scheduler must have answered, and have a worker."""


def outcomes(
    scenarios: Sequence[Scenario], address: str, also: Sequence[str] = ()
) -> Iterator[tuple[int, Mapping[str, bytes]]]:
    """Run scenarios; yields the place of each in ``scenarios`` and its `outcome`, as they come.

    Args:
        scenarios: to run.
        address: of the scheduler, such as ``tcp://10.0.0.5:8786``.
        also: as in `sim.studies.points.compute`.

    Raises:
        LabError: a scenario cannot be run; the extra is not installed; nobody answers at the
            address; there is no worker; a worker has no lab, or that of another version; or the
            workers die of the task.
    """
    distributed = _distributed()
    with _client(distributed, address) as client:
        futures = client.map(_on_worker, scenarios, also=tuple(also), pure=False)
        places = {future.key: place for place, future in enumerate(futures)}
        coming = distributed.as_completed(futures, loop=client.loop)
        del futures  # so that what was fetched is forgotten by the cluster
        for future in coming:
            try:
                its, tables = future.result()
            except LabError:
                raise
            except distributed.KilledWorker as error:
                raise LabError(f"--dask {address}: workers died of a run: {error}") from None
            except Exception as error:
                raise LabError(
                    f"--dask {address}: a worker cannot run this; is the lab installed there, of "
                    f"version {of_lab()}? It says: {type(error).__name__}: {error}"
                ) from None
            if its != of_lab():
                raise LabError(
                    f"--dask {address}: a worker has version {its} of the lab, this is {of_lab()}"
                )
            yield places[future.key], tables


def _on_worker(scenario: Scenario, also: Sequence[str]) -> tuple[str, dict[str, bytes]]:
    return of_lab(), outcome(scenario, also)


def _distributed() -> Any:
    """The package; some versions of it have types, and not for all of it."""
    try:
        return import_module("distributed")
    except ImportError:
        raise LabError("--dask needs the extra: pip install 'queue-log-lab[dask]'") from None


@contextmanager
def _client(distributed: Any, address: str) -> Iterator[Any]:
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters is raised
    try:
        client = distributed.Client(address, timeout=PATIENCE_S, set_as_default=False)
    except (OSError, ValueError):
        raise LabError(
            f"--dask {address}: no scheduler answers there; expected the address of one, such as "
            "tcp://127.0.0.1:8786"
        ) from None
    try:
        try:
            client.wait_for_workers(1, timeout=PATIENCE_S)
        except TimeoutError:
            raise LabError(f"--dask {address}: the scheduler has no workers") from None
        yield client
    finally:
        client.close(timeout=0.2)
