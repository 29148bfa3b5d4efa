"""An SQS-compatible server, ElasticMQ, with boto3: queues and workers as a scenario has them.

Where it is not AWS: a stale receipt is refused with `ReceiptHandleIsInvalid`; there is one server,
so that a short poll asks all of it; nothing is throttled; a message moves to the dead-letter queue
when it is next received; of a FIFO queue's free groups it serves the first one in a hash table, not
the one that has waited longest (`MessageQueue.scala` of softwaremill/elasticmq); it keeps all of it
in memory and on this machine, so that calls take a fraction of what they take over a network.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from sim.foundation.arrays import F64
from sim.scenario.products.sqs import SqsQueue, SqsSystem
from sim.traffic.messages import Messages
from sim.validate.elasticmq_server import ElasticmqServer
from sim.validate.fleet import RealFleet
from sim.validate.observed import Observed
from sim.validate.plan import Plan
from sim.validate.real import BrokerMissingError, Calibration
from sim.validate.replay import Staging, replay
from sim.validate.staging import module, subscribed, written
from sim.validate.trials import (
    all_at_once,
    as_planned,
    beside_work,
    calls_s,
    folder_of,
    measured,
    trial,
    work_s,
)

_DEAD = "dead"
_MOST = 10
"""Messages in a receive."""
_NUMBERS = [f"ApproximateNumberOfMessages{which}" for which in ("", "Delayed", "NotVisible")]
_WAITED = 0.25
"""Share of the calls of a trial, the first ones, that may have waited for messages."""


class SqsReal:
    """A server, started here or elsewhere, and clients of it."""

    def __init__(self, address: str | None) -> None:
        """
        Args:
            address: ``host:port`` of a server that takes any key; None: one is started.

        Raises:
            BrokerMissingError: the server or boto3 is not installed.
        """
        try:
            import boto3
        except ImportError:
            raise BrokerMissingError("boto3 is not installed: `make brokers`") from None
        self._folder = TemporaryDirectory(prefix="sim-sqs-")
        self.server = ElasticmqServer(Path(self._folder.name)) if address is None else None
        self._address = address
        self.versions: Mapping[str, str] = {"boto3": boto3.__version__}
        if self.server is not None:
            self.versions = {"ElasticMQ": self.server.version, **self.versions}
        self._numbers = count()

    def __enter__(self) -> "SqsReal":
        if self.server is not None:
            self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.server is not None:
            self.server.stop()
        self._folder.cleanup()

    @property
    def url(self) -> str:
        """For clients."""
        return f"http://{self._address if self.server is None else self.server.address}"

    def unmapped(self, plan: Plan) -> Iterator[str]:
        """What of the system's configuration the real one does not have."""
        product = _product(plan)
        at = f"systems.{plan.system}"
        yield f"{at}.latency: of a network; server and clients are on one machine"
        if product.servers > 1:
            yield f"{at}.servers: ElasticMQ is one server"
        for name, queue in product.queues.items():
            its = f"{at}.queues.{name}"
            if queue.message_group_id is not None and not queue.fifo_queue:
                yield f"{its}.MessageGroupId: ElasticMQ has no fair queues: no groups are given"
            if queue.fifo_queue:
                yield f"{its}.FifoQueue: ElasticMQ serves free groups in no order, not by age"
            if queue.max_in_flight < 120_000:
                yield f"{its}.max_in_flight: ElasticMQ has its own"
            if queue.ledger is not None:
                yield f"{its}.ledger: no books are kept"

    def run(self, plan: Plan, folder: Path) -> Observed:
        """Do it with queues of its own, which are deleted at the end."""
        tag = f"lab-{int(time.time())}-{next(self._numbers)}"
        with _SqsRun(self.url, plan, folder, tag) as staging:
            return replay(plan, staging, folder, self.server)

    def calibrate(self, plan: Plan, folder: Path) -> Calibration:
        """Measure the calls, and what a message costs a worker beside its work."""
        product = _product(plan)
        at = f"systems.{plan.system}"
        overrides: dict[str, Any] = {f"{at}.servers": 1, f"{at}.servers_asked": 1}
        words: list[str] = []
        beside_s: dict[str, float] = {}
        took_s: dict[str, list[float]] = {"send": [], "receive": [], "delete": []}
        for name in product.queues:
            seen = self.run(trial(plan, name, as_planned(plan)), folder_of(folder, f"{name}-send"))
            took_s["send"] += list((seen.acked_s - seen.sent_s)[np.isfinite(seen.acked_s)])
            full = folder_of(folder, f"{name}-full")
            self.run(trial(plan, name, all_at_once(plan, name), _full(product, name)), full)
            # As in the run, calls follow upon each other; those of an idle worker take longer.
            for call in ("receive", "delete"):
                made_s = calls_s(full, name, call)
                took_s[call] += list(made_s[int(made_s.size * _WAITED) :])
            batches = _full(product, name, max_number_of_messages=_MOST, delete="batch")
            seen = self.run(
                trial(plan, name, all_at_once(plan, name), batches),
                folder_of(folder, f"{name}-batches"),
            )
            executions = seen.groups[name].executions
            extra_s = _in_batch_s(
                executions["started_s"].to_numpy(np.float64),
                executions["done_s"].to_numpy(np.float64),
            ) - work_s(plan, name)
            beside_s[name] = extra_s
            words.append(f"{name}: {extra_s * 1e3:.2f} ms a message beside its work")
        for call, durations_s in took_s.items():
            overrides[f"{at}.latency.{call}"] = measured(np.array(durations_s))
            median_s, p99_s = np.quantile(durations_s, [0.5, 0.99])
            words.append(
                f"{len(durations_s)} calls {call}: {median_s * 1e3:.1f} ms (median), "
                f"{p99_s * 1e3:.1f} ms (p99)"
            )
        batch = {name: queue.max_number_of_messages for name, queue in product.queues.items()}
        return Calibration({**beside_work(plan, beside_s, batch), **overrides}, words)


class _SqsRun(Staging):
    """Queues of one run."""

    def __init__(self, url: str, plan: Plan, folder: Path, tag: str) -> None:
        from sim.validate.sqs_client import client

        self._url = url
        self._plan = plan
        self._folder = folder
        self._tag = tag
        self._sqs = client(url)
        self._urls: dict[str, str] = {}
        self._dead: dict[str, str] = {}
        product = _product(plan)
        longest_s = max(float(group.work_s.max(initial=0.0)) for group in plan.groups.values())
        self.quiet_s = 3.0 + max(
            queue.visibility_timeout
            + queue.receive_message_wait_time_seconds
            + queue.max_number_of_messages * longest_s
            for queue in product.queues.values()
        )

    def __enter__(self) -> "_SqsRun":
        for name, queue in _product(self._plan).queues.items():
            end = ".fifo" if queue.fifo_queue else ""
            kind = {"FifoQueue": "true"} if queue.fifo_queue else {}
            attributes = {
                **kind,
                "VisibilityTimeout": str(int(queue.visibility_timeout)),
                "MessageRetentionPeriod": str(int(queue.message_retention_period)),
            }
            if queue.delay_seconds:
                attributes["DelaySeconds"] = str(int(queue.delay_seconds))
            if queue.redrive_policy is not None:
                self._dead[name] = self._made(f"{self._tag}-{name}-{_DEAD}{end}", kind)
                answer = self._sqs.get_queue_attributes(
                    QueueUrl=self._dead[name], AttributeNames=["QueueArn"]
                )
                attributes["RedrivePolicy"] = json.dumps(
                    {
                        "deadLetterTargetArn": answer["Attributes"]["QueueArn"],
                        "maxReceiveCount": queue.redrive_policy.max_receive_count,
                    }
                )
            self._urls[name] = self._made(f"{self._tag}-{name}{end}", attributes)
        return self

    def __exit__(self, *_: object) -> None:
        for url in [*self._urls.values(), *self._dead.values()]:
            self._sqs.delete_queue(QueueUrl=url)

    def _made(self, name: str, attributes: Mapping[str, str]) -> str:
        return str(self._sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])

    def consumer(self, plan: Plan, group: str, work: Path, log: Path) -> Sequence[str]:
        """Command of a worker."""
        queue = _product(plan).queues[group]
        spec = {
            "server": self._url,
            "queue": self._urls[group],
            "MaxNumberOfMessages": queue.max_number_of_messages,
            "WaitTimeSeconds": ceil(queue.receive_message_wait_time_seconds),
            "delete": queue.delete,
        }
        return module("sqs_worker", written(self._folder, f"{group}.json", spec), work, log)

    def producer(self, plan: Plan, messages: Path, log: Path) -> Sequence[str]:
        """Command of the process that sends."""
        product = _product(plan)
        lanes = {name: _lanes(queue, plan.messages) for name, queue in product.queues.items()}
        rows = {name: plan.groups[name].rows for name in product.queues}
        spec = {
            "server": self._url,
            "queues": self._urls,
            "threads": product.producer.threads,
            "batch": product.producer.batch,
            "delays": _delays(product, plan.messages),
            "groups": {name: groups for name, (groups, _) in lanes.items()},
            "ids": {name: ids for name, (_, ids) in lanes.items()},
            "rows": {name: None if its is None else its.tolist() for name, its in rows.items()},
        }
        return module("sqs_sender", written(self._folder, "sender.json", spec), messages, log)

    def ready(self, plan: Plan, fleets: Mapping[str, RealFleet]) -> bool:
        """Whether all workers are about to receive."""
        return subscribed(fleets)

    def left(self, plan: Plan) -> int:
        """Messages in the queues, visible or not."""
        return sum(
            int(number)
            for url in self._urls.values()
            for number in self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=_NUMBERS)[
                "Attributes"
            ].values()
        )

    def dead(self, plan: Plan) -> Mapping[str, Sequence[int]]:
        """Messages in the dead-letter queues.

        A message that is received too often moves there when it would be received again; whoever
        looks after the workers are gone receives it once more.
        """
        found: dict[str, Sequence[int]] = {}
        for name, url in self._dead.items():
            its: list[int] = []
            self._sqs.receive_message(QueueUrl=self._urls[name], WaitTimeSeconds=0)
            while True:
                got = self._sqs.receive_message(
                    QueueUrl=url, MaxNumberOfMessages=_MOST, WaitTimeSeconds=0
                ).get("Messages", [])
                if not got:
                    break
                its += [int(message["Body"]) for message in got]
                for message in got:
                    self._sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            found[name] = its
        return found


def _full(product: SqsSystem, queue: str, **its: object) -> SqsSystem:
    """The same system with one queue, ``its`` keys of it, and a sender that makes a backlog."""
    producer = product.producer.model_copy(update={"threads": 8, "batch": 10})
    queues = {queue: product.queues[queue].model_copy(update=its)}
    return product.model_copy(update={"producer": producer, "queues": queues})


def _product(plan: Plan) -> SqsSystem:
    assert isinstance(plan.product, SqsSystem)
    return plan.product


def _lanes(queue: SqsQueue, messages: Messages) -> tuple[list[str] | None, list[str] | None]:
    """[messages] MessageGroupId and MessageDeduplicationId; None: it has none."""
    if not queue.fifo_queue:
        return None, None
    assert queue.message_group_id is not None
    ids = [str(message) for message in range(len(messages))]
    if queue.message_deduplication_id is not None:
        ids = _names(messages, queue.message_deduplication_id)
    return _names(messages, queue.message_group_id), ids


def _names(messages: Messages, dims: Sequence[str]) -> list[str]:
    key_of, names = messages.keys_by(dims)
    return [names[key] for key in key_of[messages.entity]]


def _delays(product: SqsSystem, messages: Messages) -> list[int] | None:
    """[messages] DelaySeconds of each, whole as the API has them; None: none."""
    if messages.seq is None or not product.producer.delay_per_state:
        return None
    return [round(product.producer.delay_per_state * int(state)) for state in messages.seq]


def _in_batch_s(started_s: F64, done_s: F64) -> float:
    """Mean of what a message takes one worker, with its work, in a batch, s.

    Nine of ten intervals between messages are within a batch of ten, where no call is made.
    """
    order = np.argsort(started_s)
    between_s = started_s[order][1:] - done_s[order][:-1]
    return float(np.mean(done_s - started_s) + np.median(between_s))
