"""Amazon SQS standard queues on the queue mechanism: from attributes to senders and workers."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import simpy
from numpy.typing import NDArray

from sim.environment import SideBySide, Stage
from sim.errors import LabError
from sim.kernels import queue as k
from sim.messages import Messages
from sim.outcome import Effects, Fate, GroupOutcome
from sim.poison import poison
from sim.products.sqs import Queue as QueueConfig
from sim.products.sqs import SqsSystem
from sim.queue.fleet import WorkersFleet, tell_deaths
from sim.queue.senders import Senders
from sim.queue.workers import Workers
from sim.replay import repeats_kept
from sim.scenario import Scenario
from sim.system import Fleet, capacity, fleet_size
from sim.workload import pool, service_s

_NO_LIMIT = np.iinfo(np.int64).max


class Sqs:
    """A `sim.system.System`: every queue gets every message, as from one SNS topic (SS-12)."""

    def __init__(
        self,
        name: str,
        config: SqsSystem,
        scenario: Scenario,
        messages: Messages,
        grid_s: NDArray[np.float64],
    ) -> None:
        """
        Args:
            name: of the system in the scenario; names its random streams.
            config: its configuration.
            scenario: for service times, scale and seed.
            messages: what is sent.
            grid_s: [grid] times at which the queues are sampled.
        """
        self.name = name
        self.config = config
        self.grid_s = grid_s
        self.senders = Senders(
            messages.created_s,
            threads=fleet_size(config.producer.threads, scenario.scale),
            batch=config.producer.batch,
            latency_s=pool(scenario, f"{name}.send", config.latency.send),
            delay_s=None
            if messages.seq is None or not config.producer.delay_per_state
            else messages.seq.astype(np.float64) * config.producer.delay_per_state,
        )
        workers = {q: fleet_size(c.workers, scenario.scale) for q, c in config.queues.items()}
        self.queues = {
            queue: Workers(
                self.senders.feed,
                service_s(scenario, len(messages), c.does),
                capacity(scenario, name, queue, workers[queue]),
                _policy(c, config, scenario),
                servers=config.servers,
                receive_latency_s=pool(scenario, f"{name}.{queue}.receive", config.latency.receive),
                delete_latency_s=pool(scenario, f"{name}.{queue}.delete", config.latency.delete),
                grid_s=grid_s,
                keep_repeats=repeats_kept(
                    scenario, name, queue, len(messages), ledger=c.ledger is not None
                ),
                started=workers[queue],
                poison=poison(scenario, name, queue, messages),
            )
            for queue, c in config.queues.items()
        }
        self.total = len(messages) * len(self.queues)
        self.readers = SideBySide(list(self.queues.values()), len(messages))
        self.stages: Sequence[Stage] = [self.senders, self.readers]

    def control(self, env: simpy.Environment, say: Callable[[str], None]) -> Mapping[str, Fleet]:
        """The workers of every queue; nothing happens to them but faults."""
        for name, workers in self.queues.items():
            if workers.queue.fails.size:
                env.process(tell_deaths(env, name, workers, say))
        return {name: WorkersFleet(env, workers) for name, workers in self.queues.items()}

    def settled(self) -> int:
        """Messages deleted, dead-lettered or expired, over all queues."""
        return sum(workers.settled() for workers in self.queues.values())

    def outcomes(self, ended_s: float) -> Iterator[GroupOutcome]:
        """Each queue's outcome; its memory is freed when the next is asked for."""
        t = self.grid_s[self.grid_s <= ended_s]
        self.readers.stages = []
        feed = self.senders.feed
        for name in list(self.queues):
            workers = self.queues.pop(name)
            workers.settle(ended_s)
            queue = workers.queue
            counts = queue.counts
            arrived_s = feed.enqueued_s[: feed.n[0]]
            enqueued = np.searchsorted(arrived_s, t - workers.policy.delay_s, side="right")
            in_flight = queue.grid_in_flight[: t.size]
            yield GroupOutcome(
                system=self.name,
                group=name,
                kind="queue",
                product=self.config.product,
                fate=_FATE_OF_STATE[queue.state] * (queue.effects == 0)
                + np.uint8(Fate.PROCESSED) * (queue.effects > 0),
                done_s=queue.done_s,
                effects=queue.effects,
                gauges_t_s=t,
                gauges={
                    "enqueued": enqueued,
                    "ready": enqueued - queue.grid_removed[: t.size] - in_flight,
                    "in_flight": in_flight,
                },
                history=self._history(queue) if queue.again_message.size else None,
                consumers=workers.size,
                extra_deliveries=int(counts[k.DELIVERIES] - np.count_nonzero(queue.receives)),
                deliveries=int(counts[k.DELIVERIES]),
                calls=int(counts[k.RECEIVE_CALLS] - counts[k.EMPTY_RECEIVES]),
                requests={
                    "send": self.senders.calls,
                    "receive": int(counts[k.RECEIVE_CALLS] - counts[k.EMPTY_RECEIVES]),
                    "empty receive": int(counts[k.EMPTY_RECEIVES]),
                    "delete": int(counts[k.DELETE_CALLS]),
                },
            )

    def _history(self, queue: k.Queue) -> Effects:
        repeats = int(queue.counts[k.AGAIN])
        if repeats > queue.again_message.size:
            raise LabError(f"{self.name}: {repeats:,} repeated effects, more than the lab can keep")
        everyone = np.arange(queue.done_s.size, dtype=np.int32)
        again = queue.again_message[:repeats]
        return Effects.of(queue.done_s, everyone, queue.again_s[:repeats], again)


_FATE_OF_STATE = np.zeros(6, np.uint8)
_FATE_OF_STATE[k.DEAD] = Fate.DEAD_LETTERED
_FATE_OF_STATE[k.EXPIRED] = Fate.LOST_RETENTION


def _policy(queue: QueueConfig, config: SqsSystem, scenario: Scenario) -> k.Policy:
    redrive = queue.redrive_policy
    batch = queue.max_number_of_messages
    return k.Policy(
        batch=batch,
        per_delete=batch if queue.delete == "batch" else 1,
        per_batch_s=float(sum(scenario.workload.service[job].per_batch for job in queue.does)),
        visibility_s=float(queue.visibility_timeout),
        wait_s=float(queue.receive_message_wait_time_seconds),
        max_receives=_NO_LIMIT if redrive is None else redrive.max_receive_count,
        max_in_flight=queue.max_in_flight,
        retention_s=float(queue.message_retention_period),
        asked=min(config.servers_asked, config.servers),
        delay_s=config.latency.fanout + queue.delay_seconds,
    )
