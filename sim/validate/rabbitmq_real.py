"""RabbitMQ with pika's clients: exchange, queues and consumers as a scenario has them."""

import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from sim.foundation.arrays import F64
from sim.foundation.errors import LabError
from sim.scenario.products.celery import CelerySystem
from sim.scenario.products.rabbitmq import RabbitmqQueue, RabbitmqSystem
from sim.scenario.products.rabbitmq_broker import since
from sim.scenario.products.rabbitmq_dead_letters import linked
from sim.scenario.products.rabbitmq_exchange import Binding
from sim.validate import celery_real
from sim.validate.fleet import RealFleet
from sim.validate.observed import Observed
from sim.validate.plan import Plan
from sim.validate.rabbitmq_server import RabbitmqServer, url
from sim.validate.real import BrokerMissingError, Calibration
from sim.validate.replay import Staging, replay
from sim.validate.staging import module, subscribed, written
from sim.validate.trials import (
    all_at_once,
    as_planned,
    beside_work,
    cycle_s,
    folder_of,
    measured,
    now_and_then,
    trial,
    work_s,
)

_MANY = 100
_CALLS = 200
_HASHED = "x-consistent-hash"
_GIVEN_UP = "dead"


class RabbitmqReal:
    """A broker, started here or elsewhere, and clients of it."""

    def __init__(self, address: str | None) -> None:
        """
        Args:
            address: ``host:port`` of a broker that lets guest in; None: one is started.

        Raises:
            BrokerMissingError: the broker or pika is not installed.
        """
        try:
            import pika
        except ImportError:
            raise BrokerMissingError("pika is not installed: `make brokers`") from None
        self._folder = TemporaryDirectory(prefix="sim-rabbitmq-")
        self.server = RabbitmqServer(Path(self._folder.name)) if address is None else None
        self._address = address
        self.versions: Mapping[str, str] = {"pika": pika.__version__, **celery_real.versions()}
        self._numbers = count()

    def __enter__(self) -> "RabbitmqReal":
        if self.server is not None:
            self.server.start()
        try:
            connection = self.connect()
            properties = connection._impl.server_properties
            self.versions = {"RabbitMQ": str(properties["version"]), **self.versions}
            connection.close()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self.server is not None:
            self.server.stop()
        self._folder.cleanup()

    @property
    def url(self) -> str:
        """For clients."""
        address = self._address if self.server is None else self.server.address
        assert address is not None
        return url(address)

    def connect(self) -> Any:
        """A connection of pika, which waits for each answer."""
        import pika

        return pika.BlockingConnection(pika.URLParameters(self.url))

    def unmapped(self, plan: Plan) -> Iterator[str]:
        """What of the system's configuration the real one does not have.

        Raises:
            LabError: it cannot be run at all.
        """
        if isinstance(plan.product, CelerySystem):
            yield from celery_real.unmapped(plan)
            return
        product = _product(plan)
        at = f"systems.{plan.system}"
        version = self.versions["RabbitMQ"]
        for release in ((4, 0), (4, 3)):
            if since(product.version, *release) != since(version, *release):
                yield (
                    f"{at}.version: the scenario's is {product.version}, the broker is {version}, "
                    "with other rules of delivery limits and acknowledgement timeouts"
                )
                break
        if product.exchange.type == _HASHED:
            raise LabError(f"{at}.exchange: {_HASHED} is a plugin, which is not enabled here")
        if linked(product.queues) or product.producer.expiration:
            raise LabError(
                f"{at}: dead letters into other queues and 'expiration' are not replayed"
            )
        for name, queue in product.queues.items():
            if queue.threads > 1:
                yield f"{at}.queues.{name}.threads: a real consumer works on one message at a time"
            if queue.ledger is not None:
                yield f"{at}.queues.{name}.ledger: no books are kept"
        yield f"{at}.latency: of the network between clients and broker, which are on one machine"

    def run(self, plan: Plan, folder: Path) -> Observed:
        """Do it with an exchange and queues of its own, which are deleted at the end."""
        tag = self._tag()
        if isinstance(plan.product, CelerySystem):
            return celery_real.run(plan, folder, self.url, tag, self.server)
        with _RabbitmqRun(self, plan, folder, tag) as staging:
            return replay(plan, staging, folder, self.server)

    def calibrate(self, plan: Plan, folder: Path) -> Calibration:
        """Measure publishes at the plan's rate, round trips, and what a message costs besides."""
        if isinstance(plan.product, CelerySystem):
            return celery_real.calibrate(plan, folder, self.url, self._tag())
        product = _product(plan)
        beside_s: dict[str, float] = {}
        words: list[str] = []
        publish_s: list[float] = []
        acks_s: list[float] = []
        trip_s = self._round_trip_s()
        for name in product.queues:
            cycles = [
                cycle_s(
                    self._trial(plan, name, all_at_once(plan, name), prefetch, folder).groups[name]
                )
                for prefetch in (_MANY, 1)
            ]
            beside_s[name] = cycles[0] - work_s(plan, name)
            # With a prefetch of 1 the next delivery waits for half of each.
            acks_s.append(max(2.0 * (cycles[1] - cycles[0]) - trip_s, trip_s))
            publish_s += self._publishes_s(plan, name, trip_s, folder)
            words.append(
                f"{name}: {beside_s[name] * 1e3:.2f} ms a message beside its work; "
                f"{trip_s * 1e3:.2f} ms a round trip, {acks_s[-1] * 1e3:.2f} ms an acknowledgement"
            )
        median_s, p99_s = np.quantile(publish_s, [0.5, 0.99])
        words.append(
            f"{len(publish_s)} publishes, {'confirmed' if product.producer.confirms else 'there'} "
            f"after {median_s * 1e3:.1f} ms (median), {p99_s * 1e3:.1f} ms (p99)"
        )
        at = f"systems.{plan.system}.latency"
        overrides = {
            **beside_work(plan, beside_s),
            f"{at}.publish": measured(np.array(publish_s)),
            f"{at}.deliver": trip_s,
            f"{at}.ack": float(np.mean(acks_s)),
        }
        return Calibration(overrides, words)

    def _publishes_s(self, plan: Plan, queue: str, trip_s: float, folder: Path) -> list[float]:
        """Durations of publishes: to the confirm, or twice the way into the queue where nothing is
        confirmed."""
        product = _product(plan)
        if product.producer.confirms:
            seen = self.run(
                trial(plan, queue, as_planned(plan)), folder_of(folder, f"{queue}-publish")
            )
            return list((seen.acked_s - seen.sent_s)[np.isfinite(seen.acked_s)])
        seen = self.run(trial(plan, queue, now_and_then()), folder_of(folder, f"{queue}-publish"))
        executions = seen.groups[queue].executions
        there_s = executions["started_s"] - seen.sent_s[executions["message"]]
        return list(2.0 * np.maximum(there_s - trip_s / 2, 1e-5))

    def _round_trip_s(self) -> float:
        """Median of a call that the broker only answers, s."""
        connection = self.connect()
        channel = connection.channel()
        took_s = []
        for _ in range(_CALLS):
            began = time.perf_counter()
            channel.basic_qos(prefetch_count=1)
            took_s.append(time.perf_counter() - began)
        connection.close()
        return float(np.median(took_s))

    def _tag(self) -> str:
        return f"lab-{int(time.time())}-{next(self._numbers)}"

    def _trial(
        self, plan: Plan, queue: str, created_s: F64, prefetch: int, folder: Path
    ) -> Observed:
        """With a publisher that makes a backlog, and this prefetch."""
        product = _product(plan)
        one = product.queues[queue].model_copy(update={"prefetch_count": prefetch})
        producer = product.producer.model_copy(update={"channels": 8, "batch": 100})
        alone = product.model_copy(update={"queues": {queue: one}, "producer": producer})
        into = folder_of(folder, f"{queue}-prefetch-{prefetch}")
        return self.run(trial(plan, queue, created_s, alone), into)


class _RabbitmqRun(Staging):
    """Exchange and queues of one run."""

    quiet_s = 5.0

    def __init__(self, real: RabbitmqReal, plan: Plan, folder: Path, tag: str) -> None:
        self._real = real
        self._plan = plan
        self._folder = folder
        self._tag = tag

    def __enter__(self) -> "_RabbitmqRun":
        product = _product(self._plan)
        self._connection = self._real.connect()
        self._channel = self._connection.channel()
        self._channel.exchange_declare(self._tag, product.exchange.type, durable=True)
        for name, queue in product.queues.items():
            arguments = _arguments(queue)
            if "x-dead-letter-exchange" in arguments:
                dead = self._name(name, _GIVEN_UP)
                self._channel.queue_declare(dead, durable=True)
                arguments |= {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead}
            self._channel.queue_declare(self._name(name), durable=True, arguments=arguments)
            for binding in queue.bindings or [Binding()]:
                self._channel.queue_bind(
                    self._name(name),
                    self._tag,
                    binding.routing_key,
                    binding.arguments,
                )
        return self

    def __exit__(self, *_: object) -> None:
        if not self._connection.is_open:
            self._connection = self._real.connect()
            self._channel = self._connection.channel()
        for name in _product(self._plan).queues:
            self._channel.queue_delete(self._name(name))
            self._channel.queue_delete(self._name(name, _GIVEN_UP))
        self._channel.exchange_delete(self._tag)
        self._connection.close()

    def consumer(self, plan: Plan, group: str, work: Path, log: Path) -> Sequence[str]:
        """Command of a consumer."""
        queue = _product(plan).queues[group]
        spec = {
            "url": self._real.url,
            "queue": self._name(group),
            "prefetch": queue.prefetch_count,
            "no_ack": queue.no_ack,
            "on_failure": queue.on_failure,
        }
        return module("rabbitmq_consumer", written(self._folder, f"{group}.json", spec), work, log)

    def producer(self, plan: Plan, messages: Path, log: Path) -> Sequence[str]:
        """Command of the publisher."""
        producer = _product(plan).producer
        spec = {
            "url": self._real.url,
            "exchange": self._tag,
            "channels": producer.channels,
            "batch": producer.batch,
            "confirms": producer.confirms,
            "republish": producer.republish,
            "routes": _routes(plan),
        }
        return module(
            "rabbitmq_publisher", written(self._folder, "publisher.json", spec), messages, log
        )

    def ready(self, plan: Plan, fleets: Mapping[str, RealFleet]) -> bool:
        """Whether all consumers have subscribed."""
        return subscribed(fleets)

    def dead(self, plan: Plan) -> Mapping[str, Sequence[int]]:
        """Messages that were dead-lettered, by queue."""
        found: dict[str, Sequence[int]] = {}
        for name, queue in _product(plan).queues.items():
            if queue.arguments.dead_letter_exchange is None:
                continue
            its: list[int] = []
            while True:
                method, _, body = self._channel.basic_get(self._name(name, _GIVEN_UP), True)
                if method is None:
                    break
                its.append(int(body))
            found[name] = its
        return found

    def _name(self, queue: str, more: str = "") -> str:
        return f"{self._tag}.{queue}" + (f".{more}" if more else "")


def _product(plan: Plan) -> RabbitmqSystem:
    assert isinstance(plan.product, RabbitmqSystem)
    return plan.product


def _arguments(queue: RabbitmqQueue) -> dict[str, Any]:
    """Arguments of a queue that are not the default, by RabbitMQ's own names."""
    given = queue.arguments.model_dump(by_alias=True, exclude_defaults=True)
    whole = {key: int(value) if isinstance(value, float) else value for key, value in given.items()}
    return {key: value for key, value in whole.items() if value is not None}


def _routes(plan: Plan) -> list[tuple[str, dict[str, str] | None]] | None:
    """[messages] routing key and headers; None: the exchange looks at neither."""
    exchange = _product(plan).exchange
    messages = plan.messages
    if exchange.type == "fanout":
        return None
    if exchange.type == "headers":
        of_dims = []
        for dim in messages.dims:
            key_of, names = messages.keys_by([dim])
            of_dims.append((dim, key_of[messages.entity], names))
        return [
            ("", {dim: names[keys[message]] for dim, keys, names in of_dims})
            for message in range(len(messages))
        ]
    if not exchange.routing_key:
        return [("", None)] * len(messages)
    key_of, names = messages.keys_by(exchange.routing_key, ".")
    return [(names[key], None) for key in key_of[messages.entity]]
