"""The knobs of a queue and its consumers, with the values of a plain queue where none is named."""

from typing import Any

import numpy as np

from sim.foundation.arrays import NO_LIMIT
from sim.queue import broker_kernel as k

_PLAIN = k.BrokerPolicy(
    push=0,
    batch=1,
    wait_s=0.0,
    prefetch=NO_LIMIT,
    ack=k.LATE,
    ack_every=1,
    ack_waits=1,
    per_batch_s=0.0,
    lock_s=np.inf,
    sweep_s=0.0,
    late_ack=0,
    any_copy=0,
    lock_closes=0,
    closes=0,
    reopen_s=0.0,
    place=k.RETURNS,
    requeue_place=k.RETURNS,
    pick=k.ONE,
    look_ahead=NO_LIMIT,
    span=NO_LIMIT,
    noisy_share=1.0,
    noisy_least=NO_LIMIT,
    recent_s=60.0,
    single_active=0,
    max_receives=NO_LIMIT,
    max_returns=NO_LIMIT,
    counted=0,
    dead_letters=0,
    on_failure=k.LEAVE,
    stop_batch=0,
    on_kill=k.DIE,
    retry_s=0.0,
    retry_growth=1.0,
    retry_max_s=np.inf,
    retry_held=0,
    retry_whole=0,
    max_length=NO_LIMIT,
    overflow=k.DROP_HEAD,
    republish_s=np.inf,
    max_in_flight=NO_LIMIT,
    dedup_s=0.0,
    calls_per_s=np.inf,
    retention_s=np.inf,
    delay_s=0.0,
)


def broker_policy(**knobs: Any) -> k.BrokerPolicy:
    """A policy that differs from a plain queue's, where consumers pull one by one, in ``knobs``.

    What a consumer has requeued comes back to the same ``place`` as the rest unless told otherwise.
    """
    if "place" in knobs:
        knobs.setdefault("requeue_place", knobs["place"])
    # Of one type throughout: the kernel is compiled anew, for minutes, where an int is a float.
    return _PLAIN._replace(
        **{name: type(getattr(_PLAIN, name))(value) for name, value in knobs.items()}
    )
