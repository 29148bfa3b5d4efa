"""Random faults, applied in the same way to a stage of the lab and to its plain model."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import simpy

from models.plain_machine import Steps

LOOK_S = 0.0371
"""How often one looks whether a process has ended."""


class Fault(NamedTuple):
    """One fault.

    ``value`` is the restart delay (0: none), the length of a pause or a cut, or the factor;
    ``grace_s`` is from SIGTERM to SIGKILL.
    """

    at_s: float
    verb: str
    target: int
    value: float
    grace_s: float = 0.0


class Target(Protocol):
    """What a fault acts on, at the present time of its environment."""

    def alive(self, i: int) -> bool: ...
    def crash(self, i: int) -> None: ...
    def terminate(self, i: int, grace_s: float) -> None: ...
    def cut_off(self, i: int) -> None: ...
    def reconnect(self, i: int) -> None: ...
    def restart(self, i: int) -> None: ...
    def pause(self, i: int, for_s: float) -> None: ...
    def slow(self, i: int, factor: float) -> None: ...


def draw(
    rng: np.random.Generator,
    n: int,
    targets: int,
    until_s: float,
    restart_s: tuple[float, float],
    verbs: Sequence[str] = ("crash", "crash", "pause", "slow"),
) -> list[Fault]:
    """``n`` faults at continuous random times, so that none coincides with anything else."""
    faults = []
    for _ in range(n):
        verb = str(rng.choice(verbs))
        value = {
            "crash": float(rng.choice([0.0, 1.0, 1.0])) * rng.uniform(*restart_s),
            "pause": rng.uniform(0.01, 1.5),
            "slow": rng.choice([0.5, 3.0]) * rng.uniform(0.8, 1.2),
        }.get(verb, 0.0)
        at_s = rng.uniform(0.05, until_s)
        grace_s = 0.0
        if verb == "partition":
            value = rng.uniform(0.1, 2.0)
        elif verb == "terminate":
            value = float(rng.choice([0.0, 1.0, 1.0])) * rng.uniform(*restart_s)
            grace_s = float(rng.choice([rng.uniform(0.0, 0.3), rng.uniform(0.5, 3.0)]))
        faults.append(Fault(at_s, verb, int(rng.integers(targets)), float(value), grace_s))
    return faults


def uneven(targets: int) -> list[float]:
    """Factors that make each of a fleet a little slower than the one before.

    Two of the same speed that process the same redelivered batch would stay exactly a visibility
    timeout apart from then on: a tie at every expiry.
    """
    return [1.0 + 0.0173 * i for i in range(targets)]


def _inject(
    env: simpy.Environment,
    fault: Fault,
    target: Target,
    factors: Sequence[float],
    felt: list[str],
) -> Steps:
    yield env.timeout(fault.at_s)
    if not target.alive(fault.target):
        return
    felt.append(fault.verb)
    if fault.verb == "pause":
        target.pause(fault.target, fault.value)
    elif fault.verb == "slow":
        target.slow(fault.target, fault.value)
    elif fault.verb == "partition":
        target.cut_off(fault.target)
        yield env.timeout(fault.value)
        target.reconnect(fault.target)
    else:
        if fault.verb == "terminate":
            target.terminate(fault.target, fault.grace_s)
            while target.alive(fault.target):
                yield env.timeout(LOOK_S)
        else:
            target.crash(fault.target)
        if fault.value > 0:
            yield env.timeout(fault.value)
            target.restart(fault.target)
            if factors:
                target.slow(fault.target, factors[fault.target])


def inject(
    env: simpy.Environment, faults: Sequence[Fault], target: Target, factors: Sequence[float] = ()
) -> list[str]:
    """Schedule the faults; returns the list to which those that hit a live process are added.

    ``factors`` are those of healthy targets, from time 0 and after each restart; empty: all 1.
    """
    felt: list[str] = []
    for i, factor in enumerate(factors):
        target.slow(i, factor)
    for fault in faults:
        env.process(_inject(env, fault, target, factors, felt))
    return felt
