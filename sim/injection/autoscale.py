"""An autoscaler as KEDA and Kubernetes make it: how many consumers for a lag or a depth, and when.

Between one replica and many, the HorizontalPodAutoscaler decides; between none and one, KEDA does.
https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale (algorithm details) and
https://keda.sh/docs/latest/concepts/scaling-deployments.
"""

from collections import deque
from collections.abc import Callable
from math import ceil

import simpy

from sim.engine.environment import Steps
from sim.engine.waits import Limit
from sim.injection.crew import Crew
from sim.scenario.faults.groups import Scaler


def recommended(waiting: int, replicas: int, scaler: Scaler) -> int:
    """Replicas that the lag asks for, before limits: ceil(lag / threshold), unless it is near.

    Args:
        waiting: lag or depth.
        replicas: running now, at least 1.
        scaler: for the threshold and the tolerance.
    """
    usage = waiting / (scaler.per_replica * replicas)
    if abs(1.0 - usage) <= scaler.tolerance:
        return replicas
    return ceil(waiting / scaler.per_replica)


def limited(recommendation: int, replicas: int, least: int, most: int) -> int:
    """A recommendation within the limits; one step at most doubles, or goes to 4 if that is more.

    Args:
        recommendation: replicas.
        replicas: running now.
        least: minReplicaCount; the HorizontalPodAutoscaler itself never goes below 1.
        most: maxReplicaCount.
    """
    ceiling = min(most, max(2 * replicas, 4))
    return min(max(recommendation, least, 1), ceiling)


class _Held:
    """What limits an autoscaler, as it tells `Replay.limits`."""

    def __init__(self, env: simpy.Environment, crew: Crew, scaler: Scaler, path: str) -> None:
        self._env = env
        self._crew = crew
        self._scaler = scaler
        self._path = path

    def _acts(self, key: str, field: str, value: str, what: str) -> None:
        path = f"{self._path}.{field}" if field else ""
        at_s = self._env.now
        self._crew.replay.acts(Limit(key, path, value, "", what, 1, at_s, at_s))

    def counted(self, waiting: int) -> int:
        """What it counts of the messages that wait: so many as a replica a partition is for."""
        useful, scaler = self._crew.fleet.useful, self._scaler
        if useful is None or scaler.allow_idle_consumers or waiting <= useful * scaler.per_replica:
            return waiting
        said = f"counted only what {useful} replicas are for, one a partition"
        self._acts("allowIdleConsumers", "allowIdleConsumers", "false", said)
        return useful * scaler.per_replica

    def look(self, waiting: int, replicas: int, wanted: int, to: int, now: int) -> None:
        """See what a decision was held to.

        Args:
            waiting: what it counted.
            replicas: running before.
            wanted: the most that was recommended in the stabilization window.
            to: running from now on.
            now: what this would have been without that window.
        """
        scaler = self._scaler
        near = recommended(waiting, replicas, scaler)
        if near == replicas < ceil(waiting / scaler.per_replica):
            said = "left the replicas as they were, where the lag asked for more"
            self._acts("tolerance", "tolerance", f"{scaler.tolerance:g}", said)
        if wanted > to and to < max(2 * replicas, 4):
            said = "held the replicas, where the lag asked for more"
            self._acts("maxReplicaCount", "maxReplicaCount", f"{scaler.max_replica_count}", said)
        elif wanted > to:
            # The default of behavior.scaleUp: 100 % or 4 pods, whichever is more.
            said = "at most doubled the replicas, where the lag asked for more"
            self._acts("scaleUp.policies", "", "100 %", said)
        if now < to:
            said = "kept replicas that the lag no longer asked for"
            value = f"{scaler.stabilization:g}s"
            self._acts("stabilizationWindowSeconds", "stabilization", value, said)

    def idles(self) -> None:
        """It keeps the last replica, though nothing waits."""
        said = "kept the last replica, though nothing waited"
        value = f"{self._scaler.cooldown_period:g}s"
        self._acts("cooldownPeriod", "cooldownPeriod", value, said)


def autoscale(
    env: simpy.Environment,
    crew: Crew,
    scaler: Scaler,
    *,
    at_scale: Callable[[int], int],
    grace_s: float,
    startup_s: float,
    until_s: float,
    say: Callable[[str], None],
    path: str = "",
) -> Steps:
    """Scale a group from now on; what limits it is in the crew's `Replay.limits`.

    Args:
        env: clock.
        crew: of the group.
        scaler: its settings.
        at_scale: from a number of replicas to that for the scale of the scenario.
        grace_s: from SIGTERM to SIGKILL of those that are stopped.
        startup_s: from the start of a process to its first poll.
        until_s: no more is decided after this.
        say: takes a line for the timeline.
        path: of its settings in the scenario.
    """
    least = at_scale(scaler.min_replica_count) if scaler.min_replica_count else 0
    most = at_scale(scaler.max_replica_count)
    held = _Held(env, crew, scaler, path)
    advised = deque([(env.now, len(crew.wanted))])
    active_s = env.now

    def have(replicas: int) -> None:
        before = len(crew.wanted)
        if replicas != before:
            crew.scale(replicas, grace_s, startup_s)
            say(f"{crew.name}: {before} → {replicas}")

    def sync(waiting: int) -> None:
        replicas = len(crew.wanted)
        if replicas == 0:
            return
        waiting = held.counted(waiting)
        advised.append((env.now, recommended(waiting, replicas, scaler)))
        while advised[0][0] < env.now - scaler.stabilization:
            advised.popleft()
        wanted = max(n for _, n in advised)
        to = limited(wanted, replicas, least, most)
        held.look(waiting, replicas, wanted, to, limited(advised[-1][1], replicas, least, most))
        have(to)

    def poll(waiting: int) -> None:
        nonlocal active_s
        if waiting > 0:
            active_s = env.now
            if not crew.wanted:
                have(max(1, least))
        elif least == 0 and env.now - active_s >= scaler.cooldown_period:
            have(0)
        elif least == 0 and crew.wanted:
            held.idles()

    def late(act: Callable[[int], None], waiting: int) -> Steps:
        yield env.timeout(scaler.metric_delay)
        act(waiting)

    def every(period_s: float, act: Callable[[int], None]) -> Steps:
        while env.now + period_s <= until_s:
            yield env.timeout(period_s)
            env.process(late(act, crew.fleet.backlog()))

    yield env.process(every(scaler.sync_period, sync)) & env.process(
        every(scaler.polling_interval, poll)
    )
