"""What faults do to queues: a function for each."""

from functools import singledispatch

from sim.engine.environment import Steps
from sim.injection.context import Context
from sim.scenario.faults.queues import QueueFault, RedriveFault


@singledispatch
def strike(fault: QueueFault, context: Context) -> Steps:
    """Strike a queue, at the present time; each fault has its own function below.

    Args:
        fault: what happens.
        context: where it happens.
    """
    raise NotImplementedError(f"{fault.fault} cannot strike a queue")


@strike.register
def _redrive(fault: RedriveFault, context: Context) -> Steps:
    """Nothing is done here: the queues move their messages, and tell of it."""
    yield from ()
