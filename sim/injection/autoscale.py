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
) -> Steps:
    """Scale a group from now on.

    Args:
        env: clock.
        crew: of the group.
        scaler: its settings.
        at_scale: from a number of replicas to that for the scale of the scenario.
        grace_s: from SIGTERM to SIGKILL of those that are stopped.
        startup_s: from the start of a process to its first poll.
        until_s: no more is decided after this.
        say: takes a line for the timeline.
    """
    least = at_scale(scaler.min_replica_count) if scaler.min_replica_count else 0
    most = at_scale(scaler.max_replica_count)
    advised = deque([(env.now, len(crew.wanted))])
    active_s = env.now

    def metric() -> int:
        waiting = crew.fleet.backlog()
        useful = crew.fleet.useful
        if useful is not None and not scaler.allow_idle_consumers:
            waiting = min(waiting, useful * scaler.per_replica)
        return waiting

    def have(replicas: int) -> None:
        before = len(crew.wanted)
        if replicas != before:
            crew.scale(replicas, grace_s, startup_s)
            say(f"{crew.name}: {before} → {replicas}")

    def sync(waiting: int) -> None:
        replicas = len(crew.wanted)
        if replicas == 0:
            return
        advised.append((env.now, recommended(waiting, replicas, scaler)))
        while advised[0][0] < env.now - scaler.stabilization:
            advised.popleft()
        have(limited(max(n for _, n in advised), replicas, least, most))

    def poll(waiting: int) -> None:
        nonlocal active_s
        if waiting > 0:
            active_s = env.now
            if not crew.wanted:
                have(max(1, least))
        elif least == 0 and env.now - active_s >= scaler.cooldown_period:
            have(0)

    def late(act: Callable[[int], None], waiting: int) -> Steps:
        yield env.timeout(scaler.metric_delay)
        act(waiting)

    def every(period_s: float, act: Callable[[int], None]) -> Steps:
        while env.now + period_s <= until_s:
            yield env.timeout(period_s)
            env.process(late(act, metric()))

    yield env.process(every(scaler.sync_period, sync)) & env.process(
        every(scaler.polling_interval, poll)
    )
