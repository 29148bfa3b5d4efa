"""The configuration of a Kafka client or of an SQS queue, as they have it, as a scenario.

- A Kafka consumer or producer: ``key=value`` lines (`sim.imports.properties`), of Java's client or
  of librdkafka.
- An SQS queue: the JSON of ``aws sqs get-queue-attributes``, or its ``Attributes`` alone, whose
  values are text
  (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html).

The scenario has `BASE` as its base, and everything that such a file does not say from there.
Values are checked by the models of `sim.scenario.products`. Only values that are taken over are
ever shown: the others may be passwords.
"""

import json
import re
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import ValidationError

from sim.foundation.config import Config, KeyPath, keys
from sim.foundation.document import Document, Place
from sim.foundation.errors import MOST_TOLD, Problem, ScenarioError, unknown_key
from sim.foundation.text import names
from sim.imports import properties
from sim.imports.made import Imported, name_of
from sim.imports.measured import complaint, json_of, text_of
from sim.imports.properties import Entry
from sim.scenario import explain
from sim.scenario.load import Scenario, folders, load
from sim.scenario.products import kafka_not_modelled
from sim.scenario.products.kafka_consumer import ConsumerGroup
from sim.scenario.products.kafka_producer import LIBRDKAFKA_ONLY, KafkaProducer
from sim.scenario.products.sqs import SqsQueue

BASE = "tournament_spike.yaml"
"""The shipped scenario that holds what the file does not say."""
FORMATS = (
    "key=value lines of a Kafka consumer or producer, or the JSON of `aws sqs get-queue-attributes`"
)

_OF_SERIALIZERS = (
    "auto.register.schemas", "avro.use.logical.type.converters", "basic.auth.credentials.source",
    "basic.auth.user.info", "bearer.auth.credentials.source", "bearer.auth.token",
    "json.value.type", "key.subject.name.strategy", "schema.registry.basic.auth.user.info",
    "schema.registry.url", "specific.avro.reader", "specific.protobuf.value.type",
    "use.latest.version", "value.subject.name.strategy",
)  # fmt: skip
_MOST_KEYS = 10_000
_NO_EFFECT = "no effect in the lab"
_INTEGER = re.compile(r"[+-]?\d+")
_JSON_KEY = re.compile(r'("(?:[^"\\]|\\.)*+")(?=\s*:)', re.DOTALL)
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")
_NOT_TEXT = ("true", "false", "null", "yes", "no", "on", "off", "y", "n")


@dataclass(frozen=True)
class _Part:
    """What a file configures."""

    name: str
    """In a sentence."""
    model: type[Config]
    reads: Sequence[str]
    """Keys of the product that the model reads."""
    names: Mapping[str, str]
    """Other names of those keys."""
    needed: Mapping[str, Any]
    """Keys of the lab that the model wants as well."""

    def knows(self, key: str) -> bool:
        return key in self.reads or key in self.model.not_modelled


# The models also have keys of the lab's own; those of Kafka have dots, but for these two.
_CONSUMER = _Part(
    "consumer",
    ConsumerGroup,
    [key for key in keys(ConsumerGroup) if "." in key],
    kafka_not_modelled.CONSUMER_NAMES,
    {"consumers": 1, "does": ["work"]},
)
_PRODUCER = _Part(
    "producer",
    KafkaProducer,
    [key for key in keys(KafkaProducer) if "." in key or key in ("acks", "retries")],
    kafka_not_modelled.PRODUCER_NAMES,
    {},
)
# Not of the queue, but of each message or of a subscription.
_NOT_OF_THE_QUEUE = ("FilterPolicy", "MessageDeduplicationId", "MessageGroupId")
_QUEUE = _Part(
    "queue",
    SqsQueue,
    [key for key in keys(SqsQueue) if key[0].isupper() and key not in _NOT_OF_THE_QUEUE],
    {},
    {"workers": 1, "does": ["work"]},
)
_CLIENTS = {part.name: part for part in (_CONSUMER, _PRODUCER)}

_LIBRDKAFKA = {
    *kafka_not_modelled.LIBRDKAFKA_CONSUMER,
    *kafka_not_modelled.LIBRDKAFKA_PRODUCER,
    *kafka_not_modelled.CONSUMER_NAMES,
    *kafka_not_modelled.PRODUCER_NAMES,
    "enable.auto.offset.store",
    *LIBRDKAFKA_ONLY,
}
"""Keys that Java's client does not have."""


def scenario(path: Path, client: Literal["consumer", "producer"] | None = None) -> Imported:
    """Turn a configuration into a scenario file.

    Args:
        path: the file.
        client: whose keys they are, if it is a Kafka client's; None if they tell.

    Raises:
        LabError: every problem of the file, with its line.
    """
    text = text_of(path, FORMATS)
    base = load(folders()[-1] / BASE)
    if text.lstrip()[:1] in ("{", "["):
        if client is not None:
            raise complaint(path, "--as is for the keys of a Kafka client, and this is JSON")
        return _queue(path, text, base)
    entries = list(islice(properties.entries(path, text), _MOST_KEYS + 1))
    if len(entries) > _MOST_KEYS:
        raise complaint(path, f"more than {_MOST_KEYS:,} keys", entries[-1].line)
    return _client(path, entries, client, base)


def _client(path: Path, entries: Sequence[Entry], client: str | None, base: Scenario) -> Imported:
    if not any(part.knows(entry.key) for part in _CLIENTS.values() for entry in entries):
        raise complaint(path, f"no key of a Kafka client in it; expected {FORMATS}")
    part = _CLIENTS[client] if client else _told(path, entries)
    other = _PRODUCER if part is _CONSUMER else _CONSUMER
    c_keys = [entry.key for entry in entries if entry.key in _LIBRDKAFKA]
    whose = "librdkafka" if c_keys else "java"
    sorted_ = _Sorted(path, part)
    for entry in entries:
        if client and other.knows(entry.key) and not part.knows(entry.key):
            sorted_.leave(entry, f"of a {other.name}")
        elif entry.key in _OF_SERIALIZERS:
            sorted_.leave(
                entry, "of serializers with a schema registry, which the lab does not have"
            )
        else:
            sorted_.take(entry)
    typed = sorted_.typed({**part.needed, "client": whose})
    if whose == "librdkafka":
        why = f"librdkafka, which alone has {c_keys[0]}"
    else:
        why = "Java's; if it is not, add `client: librdkafka`"
    added = {"client": whose} if c_keys else {}
    unsaid = [f"whose client it is: {why}", *sorted_.left_out(), _rest("consumers", path)]
    kafka = base.systems["kafka"]
    at = [("groups", group) for group in kafka.readers] if part is _CONSUMER else [("producer",)]
    return _made(path, f"a Kafka {part.name}", "kafka", at, added, typed, unsaid)


def _told(path: Path, entries: Sequence[Entry]) -> _Part:
    """Whose keys they are, by those that only one of the two has."""
    only = {
        name: [entry for entry in entries if part.knows(entry.key) and not other.knows(entry.key)]
        for name, part, other in (
            ("consumer", _CONSUMER, _PRODUCER),
            ("producer", _PRODUCER, _CONSUMER),
        )
    }
    told = [name for name, those in only.items() if those]
    if len(told) == 1:
        return _CLIENTS[told[0]]
    if told:
        found = " and ".join(
            f"{those[0].key} (line {those[0].line}) of a {name}" for name, those in only.items()
        )
        message = f"it has {found}"
    else:
        message = "all of its keys are of consumers and producers alike"
    # A key that is misspelt may be the one that would have told.
    known = [key for part in _CLIENTS.values() for key in part.reads]
    more = [key for part in _CLIENTS.values() for key in part.model.not_modelled]
    all_known = {*known, *more, *_OF_SERIALIZERS}
    strange = [entry for entry in entries if entry.key not in all_known]
    problems = [
        Problem(str(path), entry.line, entry.key, unknown_key(entry.key, known, more))
        for entry in strange[:MOST_TOLD]
    ]
    message = f"{message}; say which it is: --as consumer or --as producer"
    raise ScenarioError([*problems, Problem(str(path), None, "", message)])


def _queue(path: Path, text: str, base: Scenario) -> Imported:
    data = json_of(path, text)
    given = data.get("Attributes", data) if isinstance(data, dict) else data
    if not isinstance(given, dict) or not given:
        raise complaint(path, f"expected {FORMATS}")
    sorted_ = _Sorted(path, _QUEUE)
    line = _lines_of(text)
    if len(given) > _MOST_KEYS:
        first_too_many = next(islice(given, _MOST_KEYS, None))
        raise complaint(path, f"more than {_MOST_KEYS:,} keys", line.get(first_too_many))
    for key, value in given.items():
        sorted_.take(Entry(key, value, line.get(key, 1)))
    of_group = list(base.workload.order_by or base.workload.keys)
    fifo = str(given.get("FifoQueue")).lower() == "true"
    grouped = {"MessageGroupId": of_group} if fifo else {}
    typed = sorted_.typed({**_QUEUE.needed, **grouped})
    if isinstance(policy := typed.get("RedrivePolicy"), str):
        typed["RedrivePolicy"] = _decoded(policy)
    unsaid = list(sorted_.left_out())
    if fifo:
        unsaid.append(f"the group of a message, which its sender gives: {names(of_group)}")
    if "MaxNumberOfMessages" not in typed:
        unsaid.append(
            "how many messages a receive asks for, which the receiver says: 1, the default; "
            "add MaxNumberOfMessages if yours asks for more"
        )
    unsaid.append(_rest("workers", path))
    at = [("queues", queue) for queue in base.systems["sqs_fanout"].readers]
    return _made(path, "an SQS queue", "sqs_fanout", at, grouped, typed, unsaid)


def _lines_of(text: str) -> dict[str, int]:
    """Line of the first key of each name; one inside a text has its quotes escaped."""
    found: dict[str, int] = {}
    line, seen = 1, 0
    for key in _JSON_KEY.finditer(text):
        line, seen = line + text.count("\n", seen, key.start()), key.start()
        found.setdefault(json.loads(key[1], strict=False), line)
        if len(found) > 2 * _MOST_KEYS:
            break
    return found


def _rest(readers: str, path: Path) -> str:
    return f"the workload, how many {readers} there are, and what their work takes: as in {BASE}"


class _Sorted:
    """Keys of a file: those that the lab reads, those left out, and those that do not exist."""

    def __init__(self, path: Path, part: _Part) -> None:
        self.path, self.part = path, part
        self.taken: dict[str, Entry] = {}
        self.left: dict[str, list[Entry]] = {}
        self.problems: list[Problem] = []

    def take(self, entry: Entry) -> None:
        key = self.part.names.get(entry.key, entry.key)
        known = self.part.model.not_modelled
        if key in self.part.reads:
            if key in self.taken:
                self.leave(self.taken[key], f"again in line {entry.line}, and the last one counts")
            self.taken[key] = entry
        elif key in known:
            self.leave(entry, known[key] or _NO_EFFECT)
        else:
            told = len(self.problems) < MOST_TOLD
            self._wrong(entry, unknown_key(key, self.part.reads, known) if told else "unknown key")

    def leave(self, entry: Entry, reason: str) -> None:
        self.left.setdefault(reason, []).append(entry)

    def left_out(self) -> Iterator[str]:
        """What is not in the scenario, by the reason."""
        for reason, those in self.left.items():
            listed = ", ".join(f"{entry.key} (line {entry.line})" for entry in those)
            yield f"{listed}: {reason}"

    def typed(self, needed: Mapping[str, Any]) -> dict[str, Any]:
        """Values of the keys that are read, as numbers and truth values where they are such.

        Raises:
            ScenarioError: every problem of the file.
        """
        found: dict[str, Any] = {}
        for key, entry in self.taken.items():
            try:
                found[key] = _value(keys(self.part.model)[key], entry.value, needed)
            except ValueError as error:
                self._wrong(entry, str(error))
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
        if not found:
            where = f"a Kafka {self.part.name}" if self.part is not _QUEUE else "an SQS queue"
            raise complaint(self.path, f"none of its keys of {where} is modelled by the lab")
        return found

    def _wrong(self, entry: Entry, message: str) -> None:
        self.problems.append(Problem(str(self.path), entry.line, entry.key, message))

    def _placed(self, problem: Problem) -> Problem:
        """A problem at the key as the file has it; of several keys, at the first that it has."""
        if problem.path in self.taken:
            return problem._replace(path=self.taken[problem.path].key)
        about = [key for key in re.findall(r"'([\w.]+)", problem.message) if key in self.taken]
        if problem.path or not about:
            return problem
        entry = self.taken[about[0]]
        message = f"{problem.message}; it is {entry.value!r}"
        return Problem(problem.file, entry.line, entry.key, message)


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


def _value(annotation: Any, given: Any, client: Mapping[str, Any]) -> Any:
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


def _made(
    path: Path,
    what: str,
    system: str,
    at: Sequence[tuple[str, ...]],
    added: Mapping[str, Any],
    typed: Mapping[str, Any],
    unsaid: Sequence[str],
) -> Imported:
    """The scenario, with the keys in each of the places of the system."""
    name = name_of(path, "config")
    if f"{name}.yaml" == BASE:
        name = f"my_{name}"
    lines = [
        f"# Made by `sim import config {path.name}`.",
        "#",
        "# What that file does not say, or the lab does not take over:",
        *(f"# - {line}" for line in unsaid),
        f"name: {name}",
        f"about: {_written(f'{BASE} with the keys of {path.name}')}",
        f"base: {BASE}",
        "systems:",
        f"  {system}:",
    ]
    for section in dict.fromkeys(place[0] for place in at):
        lines.append(f"    {section}:")
        for place in at:
            lines += [f"      {part}:" for part in place[1:]]
            indent = " " * (4 + 2 * len(place))
            lines += [f"{indent}{key}: {_written(value)}" for key, value in added.items()]
            lines.append(f"{indent}# From {path.name}:")
            lines += [f"{indent}{key}: {_written(value)}" for key, value in typed.items()]
    where = names([place[-1] for place in at])
    said = f"{len(typed)} key{'s' * (len(typed) > 1)} of {what}, for {where} of systems.{system}"
    return Imported("\n".join(lines) + "\n", said, unsaid)


def _written(value: Any) -> str:
    """A value in YAML: a plain word as it is, anything else as JSON, which YAML reads too."""
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _NOT_TEXT:
        return value
    return json.dumps(value, ensure_ascii=False)
