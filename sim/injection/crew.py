"""Who operates a group: which of its places are filled, and by which of its processes."""

from collections import Counter

import simpy

from sim.engine.environment import Steps
from sim.engine.system import Fleet
from sim.injection.replay import Replay

LOOK_S = 0.1
"""How often one looks whether a process that was sent SIGTERM is gone, s."""


def terminate(env: simpy.Environment, fleet: Fleet, consumer: int, grace_s: float) -> None:
    """SIGTERM, and SIGKILL of the same process if it still runs ``grace_s`` later.

    Of several SIGTERMs to a process, the shortest grace holds, as with `kubectl delete pod`.
    """

    def kill(life: int) -> Steps:
        yield env.timeout(grace_s)
        if fleet.alive(consumer) and fleet.life(consumer) == life:
            fleet.crash(consumer)

    if not fleet.alive(consumer):
        return
    life = fleet.life(consumer)  # before, since a process with nothing in hand ends at once
    fleet.terminate(consumer)
    env.process(kill(life))


class Crew:
    """The consumers of a group as whoever operates them sees them: which places should be filled.

    A fleet has places for as many as a scenario ever starts; a fault strikes those in use only.
    """

    def __init__(self, env: simpy.Environment, name: str, fleet: Fleet) -> None:
        """
        Args:
            env: clock.
            name: of the group or queue.
            fleet: its consumers, those configured alive.
        """
        self.env = env
        self.name = name
        self.fleet = fleet
        self.replay = Replay()
        self.wanted = [i for i in range(fleet.size) if fleet.alive(i)]
        self._factors: dict[int, dict[object, float]] = {}
        self._felt: dict[int, float] = {}
        self._parted: Counter[int] = Counter()
        """[consumer] causes for which it is cut off."""

    def restart(self, consumer: int) -> None:
        """A new process, at full speed but for what slows the whole group."""
        if consumer not in self.wanted or self.fleet.alive(consumer):
            return
        self.fleet.restart(consumer)
        self._factors.pop(consumer, None)
        self._felt.pop(consumer, None)

    def cut_off(self, consumer: int) -> None:
        """Part it from its brokers, for one cause."""
        self._parted[consumer] += 1
        self.fleet.cut_off(consumer)

    def reconnect(self, consumer: int) -> None:
        """End of one `cut_off`; it is back with the last of those that overlap."""
        self._parted[consumer] -= 1
        if not self._parted[consumer]:
            self.fleet.reconnect(consumer)

    def slow(self, consumer: int, cause: object, factor: float) -> None:
        """Factor of one cause, 1: none any more; those of several causes multiply."""
        factors = self._factors.setdefault(consumer, {})
        factors[cause] = factor
        if factor == 1.0:
            del factors[cause]
        product = 1.0
        for each in factors.values():
            product *= each
        if product != self._felt.get(consumer, 1.0):
            self._felt[consumer] = product
            self.fleet.slow(consumer, product)

    def _gone(self, consumer: int) -> Steps:
        while self.fleet.alive(consumer):
            yield self.env.timeout(LOOK_S)

    def end(self, consumer: int, grace_s: float) -> Steps:
        """SIGTERM, SIGKILL after the grace, and wait until the process is gone."""
        terminate(self.env, self.fleet, consumer, grace_s)
        yield from self._gone(consumer)

    def start(self, consumer: int, startup_s: float) -> Steps:
        """A new process in a place, once an old one that is about to end has left it."""
        yield from self._gone(consumer)
        yield self.env.timeout(startup_s)
        self.restart(consumer)

    def scale(self, to: int, grace_s: float, startup_s: float) -> None:
        """Have ``to`` consumers, or all: start the lowest numbers, end the highest."""
        free = [i for i in range(self.fleet.size) if i not in self.wanted]
        for consumer in free[: max(0, to - len(self.wanted))]:
            self.wanted.append(consumer)
            self.env.process(self.start(consumer, startup_s))
        self.wanted.sort()
        for consumer in self.wanted[to:]:
            self.env.process(self.end(consumer, grace_s))
        del self.wanted[to:]
