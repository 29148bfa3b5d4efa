"""What holds of a producer client whatever happens to it; where it does not, the lab is wrong.

The first is looked at whenever the client has been advanced and something was due, in a few
microseconds; the second once, at the end. Both raise AssertionError.
"""

from collections.abc import Sequence

import numpy as np

from sim.producer import kafka_client_kernel as k

_ONLY_GROW = (k.COMMITTED_TO, k.ENTRIES, k.ROWS)


def check_progress(before: Sequence[int], client: k.ClientState) -> None:
    """What is committed and stored stays so, and nobody is beyond the input.

    Args:
        before: `kafka_client_kernel.App.n` before the advance.
        client: after it.
    """
    now: list[int] = client.app.n.tolist()
    for place in _ONLY_GROW:
        assert now[place] >= before[place], f"client: counter {place} went back: {before}, {now}"
    rows = client.source.created_s.size
    assert 0 <= now[k.COMMITTED_TO] <= rows, "client: an offset beyond its input is committed"
    assert 0 <= now[k.POSITION] <= rows, "client: it is beyond its input"
    assert now[k.REMAINING] >= 0, "client: fewer than no records"
    assert now[k.ENTRIES] <= now[k.ROWS], "client: a batch without records was stored"


def check_acknowledged(client: k.ClientState) -> None:
    """What a broker has acknowledged, it has stored; nobody promises anything with acks=0."""
    if client.settings.acks == 0:
        return
    n = client.app.n
    stored = np.zeros(client.app.status.size, np.bool_)
    stored[client.journal.row[: n[k.ROWS]]] = True
    assert stored[client.app.status == k.ACKED].all(), "client: acknowledged and never stored"
    times = client.journal.append_s[: n[k.ENTRIES]]
    assert (np.diff(times) >= 0.0).all(), "client: its brokers' time went back"
