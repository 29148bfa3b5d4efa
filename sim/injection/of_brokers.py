"""What faults do to the brokers behind a publisher: a function for each."""

from functools import singledispatch

from sim.engine.environment import Steps
from sim.engine.system import BrokerSet
from sim.injection.context import Context
from sim.scenario.faults.base import BrokerFault
from sim.scenario.faults.brokers import (
    AckLossFault,
    BrokerPauseFault,
    BrokerSlowFault,
    LeaderCrashFault,
    UnreachableFault,
)


def strike(fault: BrokerFault, brokers: BrokerSet, broker: int, context: Context) -> Steps:
    """Strike a broker at the present time, and put it right when the fault is over.

    Args:
        fault: what happens.
        brokers: all of them.
        broker: which of them it strikes.
        context: where it happens.
    """
    context.timeline.lasts(fault.words(f"broker {broker}"), fault.lasts_s)
    yield from do(fault, brokers, broker, context)


@singledispatch
def do(fault: BrokerFault, brokers: BrokerSet, broker: int, context: Context) -> Steps:
    """What a fault does; each has its own below."""
    raise NotImplementedError(f"{fault.fault} cannot strike a broker")


@do.register
def _cut_off(fault: UnreachableFault, brokers: BrokerSet, broker: int, context: Context) -> Steps:
    brokers.cut_off(broker)
    yield context.env.timeout(fault.for_)
    brokers.reconnect(broker)


@do.register
def _slow(fault: BrokerSlowFault, brokers: BrokerSet, broker: int, context: Context) -> Steps:
    brokers.slow(broker, fault.extra)
    yield context.env.timeout(fault.for_)
    brokers.slow(broker, 0.0)


@do.register
def _pause(fault: BrokerPauseFault, brokers: BrokerSet, broker: int, context: Context) -> Steps:
    brokers.pause(broker)
    yield context.env.timeout(fault.for_)
    brokers.resume(broker)


@do.register
def _lose_acks(fault: AckLossFault, brokers: BrokerSet, broker: int, context: Context) -> Steps:
    brokers.lose_acks(broker, fault.probability)
    yield context.env.timeout(fault.for_)
    brokers.lose_acks(broker, 0.0)


@do.register
def _crash(fault: LeaderCrashFault, brokers: BrokerSet, broker: int, context: Context) -> Steps:
    brokers.crash(broker, fault.behind)
    if fault.for_ is not None:
        yield context.env.timeout(fault.for_)
        brokers.restart(broker)
