"""Queues, streams and event source mappings of AWS: attributes, CloudFormation, SAM, Serverless.

- The JSON of ``aws sqs get-queue-attributes``, or its ``Attributes`` alone, whose values are text
  (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/, GetQueueAttributes).
- Templates: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference
  (`AWS::SQS::Queue`, `AWS::Lambda::EventSourceMapping`, `AWS::Serverless::Function`, `Events`).
- https://www.serverless.com/framework/docs/providers/aws/events/sqs and …/streams. Its own defaults
  are not Lambda's: batches of 10 of a stream too, where Lambda has 100, and 1,024 MB
  (`lib/plugins/aws/package/compile` of serverless/serverless: `events/stream.js`, `events/sqs.js`,
  `functions.js`). Its timeout of 6 s is not taken over where nobody says it, nor is Lambda's 3 s.

A name of a resource stands for its ARN. Parameters have their defaults.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sim.imports.config_file import Setting, Source, Tree
from sim.imports.config_kafka import EVERY
from sim.imports.config_parts import (
    MAPPING,
    NO_EFFECT,
    QUEUE,
    STREAM,
    STREAM_MAPPING,
    FileReading,
    Piece,
)
from sim.imports.made import system_name
from sim.scenario.products.sqs import SqsQueue

_ATTRIBUTES = {"VisibilityTimeout", "MessageRetentionPeriod", "QueueArn", "RedrivePolicy"}
_ELSEWHERE = "refers to what the file does not hold"


def is_attributes(source: Source) -> bool:
    """Whether it is what `aws sqs get-queue-attributes` prints."""
    if source.format != "json" or not source.trees or not isinstance(source.trees[0].data, dict):
        return False
    data = source.trees[0].data
    inner = data.get("Attributes", data)
    known = {*QUEUE.reads, *SqsQueue.not_modelled}
    return isinstance(inner, dict) and bool(known & set(inner))


def attributes(source: Source) -> FileReading:
    """Attributes of a queue."""
    tree = source.trees[0]
    path = ("Attributes",) if isinstance(tree.at("Attributes"), dict) else ()
    settings = list(tree.settings(*path))
    stack = Stack(FileReading("an SQS queue"))
    arn = next((str(s.value) for s in settings if s.key == "QueueArn"), "queue")
    stack.queues[arn] = settings
    return stack.read()


@dataclass
class Mapped:
    """An event source mapping."""

    source: str
    """Queue or stream: its logical name, or its ARN."""
    settings: list[Setting]
    function: str = ""


@dataclass
class Stack:
    """Resources by their logical names, keys as AWS's API has them."""

    reading: FileReading
    queues: dict[str, list[Setting]] = field(default_factory=dict)
    streams: dict[str, list[Setting]] = field(default_factory=dict)
    mappings: list[Mapped] = field(default_factory=list)
    functions: dict[str, list[Setting]] = field(default_factory=dict)

    def read(self) -> FileReading:
        """As pieces: a dead-letter queue is no queue of its own, the lab counts what goes there."""
        names = {name: self._named(name, "QueueName") for name in self.queues}
        dead: set[str] = set()
        for name, settings in self.queues.items():
            self.queues[name] = [self._policy(setting, dead) for setting in settings]
        mapped = {self._owner(one.source): one for one in self.mappings}
        for name, settings in self.queues.items():
            last = names[name].rpartition(":")[2]
            if {name, last} & dead and len(self.queues) > 1 and name not in mapped:
                self.reading.notes.append(
                    f"the queue {last}: the lab counts what is dead-lettered there, and reads none"
                )
                continue
            at = ("sqs", "queues", system_name(last, "queue"))
            self._queue(at, settings, mapped.get(name))
        for name, settings in self.streams.items():
            self._stream(name, settings)
        for one in self.mappings:
            if self._owner(one.source) not in {*self.queues, *self.streams}:
                self._lone(one)
        return self.reading

    def _queue(self, at: tuple[str, ...], settings: list[Setting], mapping: Mapped | None) -> None:
        fifo = any(s.key == "FifoQueue" and str(s.value).lower() == "true" for s in settings)
        lab: dict[str, Any] = {"MessageGroupId": ["key"]} if fifo else {}
        if fifo:
            self.reading.notes.append("the group of a message, which its sender gives: key")
        if mapping is None and not any(s.key == "MaxNumberOfMessages" for s in settings):
            self.reading.notes.append(
                f"how many messages a receive of {at[-1]} asks for, which the receiver says: 1, "
                "the default; add MaxNumberOfMessages if yours asks for more"
            )
        plain = [s for s in settings if s.key not in ("QueueName", "Tags")]
        self.reading.pieces.append(Piece(QUEUE, at, plain, lab))
        if mapping is not None:
            self._function((*at, "lambda"), mapping)

    def _function(self, at: tuple[str, ...], mapping: Mapped) -> None:
        part = STREAM_MAPPING if at[0] == "kinesis" else MAPPING
        settings = [*mapping.settings]
        for setting in self.functions.get(mapping.function, []):
            if setting.key in part.reads:
                settings.append(setting)
            elif setting.key not in ("Events", "Environment", "Type"):
                self.reading.leave(setting, "of the function, whose work is in workload.service")
        self.reading.pieces.append(Piece(part, at, settings, lenient=True))

    def _stream(self, name: str, settings: list[Setting]) -> None:
        plain = [s for s in settings if s.key not in ("Name", "StreamName", "Tags")]
        self.reading.pieces.append(Piece(STREAM, ("kinesis", "stream"), plain, lenient=True))
        for one in self.mappings:
            if self._owner(one.source) == name:
                who = system_name(one.function or "function", "function")
                self._function(("kinesis", "applications", who, "lambda"), one)

    def _lone(self, one: Mapped) -> None:
        """A mapping of a queue or stream of another file."""
        name = system_name(one.source.rpartition(":")[2].rpartition("/")[2], EVERY)
        if ":kinesis:" in one.source or "stream" in one.source.lower():
            self._function(("kinesis", "applications", one.function or "function", "lambda"), one)
        else:
            self._function(("sqs", "queues", name, "lambda"), one)

    def _named(self, name: str, key: str) -> str:
        given = next((s.value for s in self.queues[name] if s.key == key), None)
        return given if isinstance(given, str) else name

    def _owner(self, source: str) -> str:
        """The resource that a reference or an ARN means."""
        last = source.rpartition(":")[2].rpartition("/")[2]
        for name in (*self.queues, *self.streams):
            if source == name or (name in self.queues and last == self._named(name, "QueueName")):
                return name
        return source

    def _policy(self, setting: Setting, dead: set[str]) -> Setting:
        """A redrive policy with its target by name; the target is a dead-letter queue."""
        value = setting.value
        if setting.key != "RedrivePolicy":
            return setting
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                return setting
        if not isinstance(value, dict):
            return setting
        target = name_of_reference(value.get("deadLetterTargetArn"))
        if target is not None:
            dead |= {target, target.rpartition(":")[2]}
            value = {**value, "deadLetterTargetArn": target}
        return setting._replace(value=json.dumps(value))


def name_of_reference(value: Any) -> str | None:
    """The logical name or ARN that a value refers to; None: it is no reference."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and len(value) == 1:
        ((how, what),) = value.items()
        if how == "Ref":
            return str(what)
        if how == "Fn::GetAtt" and what:
            return str(what[0] if isinstance(what, list) else str(what).partition(".")[0])
        if how == "Fn::Sub" and isinstance(what, str):
            return what
    return None


def is_template(source: Source) -> bool:
    """Whether it is a template of CloudFormation or SAM."""
    return any(
        isinstance(tree.data, dict)
        and isinstance(tree.at("Resources"), dict)
        and ("AWSTemplateFormatVersion" in tree.data or "Transform" in tree.data or _typed(tree))
        for tree in source.trees
    )


def _typed(tree: Tree) -> bool:
    return any(
        isinstance(one, dict) and str(one.get("Type", "")).startswith("AWS::")
        for one in tree.at("Resources").values()
    )


def template(source: Source) -> FileReading:
    """Resources of a template."""
    stack = Stack(FileReading("a CloudFormation or SAM template"))
    for tree in source.trees:
        resources(tree, ("Resources",), stack)
    return stack.read()


def resources(tree: Tree, at: tuple[str | int, ...], stack: Stack) -> None:
    """Add the resources that stand in a mapping."""
    defaults = {
        name: its.get("Default")
        for name, its in (tree.at("Parameters") or {}).items()
        if isinstance(its, dict)
    }
    found = tree.at(*at)
    for name, resource in found.items() if isinstance(found, dict) else ():
        kind = str(resource.get("Type", "")) if isinstance(resource, dict) else ""
        its = (*at, name, "Properties")
        if kind == "AWS::SQS::Queue":
            stack.queues[name] = _filled(tree, its, defaults, stack.reading)
        elif kind == "AWS::Kinesis::Stream":
            stack.streams[name] = _filled(tree, its, defaults, stack.reading)
        elif kind in ("AWS::Lambda::Function", "AWS::Serverless::Function"):
            shared = _filled(tree, ("Globals", "Function"), defaults, stack.reading)
            own = _filled(tree, its, defaults, stack.reading)
            keys = {setting.key for setting in own}
            stack.functions[name] = [*own, *(s for s in shared if s.key not in keys)]
            _events(tree, (*its, "Events"), name, defaults, stack)
        elif kind == "AWS::Lambda::EventSourceMapping":
            settings = _filled(tree, its, defaults, stack.reading)
            source = name_of_reference(tree.at(*its, "EventSourceArn")) or ""
            function = name_of_reference(tree.at(*its, "FunctionName")) or ""
            stack.mappings.append(Mapped(source, settings, function))
        else:
            line = tree.line(*at, name)
            stack.reading.leave(Setting(str(name), None, line), f"a resource {kind or 'unknown'}")


def _events(
    tree: Tree,
    at: tuple[str | int, ...],
    function: str,
    defaults: Mapping[str, Any],
    stack: Stack,
) -> None:
    """SAM: a function's event sources."""
    for name, event in (tree.at(*at) or {}).items():
        kind = event.get("Type") if isinstance(event, dict) else None
        its = (*at, name, "Properties")
        if kind not in ("SQS", "Kinesis"):
            stack.reading.leave(Setting(str(name), None, tree.line(*at, name)), f"an event {kind}")
            continue
        key = "Queue" if kind == "SQS" else "Stream"
        settings = _filled(tree, its, defaults, stack.reading)
        source = name_of_reference(tree.at(*its, key)) or ""
        stack.mappings.append(Mapped(source, settings, function))


def _filled(
    tree: Tree, at: tuple[str | int, ...], defaults: Mapping[str, Any], reading: FileReading
) -> list[Setting]:
    """Settings with parameters at their defaults, and without what is known elsewhere."""
    found = []
    for setting in tree.settings(*at):
        value = setting.value
        if isinstance(value, dict) and set(value) == {"Ref"} and value["Ref"] in defaults:
            value = defaults[value["Ref"]]
        opens = isinstance(value, dict) and any(k == "Ref" or k.startswith("Fn::") for k in value)
        if setting.key == "FunctionResponseTypes" and isinstance(value, str):
            value = [value]
        if setting.key in ("EventSourceArn", "FunctionName", "Queue", "Stream"):
            continue
        if opens or (value is None and setting.key in QUEUE.reads):
            reading.leave(setting, _ELSEWHERE)
        else:
            found.append(setting._replace(value=value))
    return found


def is_serverless(source: Source) -> bool:
    """Whether it is a `serverless.yml`."""
    return any(
        isinstance(tree.data, dict) and {"service", "provider", "functions"} <= set(tree.data)
        for tree in source.trees
    )


_EVENT_KEYS = {
    "batchSize": "BatchSize",
    "bisectBatchOnFunctionError": "BisectBatchOnFunctionError",
    "enabled": "Enabled",
    "filterPatterns": "FilterCriteria",
    "functionResponseType": "FunctionResponseTypes",
    "maximumBatchingWindow": "MaximumBatchingWindowInSeconds",
    "batchWindow": "MaximumBatchingWindowInSeconds",
    "maximumConcurrency": "MaximumConcurrency",
    "maximumRecordAgeInSeconds": "MaximumRecordAgeInSeconds",
    "maximumRetryAttempts": "MaximumRetryAttempts",
    "parallelizationFactor": "ParallelizationFactor",
    "startingPosition": "StartingPosition",
    "tumblingWindowInSeconds": "TumblingWindowInSeconds",
}
_FUNCTION_KEYS = {
    "timeout": "Timeout",
    "reservedConcurrency": "ReservedConcurrentExecutions",
    "memorySize": "MemorySize",
    "handler": "Handler",
    "runtime": "Runtime",
}


def serverless(source: Source) -> FileReading:
    """Functions with their events, and the resources."""
    stack = Stack(FileReading("a Serverless Framework service"))
    (tree,) = source.trees[:1]
    listed = tree.at("resources")
    for i, _ in enumerate(listed) if isinstance(listed, list) else ():
        resources(tree, ("resources", i, "Resources"), stack)
    resources(tree, ("resources", "Resources"), stack)
    shared = [
        s._replace(key=_FUNCTION_KEYS[s.key], said=f"provider.{s.key}")
        for s in tree.settings("provider")
        if s.key in ("timeout", "memorySize")
    ]
    if not any(s.key == "MemorySize" for s in shared):
        shared.append(Setting("MemorySize", 1024, None, "memorySize"))
    functions = tree.at("functions")
    for name in functions if isinstance(functions, dict) else ():
        own = [
            s._replace(key=_FUNCTION_KEYS[s.key], said=s.key)
            for s in tree.settings("functions", name)
            if s.key in _FUNCTION_KEYS
        ]
        keys = {setting.key for setting in own}
        stack.functions[name] = [*own, *(s for s in shared if s.key not in keys)]
        for i, _ in enumerate(tree.at("functions", name, "events") or ()):
            _serverless_event(tree, ("functions", name, "events", i), name, stack)
    return stack.read()


def _serverless_event(tree: Tree, at: tuple[str | int, ...], function: str, stack: Stack) -> None:
    event = tree.at(*at)
    kind = next(iter(event), "") if isinstance(event, dict) else ""
    its = event[kind] if kind else None
    if kind not in ("sqs", "stream"):
        stack.reading.leave(Setting(str(kind), None, tree.line(*at, kind)), "an event of its own")
        return
    arn = its.get("arn") if isinstance(its, dict) else its
    of_dynamodb = isinstance(arn, str) and ":dynamodb:" in arn
    if of_dynamodb or (isinstance(its, dict) and its.get("type") == "dynamodb"):
        stack.reading.leave(
            Setting(str(kind), None, tree.line(*at, kind)), "a stream of DynamoDB, not of Kinesis"
        )
        return
    settings = []
    if not isinstance(its, dict) or "batchSize" not in its:
        settings.append(Setting("BatchSize", 10, None, "batchSize"))
    for s in tree.settings(*at, kind):
        value = [s.value] if s.key == "functionResponseType" else s.value
        if s.key in _EVENT_KEYS:
            settings.append(s._replace(key=_EVENT_KEYS[s.key], value=value, said=s.key))
        elif s.key not in ("arn", "type"):
            stack.reading.leave(s, NO_EFFECT)
    stack.mappings.append(Mapped(name_of_reference(arn) or "", settings, function))
