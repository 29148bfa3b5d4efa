"""What the module of each real system offers, and where to find it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

from sim.foundation.errors import LabError, nearest
from sim.scenario.products.base import ProductSystem
from sim.validate.observed import Observed
from sim.validate.plan import Plan
from sim.validate.postgres_statements import taken


class BrokerMissingError(LabError):
    """A broker or a client that is not installed: one line, with the way out."""


@dataclass(frozen=True)
class Calibration:
    """What was measured of this machine, for the model to use."""

    overrides: Mapping[str, Any]
    """New value by dotted path of the scenario, as `Scenario.with_` takes them: latencies of calls,
    the real work per message."""
    words: Sequence[str]
    """What was measured and how often, a sentence each."""


class RealSystem(Protocol):
    """A running broker and the real clients for it. Nothing of it listens but on the loopback.

    It is a context manager: entering starts the broker, if no address was given.
    """

    @property
    def versions(self) -> Mapping[str, str]:
        """Of the broker and each client."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...

    def unmapped(self, plan: Plan) -> Iterator[str]:
        """What of a system's configuration the real one does not have, a sentence each."""

    def calibrate(self, plan: Plan, folder: Path) -> Calibration:
        """Measure calls and work on an idle system with the plan's own configuration, in about ten
        seconds; what the overrides name is of ``plan.system``."""

    def run(self, plan: Plan, folder: Path) -> Observed:
        """Do it, in real time, with queues or topics of its own; files go into ``folder``."""


@dataclass(frozen=True)
class BrokerKind:
    """A kind of broker that `sim validate` knows."""

    name: str
    takes: Callable[[ProductSystem], bool]
    """Whether a system of a scenario can be held against it."""
    make: Callable[[str | None], RealSystem]
    """From an address (``host:port``; None: start one)."""


def _product(system: ProductSystem) -> tuple[str, str]:
    """A product, and the broker that it is on if it has a choice."""
    return str(getattr(system, "product", "")), str(getattr(system, "broker", ""))


def _rabbitmq(address: str | None) -> RealSystem:
    from sim.validate.rabbitmq_real import RabbitmqReal

    return RabbitmqReal(address)


def _redis(address: str | None) -> RealSystem:
    from sim.validate.redis_real import RedisReal

    return RedisReal(address)


def _sqs(address: str | None) -> RealSystem:
    from sim.validate.sqs_real import SqsReal

    return SqsReal(address)


def _kafka(address: str | None) -> RealSystem:
    from sim.validate.kafka_real import KafkaReal

    return KafkaReal(address)


def _postgres(address: str | None) -> RealSystem:
    try:
        from sim.validate.postgres_real import PostgresReal
    except ImportError:
        raise BrokerMissingError("psycopg is not installed: `make brokers`") from None

    return PostgresReal(address)


def _nats(address: str | None) -> RealSystem:
    try:
        from sim.validate.nats_real import NatsReal
    except ImportError:
        raise BrokerMissingError("nats.py is not installed: `make brokers`") from None

    return NatsReal(address)


BROKERS: Mapping[str, BrokerKind] = {
    kind.name: kind
    for kind in (
        BrokerKind("kafka", lambda system: _product(system)[0] == "kafka", _kafka),
        BrokerKind(
            "rabbitmq",
            lambda system: _product(system) in (("rabbitmq", ""), ("celery", "rabbitmq")),
            _rabbitmq,
        ),
        BrokerKind("nats", lambda system: _product(system)[0] == "nats", _nats),
        BrokerKind("postgres", taken, _postgres),
        BrokerKind("redis", lambda system: _product(system) == ("celery", "redis"), _redis),
        BrokerKind("sqs", lambda system: _product(system)[0] == "sqs", _sqs),
    )
}
"""By the word after ``--against``."""


def broker(name: str) -> BrokerKind:
    """The kind of broker of this name.

    Raises:
        LabError: there is none.
    """
    if name not in BROKERS:
        near = nearest(name, BROKERS)
        hint = f"; did you mean {near!r}?" if near else ""
        raise LabError(f"--against takes {', '.join(BROKERS)}, not {name!r}{hint}")
    return BROKERS[name]
