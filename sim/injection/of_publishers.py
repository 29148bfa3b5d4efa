"""What faults do to the process that publishes: a function for each."""

from functools import singledispatch

from sim.engine.environment import Steps
from sim.engine.system import PublisherProcess
from sim.injection.context import Context
from sim.injection.crew import LOOK_S
from sim.scenario.faults.base import PublisherFault
from sim.scenario.faults.processes import CrashFault, ExitFault, InterruptFault, TerminateFault


def strike(fault: PublisherFault, publisher: PublisherProcess, context: Context) -> Steps:
    """Strike a publisher at the present time, and start a new one when the fault says so.

    Args:
        fault: what happens.
        publisher: to whom.
        context: where it happens.
    """
    context.timeline.lasts(f"{fault.signal} publisher", fault.lasts_s)
    do(fault, publisher)
    if fault.restart_after is None:
        return
    while publisher.alive():  # a handler is at work; it ends by itself or by SIGKILL
        yield context.env.timeout(LOOK_S)
    yield context.env.timeout(fault.restart_after)
    publisher.restart()


@singledispatch
def do(fault: PublisherFault, publisher: PublisherProcess) -> None:
    """What a fault does; each has its own below."""
    raise NotImplementedError(f"{fault.fault} cannot strike a publisher")


@do.register
def _crash(fault: CrashFault, publisher: PublisherProcess) -> None:
    publisher.crash()


@do.register
def _terminate(fault: TerminateFault, publisher: PublisherProcess) -> None:
    publisher.terminate(fault.grace)


@do.register
def _interrupt(fault: InterruptFault, publisher: PublisherProcess) -> None:
    publisher.interrupt()


@do.register
def _exit(fault: ExitFault, publisher: PublisherProcess) -> None:
    publisher.exit()
