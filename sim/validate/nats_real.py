"""A real NATS with JetStream, and clients with nats.py.

Where it is not what a scenario means: server and clients are on one machine, and the server is
alone. What was given up (`max_deliver`, `term`) is known from its advisories, which a stream of
their own keeps.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nats
import numpy as np
from nats.js.api import AckPolicy, ConsumerConfig

from sim.foundation.errors import LabError
from sim.scenario.products.nats import NatsConsumer, NatsSystem
from sim.validate.fleet import RealFleet
from sim.validate.nats_server import NatsServer, url
from sim.validate.observed import Observed
from sim.validate.plan import Plan
from sim.validate.real import Calibration
from sim.validate.replay import Staging, replay
from sim.validate.staging import module, subscribed, written
from sim.validate.trials import (
    all_at_once,
    as_planned,
    beside_work,
    cycle_s,
    folder_of,
    measured,
    trial,
    work_s,
)

_CALLS = 200
_EXPIRES_S = 30.0
"""`DefaultExpires` of nats.go."""
_ADVISORIES = ("MAX_DELIVERIES", "MSG_TERMINATED")


class NatsReal:
    """A server, started here or elsewhere, and clients of it."""

    def __init__(self, address: str | None) -> None:
        """
        Args:
            address: ``host:port`` of a server that lets anybody in; None: one is started.

        Raises:
            BrokerMissingError: the server is not installed.
        """
        self._folder = TemporaryDirectory(prefix="sim-nats-")
        self.server = NatsServer(Path(self._folder.name)) if address is None else None
        self.url = url(self.server.address if self.server is not None else str(address))
        self.versions: Mapping[str, str] = {"nats.py": version("nats-py")}
        self._numbers = count()

    def __enter__(self) -> "NatsReal":
        if self.server is not None:
            self.server.start()
        try:
            found = self.ask(_version)
            self.versions = {"NATS": found, **self.versions}
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self.server is not None:
            self.server.stop()
        self._folder.cleanup()

    def ask(self, what: Callable[[Any], Awaitable[Any]]) -> Any:
        """Have something done with a client, which is connected for that."""

        async def its() -> Any:
            client = await nats.connect(self.url)
            try:
                return await what(client)
            finally:
                await client.close()

        return asyncio.run(its())

    def unmapped(self, plan: Plan) -> Iterator[str]:
        """What of the system's configuration the real one does not have.

        Raises:
            LabError: it cannot be run at all.
        """
        product = _product(plan)
        at = f"systems.{plan.system}"
        for name, its in product.consumers.items():
            here = f"{at}.consumers.{name}"
            if its.fetch is not None and its.fetch.batch > 1:
                raise LabError(f"{here}.fetch.batch: more than one message is not replayed")
            if its.in_progress is not None:
                raise LabError(f"{here}.in_progress: is not replayed")
            if its.ledger is not None:
                yield f"{here}.ledger: no books are kept"
        yield f"{at}.latency: of the network between clients and server, which are on one machine"

    def run(self, plan: Plan, folder: Path) -> Observed:
        """Do it with a stream of its own, which is deleted at the end."""
        tag = f"lab-{int(time.time())}-{next(self._numbers)}"
        with _NatsRun(self, plan, folder, tag) as staging:
            return replay(plan, staging, folder, self.server)

    def calibrate(self, plan: Plan, folder: Path) -> Calibration:
        """Measure publishes at the plan's rate, round trips, and what a message costs besides."""
        beside_s: dict[str, float] = {}
        words: list[str] = []
        publish_s: list[float] = []
        trip_s = float(self.ask(_round_trip_s))
        for name in _product(plan).consumers:
            seen = self.run(trial(plan, name, as_planned(plan)), folder_of(folder, f"{name}-send"))
            publish_s += list((seen.acked_s - seen.sent_s)[np.isfinite(seen.acked_s)])
            full = self.run(
                trial(plan, name, all_at_once(plan, name)), folder_of(folder, f"{name}-full")
            )
            beside_s[name] = cycle_s(full.groups[name]) - work_s(plan, name)
            if _product(plan).consumers[name].fetch is not None:
                beside_s[name] -= trip_s  # the next one is asked for when this one is done
            words.append(
                f"{name}: {beside_s[name] * 1e3:.2f} ms a message beside its work; "
                f"{trip_s * 1e3:.2f} ms a round trip"
            )
        median_s, p99_s = np.quantile(publish_s, [0.5, 0.99])
        words.append(
            f"{len(publish_s)} publishes, stored after {median_s * 1e3:.1f} ms (median), "
            f"{p99_s * 1e3:.1f} ms (p99)"
        )
        at = f"systems.{plan.system}.latency"
        overrides = {
            **beside_work(plan, beside_s),
            f"{at}.publish": measured(np.array(publish_s)),
            f"{at}.deliver": trip_s,
            f"{at}.ack": trip_s,
        }
        return Calibration(overrides, words)


async def _version(client: Any) -> str:
    its = client.connected_server_version
    return f"{its.major}.{its.minor}.{its.patch}"


async def _round_trip_s(client: Any) -> float:
    """Median of a call that the server only answers, s."""
    took_s = []
    for _ in range(_CALLS):
        began = time.perf_counter()
        await client.request("$JS.API.INFO", b"")
        took_s.append(time.perf_counter() - began)
    return float(np.median(took_s))


class _NatsRun(Staging):
    """Stream and consumers of one run."""

    def __init__(self, real: NatsReal, plan: Plan, folder: Path, tag: str) -> None:
        self._real = real
        self._plan = plan
        self._folder = folder
        self._tag = tag
        longest_s = max(float(group.work_s.max(initial=0.0)) for group in plan.groups.values())
        consumers = _product(plan).consumers.values()
        self.quiet_s = 3.0 + longest_s + max(its.ack_wait + its.nak_delay for its in consumers)

    def __enter__(self) -> "_NatsRun":
        self._real.ask(self._make)
        return self

    def __exit__(self, *_: object) -> None:
        self._real.ask(self._delete)

    async def _make(self, client: Any) -> None:
        product, streams = _product(self._plan), client.jetstream()
        kept = product.stream
        await streams.add_stream(
            name=self._tag, subjects=[self._tag], max_age=kept.max_age, max_msgs=kept.max_msgs
        )
        told = [f"$JS.EVENT.ADVISORY.CONSUMER.{what}.{self._tag}.*" for what in _ADVISORIES]
        await streams.add_stream(name=self._given_up, subjects=told)
        for name, its in product.consumers.items():
            await streams.add_consumer(self._tag, _config(name, its))

    async def _delete(self, client: Any) -> None:
        for name in (self._tag, self._given_up):
            await client.jetstream().delete_stream(name)

    @property
    def _given_up(self) -> str:
        return f"{self._tag}-given-up"

    def consumer(self, plan: Plan, group: str, work: Path, log: Path) -> Sequence[str]:
        """Command of a subscriber."""
        its = _product(plan).consumers[group]
        spec = {
            "server": self._real.url,
            "stream": self._tag,
            "consumer": group,
            "ahead": its.fetch is None,
            "most": its.asks,
            "expires_s": _EXPIRES_S if its.fetch is None else its.fetch.expires,
            "acks": its.ack_policy == "explicit",
            "on_failure": its.on_failure,
            "nak_delay_s": its.nak_delay,
        }
        return module("nats_subscriber", written(self._folder, f"{group}.json", spec), work, log)

    def producer(self, plan: Plan, messages: Path, log: Path) -> Sequence[str]:
        """Command of the publisher."""
        spec = {"server": self._real.url, "subject": self._tag}
        return module("nats_publisher", written(self._folder, "sender.json", spec), messages, log)

    def ready(self, plan: Plan, fleets: Mapping[str, RealFleet]) -> bool:
        """Whether all subscribers have asked for messages."""
        return subscribed(fleets)

    def left(self, plan: Plan) -> int:
        """Messages that were not sent yet, or not acknowledged."""
        return int(self._real.ask(self._pending))

    async def _pending(self, client: Any) -> int:
        n = 0
        for name in _product(self._plan).consumers:
            info = await client.jetstream().consumer_info(self._tag, name)
            n += (info.num_pending or 0) + (info.num_ack_pending or 0)
        return n

    def dead(self, plan: Plan) -> Mapping[str, Sequence[int]]:
        """Messages that were given up, by consumer."""
        found: dict[str, list[int]] = {name: [] for name in _product(plan).consumers}
        for consumer, message in self._real.ask(self._advised):
            found[consumer].append(message)
        return found

    async def _advised(self, client: Any) -> list[tuple[str, int]]:
        streams = client.jetstream()
        state = (await streams.stream_info(self._given_up)).state
        found = []
        for n in range(state.first_seq, state.last_seq + 1) if state.messages else ():
            told = json.loads((await streams.get_msg(self._given_up, n)).data)
            of = await streams.get_msg(self._tag, told["stream_seq"])
            found.append((str(told["consumer"]), int(of.data)))
        return found


def _config(name: str, its: NatsConsumer) -> ConsumerConfig:
    acks = its.ack_policy == "explicit"
    if not acks:
        return ConsumerConfig(durable_name=name, ack_policy=AckPolicy.NONE)
    return ConsumerConfig(
        durable_name=name,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=its.ack_wait,
        max_deliver=its.max_deliver,
        max_ack_pending=its.max_ack_pending,
    )


def _product(plan: Plan) -> NatsSystem:
    assert isinstance(plan.product, NatsSystem)
    return plan.product
