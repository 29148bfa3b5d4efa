"""The fault schedule of a scenario as SimPy processes."""

from collections.abc import Generator, Mapping, Sequence
from typing import Any

import simpy

from sim.scenario import Fault
from sim.system import Fleet


def schedule(
    env: simpy.Environment, faults: Sequence[Fault], system: str, fleets: Mapping[str, Fleet]
) -> list[tuple[float, float, str]]:
    """Start a process for every fault that concerns a system.

    Args:
        env: clock.
        faults: of the scenario, for any system.
        system: name of this one.
        fleets: its consumers, by group.

    Returns:
        (from, until, text) of each, s; until is inf when it lasts to the end.
    """
    spans = []
    for fault in faults:
        for group, fleet in fleets.items():
            hit = [
                consumer for consumer in range(fleet.size) if fault.strikes(system, group, consumer)
            ]
            if hit:
                env.process(_act(env, fault, fleet, hit))
                spans.append((fault.at, _until_s(fault), _text(fault, group, hit, fleet.size)))
    return spans


def _until_s(fault: Fault) -> float:
    if fault.fault == "restart":
        return fault.at
    lasts_s = fault.restart_after if fault.fault == "crash" else fault.for_
    return fault.at + (float("inf") if lasts_s is None else lasts_s)


def _text(fault: Fault, group: str, hit: Sequence[int], size: int) -> str:
    verb = f"slow x{fault.factor:g}" if fault.fault == "slow" else fault.fault
    if len(hit) == size:
        return f"{verb} {group}" if size == 1 else f"{verb} {group} (all {size})"
    if len(hit) == 1:
        return f"{verb} {group} {hit[0]}"
    return f"{verb} {group} ({len(hit)} of {size})"


def _act(
    env: simpy.Environment, fault: Fault, fleet: Fleet, hit: Sequence[int]
) -> Generator[simpy.Event, Any, None]:
    yield env.timeout(fault.at)
    match fault.fault:
        case "crash":
            for consumer in hit:
                fleet.crash(consumer)
            if fault.restart_after is not None:
                yield env.timeout(fault.restart_after)
                for consumer in hit:
                    fleet.restart(consumer)
        case "restart":
            for consumer in hit:
                fleet.restart(consumer)
        case "pause":
            assert fault.for_ is not None
            for consumer in hit:
                fleet.pause(consumer, fault.for_)
        case "slow":
            assert fault.factor is not None
            for consumer in hit:
                fleet.slow(consumer, fault.factor)
            if fault.for_ is not None:
                yield env.timeout(fault.for_)
                for consumer in hit:
                    fleet.slow(consumer, 1.0)
