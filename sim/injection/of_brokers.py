"""What faults do to the brokers behind a publisher: a function for each."""

from collections.abc import Callable
from functools import singledispatch
from typing import Any

from sim.engine.environment import Steps
from sim.engine.system import BrokerSet
from sim.injection.context import Context
from sim.scenario.faults.base import BrokerFault
from sim.scenario.faults.brokers import (
    AckLossFault,
    BrokerPauseFault,
    BrokerSlowFault,
    LeaderCrashFault,
    PowerLossFault,
    UnreachableFault,
)

_Lasting = UnreachableFault | BrokerSlowFault | BrokerPauseFault | AckLossFault


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


def _hold(
    fault: _Lasting, broker: int, context: Context, tell: Callable[[list[Any], bool], None]
) -> Steps:
    """Have a fault hold a broker for its time, whatever else of its kind does.

    Args:
        fault: which.
        broker: which.
        context: where it happens.
        tell: called when it begins and when it ends, with the faults of this kind that hold the
            broker then, and whether it is the first of them to begin or the last to end.
    """
    held = context.on_brokers.setdefault((type(fault), broker), [])
    held.append(fault)
    tell(held, len(held) == 1)
    yield context.env.timeout(fault.for_)
    held.remove(fault)
    tell(held, not held)


@do.register
def _cut_off(fault: UnreachableFault, brokers: BrokerSet, broker: int, context: Context) -> Steps:
    def tell(held: list[UnreachableFault], outermost: bool) -> None:
        if outermost:
            (brokers.cut_off if held else brokers.reconnect)(broker)

    return _hold(fault, broker, context, tell)


@do.register
def _slow(fault: BrokerSlowFault, brokers: BrokerSet, broker: int, context: Context) -> Steps:
    def tell(held: list[BrokerSlowFault], _: bool) -> None:
        brokers.slow(broker, sum((each.extra for each in held), start=0.0))

    return _hold(fault, broker, context, tell)


@do.register
def _pause(fault: BrokerPauseFault, brokers: BrokerSet, broker: int, context: Context) -> Steps:
    def tell(held: list[BrokerPauseFault], outermost: bool) -> None:
        if outermost:
            (brokers.pause if held else brokers.resume)(broker)

    return _hold(fault, broker, context, tell)


@do.register
def _lose_acks(fault: AckLossFault, brokers: BrokerSet, broker: int, context: Context) -> Steps:
    """Of several at once, the highest probability holds."""

    def tell(held: list[AckLossFault], _: bool) -> None:
        brokers.lose_acks(broker, max((each.probability for each in held), default=0.0))

    return _hold(fault, broker, context, tell)


@do.register
def _lose_power(fault: PowerLossFault, brokers: BrokerSet, broker: int, context: Context) -> Steps:
    brokers.lose_power(broker)
    if fault.for_ is not None:
        yield context.env.timeout(fault.for_)
        brokers.restart(broker)


@do.register
def _crash(fault: LeaderCrashFault, brokers: BrokerSet, broker: int, context: Context) -> Steps:
    brokers.crash(broker, fault.behind)
    if fault.for_ is not None:
        yield context.env.timeout(fault.for_)
        brokers.restart(broker)
