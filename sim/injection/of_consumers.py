"""What faults do to consumers and workers: a function for each."""

from collections.abc import Sequence
from functools import singledispatch

from sim.engine.environment import Steps
from sim.injection.context import Context
from sim.injection.crew import Crew
from sim.scenario.faults.base import Fault
from sim.scenario.faults.processes import (
    CrashFault,
    PartitionFault,
    PauseFault,
    RestartFault,
    SlowFault,
    TerminateFault,
)

_RAMP_STEPS = 20


def strike(fault: Fault, crew: Crew, hit: Sequence[int], context: Context) -> Steps:
    """Strike some of a group's consumers, at the present time.

    Args:
        fault: what happens.
        crew: of the group.
        hit: which of its places, all of them in use.
        context: where it happens.
    """
    context.timeline.lasts(fault.words(_whom(crew, hit)), fault.lasts_s)
    yield from do(fault, crew, hit, context)


def _whom(crew: Crew, hit: Sequence[int]) -> str:
    size = len(crew.wanted)
    if len(hit) == size:
        return crew.name if size == 1 else f"{crew.name} (all {size})"
    if len(hit) == 1:
        return f"{crew.name} {hit[0]}"
    return f"{crew.name} ({len(hit)} of {size})"


@singledispatch
def do(fault: Fault, crew: Crew, hit: Sequence[int], context: Context) -> Steps:
    """What a fault does; each has its own below."""
    raise NotImplementedError(f"{fault.fault} cannot strike consumers")


@do.register
def _crash(fault: CrashFault, crew: Crew, hit: Sequence[int], context: Context) -> Steps:
    for consumer in hit:
        crew.fleet.crash(consumer)
    if fault.restart_after is not None:
        yield context.env.timeout(fault.restart_after)
        for consumer in hit:
            crew.restart(consumer)


@do.register
def _terminate(fault: TerminateFault, crew: Crew, hit: Sequence[int], context: Context) -> Steps:
    def replace(consumer: int) -> Steps:
        yield from crew.end(consumer, fault.grace)
        if fault.restart_after is not None:
            yield from crew.start(consumer, fault.restart_after)

    yield context.env.all_of([context.env.process(replace(consumer)) for consumer in hit])


@do.register
def _restart(fault: RestartFault, crew: Crew, hit: Sequence[int], context: Context) -> Steps:
    for consumer in hit:
        crew.restart(consumer)
    yield from ()


@do.register
def _pause(fault: PauseFault, crew: Crew, hit: Sequence[int], context: Context) -> Steps:
    for consumer in hit:
        crew.fleet.pause(consumer, fault.for_)
    yield from ()


@do.register
def _part(fault: PartitionFault, crew: Crew, hit: Sequence[int], context: Context) -> Steps:
    for consumer in hit:
        crew.cut_off(consumer)
    if fault.for_ is not None:
        yield context.env.timeout(fault.for_)
        for consumer in hit:
            crew.reconnect(consumer)


@do.register
def _slow(fault: SlowFault, crew: Crew, hit: Sequence[int], context: Context) -> Steps:
    steps = 1 if fault.ramp is None else _RAMP_STEPS
    began_s, cause = context.env.now, object()
    for step in range(1, steps + 1):
        if fault.ramp is not None:
            yield context.env.timeout(fault.ramp / steps)
        for consumer in hit:
            crew.slow(consumer, cause, 1.0 + (fault.factor - 1.0) * step / steps)
    if fault.for_ is not None:
        yield context.env.timeout(max(0.0, fault.for_ - (context.env.now - began_s)))
        for consumer in hit:
            crew.slow(consumer, cause, 1.0)
