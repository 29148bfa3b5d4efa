"""What files configure, part by part: whose keys they are, which the lab reads, and their values.

Values are checked by the models of `sim.scenario.products`. Only values that are taken over are
ever shown: the others may be passwords.
"""

import json
import re
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import ValidationError

from sim.foundation.config import Config, KeyPath, keys, model_of
from sim.foundation.document import Document, Place
from sim.foundation.errors import MOST_TOLD, Problem, ScenarioError, nearest, unknown_key
from sim.imports.config_file import Setting
from sim.scenario import explain
from sim.scenario.products import kafka_not_modelled
from sim.scenario.products.aws_lambda import SqsFunction
from sim.scenario.products.celery import CelerySettings
from sim.scenario.products.kafka_brokers import KafkaBrokers
from sim.scenario.products.kafka_consumer import ConsumerGroup
from sim.scenario.products.kafka_producer import KafkaProducer
from sim.scenario.products.kafka_topic import KafkaTopic
from sim.scenario.products.kinesis import KinesisStream
from sim.scenario.products.kinesis_lambda import KinesisFunction
from sim.scenario.products.rabbitmq import RabbitmqQueueArguments
from sim.scenario.products.sqs import SqsQueue

NO_EFFECT = "no effect in the lab"
OF_SERIALIZERS = frozenset((
    "auto.register.schemas", "avro.use.logical.type.converters", "basic.auth.credentials.source",
    "basic.auth.user.info", "bearer.auth.credentials.source", "bearer.auth.token",
    "json.value.type", "key.subject.name.strategy", "schema.registry.basic.auth.user.info",
    "schema.registry.url", "specific.avro.reader", "specific.protobuf.value.type",
    "use.latest.version", "value.subject.name.strategy",
))  # fmt: skip
"""Keys of serializers with a schema registry."""
_INTEGER = re.compile(r"[+-]?\d+")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


@dataclass(frozen=True)
class ConfigPart:
    """What a file configures."""

    name: str
    """In a sentence."""
    model: type[Config]
    reads: Sequence[str]
    """Keys of the product that the model reads."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Other names of those keys."""
    needed: Mapping[str, Any] = field(default_factory=dict)
    """Keys of the lab that the model wants as well."""

    def knows(self, key: str) -> bool:
        """Whether it is one of the product's keys."""
        return self.names.get(key, key) in self.reads or key in self.model.not_modelled


def _dotted(model: type[Config], *more: str) -> list[str]:
    """Kafka's own keys; those that the lab adds have no dots."""
    return [key for key in keys(model) if "." in key or key in more]


def _capital(model: type[Config], *but: str) -> list[str]:
    """AWS's own keys."""
    return [key for key in keys(model) if key[0].isupper() and key not in but]


CONSUMER = ConfigPart(
    "a Kafka consumer",
    ConsumerGroup,
    _dotted(ConsumerGroup),
    kafka_not_modelled.CONSUMER_NAMES,
    {"consumers": 1, "does": ["work"]},
)
PRODUCER = ConfigPart(
    "a Kafka producer",
    KafkaProducer,
    _dotted(KafkaProducer, "acks", "retries"),
    kafka_not_modelled.PRODUCER_NAMES,
)
TOPIC = ConfigPart(
    "a Kafka topic", KafkaTopic, _dotted(KafkaTopic, "partitions"), {}, {"partitions": 1}
)
BROKERS = ConfigPart("Kafka's brokers", KafkaBrokers, _dotted(KafkaBrokers))
# Not of the queue, but of each message or of a subscription.
QUEUE = ConfigPart(
    "an SQS queue",
    SqsQueue,
    _capital(SqsQueue, "FilterPolicy", "MessageDeduplicationId", "MessageGroupId"),
    {},
    {"workers": 1, "does": ["work"]},
)
MAPPING = ConfigPart("a Lambda function of an SQS queue", SqsFunction, _capital(SqsFunction))
STREAM = ConfigPart(
    "a Kinesis stream", KinesisStream, _capital(KinesisStream), {}, {"ShardCount": 1}
)
STREAM_MAPPING = ConfigPart(
    "a Lambda function of a Kinesis stream", KinesisFunction, _capital(KinesisFunction)
)
CELERY = ConfigPart("Celery", CelerySettings, list(keys(CelerySettings)))
ARGUMENTS = ConfigPart(
    "a RabbitMQ queue", RabbitmqQueueArguments, list(keys(RabbitmqQueueArguments))
)
LIBRDKAFKA_KEYS = frozenset((
    *kafka_not_modelled.LIBRDKAFKA_CONSUMER,
    *kafka_not_modelled.LIBRDKAFKA_PRODUCER,
    *kafka_not_modelled.CONSUMER_NAMES,
    *kafka_not_modelled.PRODUCER_NAMES,
))  # fmt: skip


@dataclass
class Piece:
    """Keys of one thing that a file configures."""

    part: ConfigPart
    at: tuple[str, ...]
    """Where they stand in a scenario, from its `systems`."""
    settings: Sequence[Setting]
    lab: Mapping[str, Any] = field(default_factory=dict)
    """Keys of the lab that the file says, such as how many consumers there are."""
    beside: Mapping[tuple[str, ...], Any] = field(default_factory=dict)
    """Other keys of the lab, by their place."""
    named_by: str = ""
    """The key that says its name: it is taken over as that."""
    says: int = 0
    """How many keys of the file say what stands in `lab` and `beside`."""
    lenient: bool = False
    """A key that the lab does not know is listed, not refused: others may stand there too."""
    typed: Mapping[str, Any] = field(default_factory=dict)
    """Once sorted: keys and values that the scenario has."""


@dataclass
class FileReading:
    """What a file says."""

    kind: str
    """`a Spring configuration`"""
    pieces: list[Piece] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What it does not say, or the lab does not take over."""
    faults: list[dict[str, Any]] = field(default_factory=list)
    """What happens while it runs: an autoscaler."""
    profiles: Sequence[str] = ()
    """Spring: profiles of its documents, and of its name."""
    left: dict[str, list[Setting]] = field(default_factory=dict)
    """Keys that are not in the scenario, by the reason."""

    def leave(self, setting: Setting, reason: str) -> None:
        """Leave a key out, and say why."""
        self.left.setdefault(reason, []).append(setting)

    def told(self) -> Iterator[str]:
        """What is not in the scenario, each key once."""
        for reason, those in self.left.items():
            listed = dict.fromkeys(
                one.name if one.line is None else f"{one.name} (line {one.line})" for one in those
            )
            yield f"{', '.join(listed)}: {reason}"
        yield from self.notes


class Sorted:
    """Keys of a piece: those that the lab reads, those left out, and those that do not exist."""

    def __init__(self, path: Path, piece: Piece, reading: FileReading) -> None:
        self.path, self.part, self.piece, self.reading = path, piece.part, piece, reading
        self.taken: dict[str, Setting] = {}
        self.problems: list[Problem] = []
        for setting in piece.settings:
            self._take(setting)

    def _take(self, setting: Setting) -> None:
        key = self.part.names.get(setting.key, setting.key)
        known = self.part.model.not_modelled
        if key in self.part.reads:
            if key in self.taken:
                again = f"again in line {setting.line}, and the last one counts"
                self.reading.leave(self.taken[key], again)
            self.taken[key] = setting
        elif key in known:
            if key != self.piece.named_by:
                self.reading.leave(setting, known[key] or NO_EFFECT)
        elif key in OF_SERIALIZERS:
            reason = "of serializers with a schema registry, which the lab does not have"
            self.reading.leave(setting, reason)
        elif self.piece.lenient:
            # Only where every key is listed: another key that exists is not a misspelt one.
            near = nearest(key, [*self.part.reads, *known]) if known else None
            said = f"; did you mean {near!r}?" if near else ""
            self.reading.leave(setting, f"not known to the lab{said}")
        else:
            told = len(self.problems) < MOST_TOLD
            message = unknown_key(key, self.part.reads, known) if told else "unknown key"
            self._wrong(setting, message)

    def typed(self) -> dict[str, Any]:
        """Values of the keys that are read, as numbers and truth values where they are such.

        Raises:
            ScenarioError: every problem of the piece.
        """
        found: dict[str, Any] = {}
        needed = {**self.part.needed, **self.piece.lab}
        for key, setting in self.taken.items():
            try:
                annotation = keys(self.part.model)[key]
                found[key] = self._inner(setting, annotation, needed)
            except ValueError as error:
                self._wrong(setting, str(error))
        places: dict[KeyPath, Place] = {
            (key,): Place(str(self.path), self.taken[key].line, Path()) for key in found
        }
        document = Document(
            {**needed, **found}, {(): Place(str(self.path), None, Path()), **places}
        )
        try:
            self.part.model.model_validate(document.data)
        except ValidationError as error:
            said = explain.problems(error, self.part.model, document)
            self.problems += [self._placed(problem) for problem in said]
        if self.problems:
            raise ScenarioError(sorted(self.problems, key=lambda problem: problem.line or 0))
        if isinstance(policy := found.get("RedrivePolicy"), str):
            found["RedrivePolicy"] = _decoded(policy)
        return found

    def _inner(self, setting: Setting, annotation: Any, needed: Mapping[str, Any]) -> Any:
        """A value; of a mapping, only what the lab reads of it: the rest may be passwords."""
        model = model_of(annotation, setting.value)
        if model is None or not isinstance(setting.value, dict):
            return value_of(annotation, setting.value, needed)
        made = {}
        for key, value in setting.value.items():
            if key in keys(model):
                made[key] = value_of(keys(model)[key], value, needed)
            else:
                reason = model.not_modelled.get(key) or NO_EFFECT
                self.reading.leave(setting._replace(said=f"{setting.name}.{key}"), reason)
        return made

    def _wrong(self, setting: Setting, message: str) -> None:
        self.problems.append(Problem(str(self.path), setting.line, setting.name, message))

    def _placed(self, problem: Problem) -> Problem:
        """A problem at the key as the file has it; of several keys, at the first that it has."""
        if problem.path in self.taken:
            return problem._replace(path=self.taken[problem.path].name)
        about = [key for key in re.findall(r"'([\w.]+)", problem.message) if key in self.taken]
        if problem.path or not about:
            return problem
        setting = self.taken[about[0]]
        message = f"{problem.message}; it is {setting.value!r}"
        return Problem(problem.file, setting.line, setting.name, message)


def _kinds(annotation: Any) -> set[Any]:
    """Types that a value may have."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _kinds(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return {kind for option in get_args(annotation) for kind in _kinds(option)}
    if origin is Literal:
        return {type(option) for option in get_args(annotation)}
    return {annotation}


def value_of(annotation: Any, given: Any, client: Mapping[str, Any]) -> Any:
    """A text as what the product takes it for.

    A scenario may say `5 s` or `yes`; the products take neither, and neither is it taken here.

    Raises:
        ValueError: it is not that.
    """
    if not isinstance(given, str):
        return given
    # Kafka trims values (`ConfigDef.parseType`).
    text, kinds = given.strip(), _kinds(annotation)
    if bool in kinds:
        if text.lower() not in ("true", "false"):
            raise ValueError(f"expected true or false, not {text!r}")
        return text.lower() == "true"
    if kinds & {int, float}:
        # librdkafka has times of less than a millisecond; the others have whole numbers alone.
        shape = _NUMBER if client.get("client") == "librdkafka" and float in kinds else _INTEGER
        if shape.fullmatch(text):
            return int(text) if _INTEGER.fullmatch(text) else float(text)
        if str not in kinds:
            raise ValueError(f"expected a number as in 30, without a unit, not {text!r}")
    return text


def _decoded(policy: str) -> dict[str, Any]:
    """JSON in a text as what it says; its numbers may be texts once more."""
    return {
        key: int(word) if isinstance(word, str) and _INTEGER.fullmatch(word) else word
        for key, word in json.loads(policy).items()
    }
