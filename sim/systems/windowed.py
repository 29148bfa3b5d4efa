"""Which systems can forget messages while they run, and why others cannot.

A system that can gets its messages in windows (`sim.traffic.windows`), and a run needs memory for
what is not final, however many messages there are. The tables are the same to the bit.
"""

from collections.abc import Iterator
from math import inf

from sim.scenario.faults.groups import BugFault, PoisonFault, SeekFault
from sim.scenario.faults.settings import AttributesFault, ConfigsFault
from sim.scenario.faults.topics import PartitionsFault
from sim.scenario.load import Scenario
from sim.scenario.poison import has_share
from sim.scenario.products.kafka import KafkaSystem
from sim.scenario.products.kafka_consumer import ConsumerGroup
from sim.scenario.products.kafka_topic import KafkaTopic
from sim.scenario.products.sqs import SqsQueue, SqsSystem
from sim.scenario.products.sqs_dead_letters import linked
from sim.traffic import arrivals
from sim.traffic.backlog import done_before

WORTH = 1_000_000
"""In a run with fewer messages, windows save no memory to speak of."""
_LEAST, _A_PARTITION = 1 << 18, 1 << 9
HELD = 3
"""Windows in memory, besides the messages that wait: of two, and what a turn moves."""


def rolling(scenario: Scenario, messages: float) -> set[str]:
    """The systems of a scenario that get their messages in windows.

    Args:
        scenario: what is run.
        messages: how many there are to be.

    Raises:
        LabError: its trace cannot be read.
    """
    if messages < WORTH:
        return set()
    return {name for name in scenario.systems if why_whole(scenario, name) is None}


def at_a_time(scenario: Scenario) -> int:
    """Messages of a window: so many that a turn costs little, so few that they stay near the CPU.

    They take some tens of MB, so it does not matter how much memory is free.
    """
    partitions = max(system.partitions or 0 for system in scenario.systems.values())
    return max(_LEAST, int(_A_PARTITION * partitions * scenario.scale))


def why_whole(scenario: Scenario, name: str) -> str | None:
    """Why a system needs all of its messages at once, as a clause; None: it does not.

    Args:
        scenario: what is run.
        name: of the system.

    Raises:
        LabError: its trace cannot be read.
    """
    return next(_reasons(scenario, name), None)


def _reasons(scenario: Scenario, name: str) -> Iterator[str]:
    system = scenario.systems[name]
    if scenario.workload.cases is not None:
        yield "its messages are read from a file of cases"
    if scenario.pipeline:
        yield "it is a stage of a pipeline"
    if any(key.lifecycle for key in scenario.workload.keys.values()):
        yield "its entities go through states"
    if scenario.start is not None and scenario.start.by_partition:
        yield "what waits at its start is given by partition"
    for fault in scenario.faults:
        if isinstance(fault, BugFault | PoisonFault | SeekFault) and any(
            fault.strikes_group(name, group) for group in system.readers
        ):
            yield f"the fault {fault.fault} is about single messages"
        if isinstance(fault, PartitionsFault) and fault.strikes_topic(name):
            yield "partitions are added to its topic"
        if isinstance(fault, ConfigsFault) and fault.strikes_topic(name):
            yield "what its topic keeps is altered"
        if isinstance(fault, AttributesFault) and any(
            fault.strikes_group(name, group) for group in system.readers
        ):
            yield "attributes of a queue are set anew"
    for group, readers in system.readers.items():
        if done_before(scenario, name, group):
            yield f"{group} has fewer waiting at the start than others"
        if readers.ledger is not None:
            yield f"{group} keeps books"
        if has_share(scenario, name, group):
            yield f"a share of {group}'s messages is poisonous"
    if isinstance(system, SqsSystem):
        if linked(system.queues):
            yield "dead letters go from queue to queue"
        for group, queue in system.queues.items():
            yield from (f"{group} {words}" for words in _of_queue(queue))
    elif isinstance(system, KafkaSystem):
        yield from _of_kafka(scenario, system)
    else:
        yield f"{system.product} keeps all of them"


def _of_queue(queue: SqsQueue) -> Iterator[str]:
    if queue.function is not None:
        yield "is emptied by Lambda"
    if queue.message_group_id is not None:
        yield "has message groups"
    if queue.changes_visibility:
        yield "has its workers change visibility timeouts"
    if queue.filter_policy is not None:
        yield "has a filter policy"


def _of_kafka(scenario: Scenario, system: KafkaSystem) -> Iterator[str]:
    if system.publisher is not None:
        yield "its publisher may fail"
    if system.share_groups:
        yield "it has share groups"
    within_s = _within_s(scenario)
    if _deletes(within_s + _oldest_s(scenario), system.topic):
        yield "retention deletes records"
    if system.brokers.offsets_retention_s < within_s:
        yield "offsets.retention.minutes may delete offsets"
    for group, its in system.groups.items():
        yield from (f"{group} {words}" for words in _of_group(its))


def _oldest_s(scenario: Scenario) -> float:
    """Age of the oldest message at the start, s."""
    return 0.0 if scenario.start is None else scenario.start.oldest_s


def _within_s(scenario: Scenario) -> float:
    """When a run ends at the latest, s."""
    duration_s = scenario.duration
    if duration_s == inf:
        duration_s = arrivals.lasts_s(scenario)
    return duration_s + scenario.drain_limit


def _deletes(within_s: float, topic: KafkaTopic) -> bool:
    """Whether retention may delete a record that is ``within_s`` old at most."""
    if topic.retention_ms < 0:
        return topic.retention_bytes >= 0
    return topic.retention_bytes >= 0 or topic.retention_ms / 1e3 < within_s


def _of_group(group: ConsumerGroup) -> Iterator[str]:
    if group.only is not None:
        yield "wants only some of them"
    if group.starts != "established":
        yield "begins where auto.offset.reset says"
    if group.commits_ahead:
        yield "commits what it has not processed"
