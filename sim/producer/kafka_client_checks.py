"""What holds of a producer client whatever happens to it; where it does not, the lab is wrong.

How far it has come is looked at whenever the client has been advanced and something was due, in a
few microseconds; the rest when its process or the run ends. All raise AssertionError.
"""

from typing import NamedTuple

import numpy as np

from sim.producer import kafka_client_codes as codes
from sim.producer.kafka_client_state_kernel import ClientState


class ClientProgress(NamedTuple):
    """What only grows."""

    committed: int
    """Committed input offset."""
    entries: int
    """Of the journal."""
    rows: int
    """Records in it."""


def progress(client: ClientState) -> ClientProgress:
    """How far a client has come."""
    return ClientProgress(client.app.committed_to, client.journal.entries, client.journal.rows)


def check_progress(before: ClientProgress, client: ClientState) -> None:
    """What is committed and stored stays so, and nobody is beyond the input.

    Args:
        before: how far it had come before the advance.
        client: after it.
    """
    now = progress(client)
    for name, was, is_ in zip(ClientProgress._fields, before, now, strict=True):
        assert is_ >= was, f"client: {name} went back: {before}, {now}"
    rows = len(client.app.status)
    assert 0 <= now.committed <= rows, "client: an offset beyond its input is committed"
    assert 0 <= client.app.position <= rows, "client: it is beyond its input"
    assert client.records.remaining >= 0, "client: fewer than no records"
    assert now.entries <= now.rows, "client: a batch without records was stored"


def check_counts(client: ClientState) -> None:
    """What is counted of batches is what there is; of a process, before it is forgotten."""
    partitions = client.partitions
    in_flight, queued = np.asarray(partitions.in_flight), np.asarray(partitions.first) >= 0
    assert (in_flight >= 0).all(), "client: fewer than no batches in flight"
    assert partitions.queues == np.count_nonzero(queued), "client: queues that there are not"


def check_acknowledged(client: ClientState) -> None:
    """What a broker has acknowledged, it has stored; nobody promises anything with acks=0."""
    if client.settings.acks == 0:
        return
    status = np.asarray(client.app.status)
    stored = np.zeros(status.size, np.bool_)
    stored[np.asarray(client.journal.row)[: client.journal.rows]] = True
    assert stored[status == codes.ACKED].all(), "client: acknowledged and never stored"
    times = np.asarray(client.journal.append_s)[: client.journal.entries]
    assert (np.diff(times) >= 0.0).all(), "client: its brokers' time went back"
