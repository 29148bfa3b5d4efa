"""How long the work of a group takes, and which waits its configuration asks for."""

from math import inf

from sim.foundation.units import Distribution
from sim.scenario.load import Scenario
from sim.scenario.products.bullmq import BullmqSystem
from sim.scenario.products.celery import CelerySystem
from sim.scenario.products.rabbitmq import RabbitmqSystem
from sim.scenario.products.rabbitmq_dead_letters import delayed_s
from sim.scenario.products.sqs import SqsQueue, SqsSystem

FAR = 20.0
"""Of a distribution without an end, so many means are reckoned to be the longest."""


def longest_of(its: Distribution) -> float:
    """Of a distribution, what hardly a draw exceeds, s."""
    if its.constant is not None:
        return its.constant
    if its.lognormal is not None:
        return its.lognormal.p99**2 / its.lognormal.median
    return FAR * its.mean_s() if its.kind != "curve" else 4 * its.mean_s()


def longest_s(scenario: Scenario, system: str, group: str) -> float:
    """The longest that one message of a group may keep a consumer, s."""
    total_s = 0.0
    for job in scenario.systems[system].readers[group].does:
        service = scenario.workload.service[job]
        one_s = service.per_message.mean_s()
        if service.slow is not None and service.slow.share:
            one_s = max(one_s, longest_of(service.slow.time))
        total_s += one_s + service.per_batch
    return total_s


def batch_s(scenario: Scenario, system: str, group: str, batch: int) -> float:
    """The longest that a batch of messages may keep a consumer, s."""
    total_s = 0.0
    for job in scenario.systems[system].readers[group].does:
        service = scenario.workload.service[job]
        one_s = longest_of(service.per_message)
        if service.slow is not None and service.slow.share:
            one_s = max(one_s, longest_of(service.slow.time))
        total_s += batch * one_s + service.per_batch
    return total_s


def asked_s(scenario: Scenario, system: str, group: str) -> float:
    """The longest that the configuration asks a message to wait, s: a delay, a countdown."""
    its = scenario.systems[system]
    readers = its.readers[group]
    if isinstance(its, SqsSystem) and isinstance(readers, SqsQueue):
        states = [key.lifecycle for key in scenario.workload.keys.values()]
        later = max((len(one.states) - 1 for one in states if one is not None), default=0)
        return max(readers.delay_seconds, its.producer.delay_per_state * later)
    if isinstance(its, CelerySystem):
        countdown_s = its.queues[group].task.countdown
        return countdown_s if countdown_s < inf else 0.0
    if isinstance(its, BullmqSystem):
        return its.queues[group].default_job_options.delay / 1e3
    if isinstance(its, RabbitmqSystem):
        return delayed_s(group, its.queues, its.producer.soonest_s)
    return 0.0
