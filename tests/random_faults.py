"""Random faults, applied in the same way to a stage of the lab and to its plain model."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import simpy

from plain_machine import Steps


class Fault(NamedTuple):
    """One fault: ``value`` is the restart delay (0: none), the length of a pause or the factor."""

    at_s: float
    verb: str
    target: int
    value: float


class Target(Protocol):
    """What a fault acts on, at the present time of its environment."""

    def alive(self, i: int) -> bool: ...
    def crash(self, i: int) -> None: ...
    def restart(self, i: int) -> None: ...
    def pause(self, i: int, for_s: float) -> None: ...
    def slow(self, i: int, factor: float) -> None: ...


def draw(
    rng: np.random.Generator, n: int, targets: int, until_s: float, restart_s: tuple[float, float]
) -> list[Fault]:
    """``n`` faults at continuous random times, so that none coincides with anything else."""
    faults = []
    for _ in range(n):
        verb = str(rng.choice(["crash", "crash", "pause", "slow"]))
        value = {
            "crash": float(rng.choice([0.0, 1.0, 1.0])) * rng.uniform(*restart_s),
            "pause": rng.uniform(0.01, 1.5),
            "slow": rng.choice([0.5, 3.0]) * rng.uniform(0.8, 1.2),
        }[verb]
        at_s = rng.uniform(0.05, until_s)
        faults.append(Fault(at_s, verb, int(rng.integers(targets)), float(value)))
    return faults


def _factor(target: int) -> float:
    """Each of a fleet is a little slower than the one before.

    Two of the same speed that process the same redelivered batch would stay exactly a visibility
    timeout apart from then on: a tie at every expiry.
    """
    return 1.0 + 0.0173 * target


def _inject(env: simpy.Environment, fault: Fault, target: Target, felt: list[str]) -> Steps:
    yield env.timeout(fault.at_s)
    if not target.alive(fault.target):
        return
    felt.append(fault.verb)
    if fault.verb == "pause":
        target.pause(fault.target, fault.value)
    elif fault.verb == "slow":
        target.slow(fault.target, fault.value)
    else:
        target.crash(fault.target)
        if fault.value > 0:
            yield env.timeout(fault.value)
            target.restart(fault.target)
            target.slow(fault.target, _factor(fault.target))


def inject(
    env: simpy.Environment, faults: Sequence[Fault], target: Target, targets: int
) -> list[str]:
    """Schedule the faults; returns the list to which those that hit a live process are added."""
    felt: list[str] = []
    for i in range(targets):
        target.slow(i, _factor(i))
    for fault in faults:
        env.process(_inject(env, fault, target, felt))
    return felt
