"""The knobs of a queue and its consumers, with the values of a plain queue where none is named."""

from typing import Any

from sim.queue.broker_policy_kernel import BrokerPolicy


def broker_policy(**knobs: Any) -> BrokerPolicy:
    """A policy that differs from a plain queue's, where consumers pull one by one, in ``knobs``.

    What a consumer has requeued comes back to the same ``place`` as the rest unless told otherwise,
    and what counts is what has to wait.

    Raises:
        AttributeError: there is no such knob.
    """
    if "place" in knobs:
        knobs.setdefault("requeue_place", knobs["place"])
    if "counted" in knobs:
        knobs.setdefault("back_off_by", knobs["counted"])
    policy = BrokerPolicy()
    for name, value in knobs.items():
        # Of one type whether the kernel is compiled or not.
        setattr(policy, name, type(getattr(policy, name))(value))
    return policy
