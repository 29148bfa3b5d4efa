"""Control-plane face of a queue's workers: the faults' verbs, and what is told of the workers."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import simpy
from numpy.typing import NDArray

from sim.queue.sqs_standard import Workers

Steps = Generator[simpy.Event, Any, None]


@dataclass(frozen=True)
class WorkersFleet:
    """The workers of one queue, with the clock that their verbs act at."""

    env: simpy.Environment
    workers: Workers

    @property
    def size(self) -> int:
        return self.workers.size

    @property
    def useful(self) -> int | None:
        return None

    def alive(self, consumer: int) -> bool:
        return self.workers.alive(consumer)

    def life(self, consumer: int) -> int:
        return int(self.workers.lives[consumer])

    def crash(self, consumer: int) -> None:
        self.workers.crash(consumer, self.env.now)

    def terminate(self, consumer: int) -> None:
        self.workers.terminate(consumer, self.env.now)

    def cut_off(self, consumer: int) -> None:
        self.workers.cut_off(consumer, self.env.now)

    def reconnect(self, consumer: int) -> None:
        self.workers.reconnect(consumer, self.env.now)

    def seek(self, to_s: float) -> tuple[int, int]:
        return self.workers.gone(to_s, self.env.now)

    def backlog(self) -> int:
        return self.workers.backlog(self.env.now)

    def age_s(self) -> float:
        return self.workers.age_s(self.env.now)

    def orphans(self) -> NDArray[np.bool_]:
        return np.zeros(0, np.bool_)

    def busy(self) -> int:
        return self.workers.busy(self.env.now)

    def restart(self, consumer: int) -> None:
        self.workers.restart(consumer, self.env.now)

    def pause(self, consumer: int, for_s: float) -> None:
        self.workers.pause(consumer, self.env.now, for_s)

    def slow(self, consumer: int, factor: float) -> None:
        self.workers.slow(consumer, self.env.now, factor)


def tell_deaths(
    env: simpy.Environment, name: str, workers: Workers, say: Callable[[str], None]
) -> Steps:
    """Look every second for workers that a message killed."""
    told = 0
    while True:
        yield env.timeout(1.0)
        deaths = workers.deaths(told)
        told += len(deaths)
        for worker in deaths:
            say(f"{name}: worker {worker} killed by a message")
