"""Random valid scenarios over every product, every fault and every key that they have.

The keys and their types are read from the configuration's own classes, so that a new key is drawn
as soon as it is there. What the lab refuses (keys that contradict each other) is taken out, key by
key, until it refuses nothing.

`python tests/helpers/any_scenario.py 300` runs so many and holds each to `helpers.table_rules`.
"""

import math
import re
import sys
import time
import types
from collections import Counter
from itertools import pairwise
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import numpy as np
from pydantic import BeforeValidator

from helpers import table_rules
from helpers.schedules import replay
from sim.foundation import units
from sim.foundation.config import Config, keys
from sim.foundation.errors import LabError, Problem, ScenarioError
from sim.scenario.faults.base import GroupFault
from sim.scenario.faults.catalogue import FAULTS
from sim.scenario.faults.topics import TopicFault
from sim.scenario.load import Scenario
from sim.scenario.products import rabbitmq_broker, rabbitmq_stream
from sim.scenario.products.catalogue import System
from sim.scenario.workload import STATE

MOST_MESSAGES = 1_500
"""Of one scenario: no more than the table of messages keeps, so that it holds all of them."""
PRODUCTS = {get_args(keys(s)["product"])[0]: s for s in get_args(get_args(System)[0])}
READERS = ("groups", "share_groups", "queues", "applications", "subscriptions", "consumers")
"""Keys under which the readers of a system stand."""
BROKER_FAULTS = (
    "unreachable", "broker_slow", "broker_pause", "ack_loss", "leader_crash", "power_loss",
)  # fmt: skip

_UNITS = {
    name: get_args(getattr(units, name))[1]
    for name in (
        "Seconds", "PositiveSeconds", "Milliseconds", "PositiveMilliseconds", "WholeSeconds",
        "Rate", "Bytes", "PositiveBytes", "MillisecondsOrUnlimited", "BytesOrUnlimited", "Count",
        "PositiveCount", "Ratio", "PositiveRatio",
    )
} | {
    "Version": get_args(rabbitmq_broker.RabbitmqVersion)[1],
    "Age": get_args(rabbitmq_stream.Age)[1],
    "Offset": get_args(rabbitmq_stream.OffsetSpecification)[1],
}  # fmt: skip

RANGES: dict[str, tuple[float, float]] = {
    # Times at which a broker or a client looks, or beats: each is an event of the run.
    "heartbeat.interval.ms": (500, 6_000),
    "session.timeout.ms": (3_000, 60_000),
    "group.consumer.session.timeout.ms": (3_000, 60_000),
    "group.consumer.heartbeat.interval.ms": (500, 6_000),
    "log.retention.check.interval.ms": (1_000, 300_000),
    "group.share.session.timeout.ms": (3_000, 60_000),
    "failoverTimeMillis": (500, 20_000),
    "idleTimeBetweenReadsInMillis": (50, 2_000),
    "max.poll.interval.ms": (3_000, 300_000),
    "retention.ms": (5_000, 600_000),
    "segment.ms": (5_000, 600_000),
    "segment.bytes": (1_048_576, 2_000_000),
    "every": (0.2, 10),
    "pollingInterval": (1, 60),
    "sync_period": (1, 60),
    "flushInterval": (0.1, 10),
    "unacked_restore_interval": (0.5, 20),
    "retry.backoff.ms": (10, 3_000),
    "fetch.max.wait.ms": (1, 2_000),
    "broker_heartbeat": (1, 120),
    "heartbeat": (1, 120),
    "x-consumer-timeout": (60_000, 600_000),
    "consumer_timeout": (60_000, 600_000),
    # Sizes of things that are held in arrays.
    "partitions": (1, 12),
    "ShardCount": (1, 6),
    "TargetShardCount": (1, 6),
    "consumers": (1, 5),
    "subscribers": (1, 5),
    "concurrency": (1, 4),
    "lockDuration": (1_000, 60_000),
    "stalledInterval": (1_000, 60_000),
    "workers": (1, 5),
    "maxReplicaCount": (1, 8),
    "to": (1, 7),
    "count": (1, 6),
    "servers": (1, 10),
    "worker_concurrency": (1, 4),
    "threads": (1, 6),
    "channels": (1, 6),
    "VisibilityTimeout": (1, 60),
    "visibility_timeout": (1, 120),
    "MessageRetentionPeriod": (60, 600),
    "maxReceiveCount": (1, 20),
    "max.poll.records": (1, 100),
    "factor": (0.5, 20),
    "extra": (0.01, 5),
    "contention": (0, 0.3),
    "coherency": (0, 0.1),
    "x-max-length": (1, 200),
    "numPartitions": (1, 4),
    "multiplier": (0.5, 3),
}
"""Lowest and highest value of keys for which what is usual of their unit would not do."""

DIMENSIONS = (
    "partition_key", "MessageGroupId", "MessageDeduplicationId", "routing_key", "ordering_key",
)  # fmt: skip
"""Keys that list dimensions of the messages' key."""

_USUAL: dict[str, tuple[float, float]] = {
    "Seconds": (0.001, 60), "PositiveSeconds": (0.001, 60), "WholeSeconds": (1, 60),
    "Milliseconds": (1, 60_000), "PositiveMilliseconds": (10, 60_000),
    "MillisecondsOrUnlimited": (1_000, 600_000), "Rate": (0.01, 20),
    "Bytes": (1, 1e6), "PositiveBytes": (1_000, 1e6), "BytesOrUnlimited": (1_000, 1e6),
    "Count": (1, 30), "PositiveCount": (1, 30), "Ratio": (0.01, 2), "PositiveRatio": (0.1, 5),
}  # fmt: skip
_WHOLE = ("WholeSeconds", "Bytes", "PositiveBytes", "BytesOrUnlimited", "Count", "PositiveCount")
_MAY_BE_0 = ("Seconds", "Milliseconds", "WholeSeconds", "Ratio", "Count")


class _Draw:
    """Draws one scenario."""

    def __init__(self, seed: int) -> None:
        self.rng = rng = np.random.default_rng(seed)
        self.duration_s = float(rng.integers(20, 240))
        self.dimensions = ["customer", "region"][: int(rng.integers(1, 3))]
        self.jobs = ["score", "index", "audit"][: int(rng.choice([1, 1, 1, 2, 3]))]
        self.lives = bool(rng.random() < 0.15)
        if self.lives:
            self.dimensions = ["customer"]
        self.chance = float(rng.choice([0.05, 0.2, 0.5]))
        """With which a key that may be left out is given."""

    def one_of(self, values: Any) -> Any:
        return values[int(self.rng.integers(len(values)))]

    def number(self, unit: str, key: str, low: float, high: float) -> float:
        first, last = RANGES.get(key, _USUAL[unit])
        first, last = max(first, low), min(max(last, low), high)
        if unit in _MAY_BE_0 and low <= 0 and key not in RANGES and self.rng.random() < 0.15:
            return 0
        if unit.endswith("OrUnlimited") and self.rng.random() < 0.2:
            return -1
        first = max(first, 1e-9)
        value = math.exp(self.rng.uniform(math.log(first), math.log(max(last, first))))
        return round(value) if unit in _WHOLE else round(value, 6)

    def value(self, annotation: Any, key: str, notes: tuple[Any, ...] = ()) -> Any:
        """A value of a type, as a scenario file has it."""
        origin, arguments = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            return self.value(arguments[0], key, (*notes, *arguments[1:]))
        if origin in (Union, types.UnionType):
            options = [a for a in arguments if a is not types.NoneType]
            return self.value(self.one_of(options), key, notes)
        if origin is Literal:
            return self.one_of(arguments)
        unit = next(
            (
                u
                for u, of in _UNITS.items()
                for n in notes
                if isinstance(n, BeforeValidator) and n is of
            ),
            None,
        )
        if unit in ("Version", "Age", "Offset"):
            return self.one_of(
                {
                    "Version": ["3.9", "3.12", "4.0", "4.2", "4.3"],
                    "Age": ["20s", "1m", "7D"],
                    "Offset": ["first", "last", "next", "7", "10s", "timestamp:5s"],
                }[unit]
            )
        if unit is not None:
            low = max((n.ge for n in notes if hasattr(n, "ge")), default=0.0)
            high = min((n.le for n in notes if hasattr(n, "le")), default=math.inf)
            return self.number(unit, key, low, high)
        if annotation is units.Distribution:
            return self.distribution(0.001, 5)
        if isinstance(annotation, type) and issubclass(annotation, Config):
            return self.config(annotation)
        if annotation is bool:
            return bool(self.rng.integers(2))
        if annotation is int:
            return int(self.rng.integers(-1, 10))
        if annotation is float:
            return float(self.rng.uniform(0, 10))
        if origin is list:
            return [self.value(arguments[0], key) for _ in range(int(self.rng.integers(1, 3)))]
        if origin is dict:
            return {self.dimensions[0]: "a"} if key == "arguments" else {}
        return self.text(key)

    def text(self, key: str) -> Any:
        """What a key for a name, or for something written, holds."""
        if key == "auto.offset.reset":
            return self.one_of(["earliest", "latest", "none", "by_duration:PT10S"])
        return {"x-dead-letter-exchange": "dlx", "group.instance.id": "pod"}.get(key, "any")

    def config(self, model: type[Config], chance: float | None = None) -> dict[str, Any]:
        """A mapping for a configuration, with some of the keys that may be left out."""
        chance = self.chance if chance is None else chance
        groups = model.alternatives
        chosen = self.one_of(groups) if groups else ()
        barred = {key for keys_ in groups for key in keys_} - set(chosen)
        made: dict[str, Any] = {}
        for name, field in model.model_fields.items():
            key = field.alias or name
            if key in barred or not (
                field.is_required() or key in chosen or self.rng.random() < chance
            ):
                continue
            special = self.special(model, key)
            made[key] = (
                special
                if special is not None
                else self.value(field.annotation, key, tuple(field.metadata))
            )
        if "commit" in made:
            made["enable.auto.commit"] = False
        return {key: value for key, value in made.items() if value is not _LEFT_OUT}

    def special(self, model: type[Config], key: str) -> Any:
        """Values that must name something of the scenario; None: any value of its type does."""
        rng = self.rng
        if key in DIMENSIONS and "Binding" not in model.__name__:
            known = (
                [*self.dimensions, STATE]
                if self.lives and key == "partition_key"
                else self.dimensions
            )
            return list(known[: int(rng.integers(1, len(known) + 1))])
        if key == "priority":
            return self.dimensions[:1]
        if key == "ledger":
            return self.one_of(["naive", "idempotent", "strict"]) if self.lives else _LEFT_OUT
        if key in ("only", "FilterPolicy"):
            if self.lives:
                return _LEFT_OUT
            return {self.dimensions[0]: ["a", "b"][: int(rng.integers(1, 3))]}
        if key == "bindings":
            return [self.one_of(["#", "*", "a", "b", "a.*", "2"]) for _ in range(2)]
        return None

    def distribution(self, low_s: float, high_s: float) -> dict[str, Any]:
        mean = math.exp(self.rng.uniform(math.log(low_s), math.log(high_s)))
        return self.one_of(
            [
                {"constant": mean},
                {"exponential": mean},
                {"lognormal": {"median": mean, "p99": mean * self.rng.uniform(1, 8)}},
                {"gamma": {"mean": mean, "cv": float(self.rng.uniform(0.2, 2))}},
                {"quantiles": {"p50": mean, "p90": 1.5 * mean, "p99.9": 4 * mean, "max": 5 * mean}},
            ]
        )

    def arrivals(self) -> dict[str, Any]:
        rng, duration_s = self.rng, self.duration_s
        per_entity = 3 if self.lives else 1
        rate = rng.uniform(0.05, 0.6) * MOST_MESSAGES / duration_s / per_entity
        more = {"dispersion": float(rng.uniform(1, 4))} if rng.random() < 0.3 else {}
        kind = self.one_of(["rate", "rate", "ramp", "spike", "sine", "counts", "two"])
        if kind == "counts":
            n = int(rng.integers(2, 12))
            values = rng.poisson(rate * duration_s / n, n).tolist()
            return {"counts": {"values": values, "interval": duration_s / n}, **more}
        half = duration_s / 2
        parts = {
            "rate": [{"for": duration_s, "rate": rate}],
            "ramp": [{"for": duration_s, "from": 0, "to": rate}],
            "sine": [
                {"for": duration_s, "sine": {
                    "mean": rate / 2, "amplitude": rate / 3, "period": half}}
            ],
            "spike": [
                {"for": duration_s, "spike": {
                    "base": rate / 4, "peak": rate, "rise": 2, "decay": half / 4, "at": half}}
            ],
            "two": [{"for": half, "rate": rate}, {"for": duration_s - half, "from": rate, "to": 0}],
        }  # fmt: skip
        return {"profile": parts[kind], **more}

    def workload(self) -> dict[str, Any]:
        rng = self.rng
        made: dict[str, Any] = {"arrivals": self.arrivals(), "keys": {}, "service": {}}
        for dimension in self.dimensions:
            if self.lives:
                key: dict[str, Any] = {
                    "lifecycle": {
                        "states": ["pending", "processing", "settled"],
                        "gap": self.distribution(0.1, 5),
                        "amount": {"median": 40, "p99": 900},
                    }
                }
            elif dimension == self.dimensions[0]:
                key = {"weights": {"a": 1, "b": float(rng.uniform(0.01, 2)), "c": 3}}
            else:
                key = {"count": int(rng.integers(1, 60)), "zipf": float(rng.uniform(0, 1.5))}
            made["keys"][dimension] = key
        if rng.random() < 0.4:
            made["order_by"] = self.dimensions[: int(rng.integers(0, len(self.dimensions) + 1))]
        if rng.random() < 0.3:
            made["size"] = int(rng.integers(1, 5_000))
        for job in self.jobs:
            made["service"][job] = {"per_message": self.distribution(0.001, 0.3)}
            if rng.random() < 0.3:
                made["service"][job]["per_batch"] = float(rng.uniform(0, 0.2))
            if rng.random() < 0.3:
                made["service"][job]["slow"] = {
                    "share": float(rng.uniform(0, 0.05)), "time": self.distribution(1, 40)
                }  # fmt: skip
        return made

    def system(self, product: str) -> dict[str, Any]:
        model = PRODUCTS[product]
        made = self.config(model)
        made["product"] = product
        at = model.readers_at
        for place in READERS:
            made.pop(place, None)
        jobs = list(self.jobs)
        self.rng.shuffle(jobs)
        parts = [[job] for job in jobs] if self.rng.random() < 0.6 else [jobs]
        for number, does in enumerate(parts):
            place = "share_groups" if product == "kafka" and self.rng.random() < 0.3 else at
            readers = get_args(keys(model)[place])[1]
            group = self.config(readers)
            group["does"] = does
            made.setdefault(place, {})[f"g{number}"] = group
        if product == "kafka" and self.rng.random() < 0.4:
            made["publisher"] = self.config(get_args(keys(model)["publisher"])[0])
        if product == "rabbitmq" and self.rng.random() < 0.4:
            self.dead_letters(made["queues"])
        if product == "sqs" and self.rng.random() < 0.4:
            self.redriven(made["queues"])
        return made

    def dead_letters(self, queues: dict[str, Any]) -> None:
        """Give a queue another one for its dead letters, which may give them back."""
        first = str(self.one_of([*queues]))
        delay: dict[str, Any] = {"consumers": 0, "arguments": {"x-message-ttl": 2_000}}
        queues["later"] = delay
        if self.rng.random() < 0.5:
            _to(queues[first], "later")
        if self.rng.random() < 0.7:
            _to(delay, first)

    def redriven(self, queues: dict[str, Any]) -> None:
        """Give a queue of SQS another one for its dead letters, which nobody empties."""
        first = queues[str(self.one_of([*queues]))]
        if first.get("order") == "fresh-first":
            del first["order"]
        most = int(self.rng.integers(1, 4))
        first["RedrivePolicy"] = {"maxReceiveCount": most, "deadLetterTargetArn": "later"}
        queues["later"] = {"workers": 0}
        if first.get("FifoQueue"):
            queues["later"] |= {"FifoQueue": True, "MessageGroupId": self.dimensions[:1]}

    def fault(self, systems: dict[str, Any]) -> dict[str, Any]:
        publishers = [
            name
            for name, system in systems.items()
            if system["product"] == "kafka" and system.get("publisher") is not None
        ]
        known = (
            [*FAULTS, "crash", "poison"]
            if publishers
            else [w for w in FAULTS if w not in BROKER_FAULTS]
        )
        redriven = [name for name, system in systems.items() if "later" in _unread(system)]
        known = [word for word in known if word != "redrive"] + ["redrive"] * 3 * bool(redriven)
        word = str(self.one_of(known))
        model = FAULTS[word]
        made = {"fault": word, **self.config(model)}
        made["fault"] = word
        names = [
            f"{system}.{group}"
            for system, config in systems.items()
            for place in READERS
            for group in config.get(place, {})
            if group not in _unread(config)
        ]
        one = str(self.one_of([*names, "*.g0", "*.*"]))
        tables = [name for name, system in systems.items() if system["product"] == "postgres"]
        if word == "attributes":
            queues = [name for name in names if systems[name.split(".")[0]]["product"] == "sqs"]
            made.setdefault("VisibilityTimeout", int(self.rng.integers(1, 60)))
            made["target"] = str(self.one_of([*queues, one]))
        elif word == "snapshot_held":
            made["target"] = f"{self.one_of(tables or [*systems])}.*"
        elif issubclass(model, GroupFault):
            made["target"] = one
        elif "topic" in model.kinds:
            whose = model.whose if issubclass(model, TopicFault) else "topic"
            topics = [name for name, system in systems.items() if whose in system]
            if word == "configs":
                made.setdefault("retention.ms", int(self.rng.integers(1_000, 60_000)))
            made["target"] = f"{self.one_of([*topics, '*'])}.{whose}"
        elif "queue" in model.kinds:
            made["target"] = f"{self.one_of([*redriven, '*'])}.later"
            made.pop("DestinationArn", None)
        elif "broker" in model.kinds:
            made["target"] = f"{self.one_of(publishers)}.broker.{self.one_of(['*', '0', '1'])}"
        elif publishers and ("consumer" not in model.kinds or self.rng.random() < 0.3):
            made["target"] = f"{self.one_of(publishers)}.publisher.0"
        else:
            made["target"] = f"{one}.{self.one_of(['*', '0', '1', '2'])}"
        if made.get("when", {}).get("of") is not None:
            made["when"]["of"] = str(self.one_of(names))
        for key in ("at", "from"):
            if key in made:
                made[key] = float(self.rng.uniform(0, self.duration_s))
        if "until" in made:
            made["until"] = float(made.get("from", 0.0) + self.rng.uniform(0.1, self.duration_s))
        if "rate" in made:
            made["rate"] = float(self.rng.uniform(0.5, 4) / self.duration_s)
        if word == "seek":
            made["to"] = self.one_of(["beginning", "end", self.duration_s / 3])
        if word == "poison":
            made.pop("key", None)
        return made

    def scenario(self, seed: int) -> dict[str, Any]:
        products = [
            str(self.one_of([*PRODUCTS])) for _ in range(int(self.rng.choice([1, 1, 2, 3])))
        ]
        systems = {f"s{i}": self.system(product) for i, product in enumerate(products)}
        made = {
            "name": f"any-{seed}",
            "about": "Any product, key and fault, at random",
            "seed": seed,
            "duration": self.duration_s,
            "drain_limit": float(self.rng.choice([0.0, 30.0, 600.0, 600.0, 1_800.0])),
            "workload": self.workload(),
            "systems": systems,
            "faults": [self.fault(systems) for _ in range(int(self.rng.integers(0, 6)))],
        }
        if not self.lives and self.rng.random() < 0.15:
            made["start"] = {
                "backlog": int(self.rng.integers(1, 200)),
                "age": float(self.rng.uniform(0.1, 300)),
            }
        # Last: what is drawn before it stays what it was.
        for job in self.jobs:
            if self.rng.random() < 0.1:
                made["workload"]["service"][job]["poison"] = self.poison()
        plain: dict[str, Any] = _plain(made)
        return plain

    def poison(self) -> dict[str, Any]:
        made: dict[str, Any] = {"share": float(self.rng.uniform(0, 0.02))}
        if self.rng.random() < 0.5:
            made["times"] = int(self.rng.integers(1, 6))
        if self.rng.random() < 0.3:
            made |= {"effect": "kill", "restart_after": float(self.rng.uniform(0, 20))}
        return made


_LEFT_OUT = object()
_KEYLESS = 10
"""Of so many scenarios the messages of one have no key; what asks for one is taken out."""


_IN_STAGES = 7
"""Of so many scenarios one is a pipeline, whose stages may wait for each other."""
_DISAGREE = "do not agree after"
"""What the lab says where they wait for each other and it cannot tell until when."""


def _behind_each_other(data: dict[str, Any], rng: np.random.Generator) -> None:
    """Put each system behind the one before it."""
    data.pop("start", None)
    names = list(data["systems"])
    ways = ("nothing", "buffer", "acknowledgement")
    edges = []
    for before, after in pairwise(names):
        system = data["systems"][before]
        its = next(system[key] for key in READERS if key in system)
        source = f"{before}.{rng.choice(list(its))}"
        edges.append({"from": source, "to": after, "waits_for": str(rng.choice(ways))})
    data["pipeline"] = edges


def _unread(system: dict[str, Any]) -> list[str]:
    """Dead-letter queues of SQS that nobody empties."""
    queues = system.get("queues", {}) if system["product"] == "sqs" else {}
    return [name for name, queue in queues.items() if queue.get("workers") == 0]


def _to(queue: dict[str, Any], name: str) -> None:
    """Let what a queue of RabbitMQ dead-letters enter another."""
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": name}
    queue["arguments"] = queue.get("arguments", {}) | arguments


def _plain(value: Any) -> Any:
    """Without NumPy's types, which YAML does not write."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def _reached(data: dict[str, Any], dotted: str) -> list[str | int]:
    """The steps of a dotted path, as far as they are there; keys may have dots themselves."""
    steps: list[str | int] = []
    place: Any = data
    while dotted and isinstance(place, dict | list):
        known = [str(i) for i in range(len(place))] if isinstance(place, list) else list(place)
        here = [name for name in known if dotted == name or dotted.startswith(f"{name}.")]
        if not here:
            break
        name = max(here, key=len)
        steps.append(int(name) if isinstance(place, list) else name)
        place, dotted = place[steps[-1]], dotted[len(name) + 1 :]
    return steps


def _take_out(data: dict[str, Any], problem: Problem) -> bool:
    """Take out what a problem is about; False: it is about what cannot be left out."""
    steps = _reached(data, problem.path)
    if steps[:1] == ["faults"] and len(steps) == 3 and steps[2] in ("fault", "target"):
        steps.pop()
    place: Any = data
    for step in steps:
        place = place[step]
    named = re.findall(r"'([\w.-]+)", problem.message)
    of_it = [key for key in named if isinstance(place, dict) and key in place]
    if of_it and steps:
        del place[of_it[0]]
        return True
    if len(steps) < 3 and steps[:1] != ["faults"]:
        return False
    above: Any = data
    for step in steps[:-1]:
        above = above[step]
    del above[steps[-1]]
    return True


def any_scenario(seed: int) -> dict[str, Any]:
    """A valid scenario in plain data, the same for the same seed."""
    for attempt in range(100):
        draw = _Draw(seed + attempt * 1_000_003)
        data = draw.scenario(seed)
        if seed % _KEYLESS == _KEYLESS - 1 and not draw.lives:
            data["workload"]["keys"] = {}
        if seed % _IN_STAGES == _IN_STAGES - 1 and not draw.lives:
            _behind_each_other(data, np.random.default_rng([seed, attempt]))
        for _ in range(40):
            try:
                Scenario.from_mapping(data)
                return data
            except ScenarioError as error:
                if not _take_out(data, error.problems[0]):
                    break
    raise AssertionError(f"seed {seed}: the lab refuses whatever is drawn")


def check(seed: int) -> Counter[str]:
    """Run a seed's scenario twice and hold its tables to all rules; returns what it had.

    Raises:
        AssertionError: a rule does not hold; the text ends with the scenario's file.
    """
    data = any_scenario(seed)
    try:
        scenario = Scenario.from_mapping(data)
        table_rules.hold(scenario)
    except Exception as broken:
        if isinstance(broken, LabError) and _DISAGREE in str(broken):
            return Counter(["disagree"])
        what = f"seed {seed}: {type(broken).__name__}: {broken}"
        raise AssertionError(f"{what}\nReplay with `sim run`:\n{replay(data)}") from broken
    return Counter(
        [s["product"] for s in data["systems"].values()] + [f["fault"] for f in data["faults"]]
    )


def main() -> None:
    first, last = (0, int(sys.argv[1])) if len(sys.argv) == 2 else map(int, sys.argv[1:3])
    began, failed = time.perf_counter(), 0
    seen: Counter[str] = Counter()
    for seed in range(first, last):
        try:
            seen += check(seed)
        except AssertionError as broken:
            failed += 1
            print(broken, flush=True)
    print(f"{last - first} scenarios, {failed} failed, {time.perf_counter() - began:.0f} s")
    print(dict(seen.most_common()))


if __name__ == "__main__":
    main()
