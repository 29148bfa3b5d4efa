"""Settings that are valid, each of them, and defeat each other: what will come of it, as a warning.

Each is the cause of incidents that people have reported; a run shows what it costs.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sim.foundation.config import KeyPath
from sim.foundation.text import duration
from sim.scenario.poison import is_poisoned
from sim.scenario.products.celery import CelerySystem
from sim.scenario.products.kafka import KafkaSystem
from sim.scenario.start import dangers_of_start

if TYPE_CHECKING:
    from sim.scenario.load import Scenario


def dangers(scenario: "Scenario") -> Iterator[tuple[KeyPath, str]]:
    """The key, and what will come of it."""
    yield from dangers_of_start(scenario.start, scenario.systems, scenario.scale)
    for name, system in scenario.systems.items():
        if isinstance(system, CelerySystem):
            for path, said in _held_too_long(system):
                yield ("systems", name, *path), said
        elif isinstance(system, KafkaSystem):
            for path, said in _backs_off_too_long(scenario, name, system):
                yield ("systems", name, *path), said


def _held_too_long(system: CelerySystem) -> Iterator[tuple[KeyPath, str]]:
    """CE-11, RQ-06: workers hold a task until its ETA, and the broker takes it back before."""
    for name, queue in system.queues.items():
        eta_s = queue.task.countdown
        path = ("queues", name, "task", "countdown")
        lock_s = system.visibility_timeout_s
        if eta_s > lock_s:
            yield (
                path,
                f"{duration(eta_s)} is longer than 'visibility_timeout', {duration(lock_s)}: "
                f"{system.broker} hands the task out again each time that one passes, and it runs "
                "once for each copy that is held when its time comes",
            )
        close_s = system.consumer_timeout_s(queue.queue_arguments)
        if eta_s > close_s:
            yield (
                path,
                f"{duration(eta_s)} is longer than 'consumer_timeout', {duration(close_s)}: the "
                "broker closes the channel of a worker that holds a task for so long, and all that "
                "it holds is delivered again, again and again until its time comes",
            )


def _backs_off_too_long(
    scenario: "Scenario", name: str, system: KafkaSystem
) -> Iterator[tuple[KeyPath, str]]:
    """KC-23: a retry's back-off counts as time between two polls."""
    for group, config in system.groups.items():
        fails = is_poisoned(scenario, name, group)
        apart_s, backoff_s = config.max_poll_interval_ms / 1e3, config.on_failure.backoff
        # What the work takes before the exception comes to it, as far as it is known beforehand.
        jobs = [scenario.workload.service[job].per_message for job in config.does]
        work_s = sum(job.constant or 0.0 for job in jobs)
        if fails and config.on_failure.attempts != 1 and work_s + backoff_s > apart_s:
            yield (
                ("groups", group, "on_failure", "backoff"),
                f"{duration(backoff_s)}, with {duration(work_s)} of work before the exception, is "
                f"longer than 'max.poll.interval.ms', {duration(apart_s)}: the member leaves the "
                "group while it waits, and the next one that gets the record does the same",
            )
