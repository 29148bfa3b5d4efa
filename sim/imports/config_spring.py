"""Spring Boot's `application.yml` and `.properties`, with profiles: Kafka and RabbitMQ.

Names, defaults and relaxed binding: https://docs.spring.io/spring-boot/appendix/application-properties
and …/reference/features/external-config (profiles, durations, sizes of data). That a container of
spring-kafka sets `enable.auto.commit: false` where nobody says it (from 2.3), and commits after
each batch: `determineAutoCommit` of `KafkaMessageListenerContainer`, `ContainerProperties.ackMode`.
Spring AMQP's prefetch of 250, one consumer, and that a message whose listener fails goes back to
the queue: `AbstractMessageListenerContainer` and `SimpleMessageListenerContainer` of spring-amqp.
With retries in the listener, a message is rejected for good after the last
(`AbstractRabbitListenerContainerFactoryConfigurer` of Spring Boot). Of the two containers,
`spring.rabbitmq.listener.type` says which, simple by default (`RabbitProperties`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sim.imports import properties
from sim.imports.config_file import MOST_KEYS, Setting, Source, Tree, too_many
from sim.imports.config_kafka import EVERY
from sim.imports.config_parts import ARGUMENTS, CONSUMER, NO_EFFECT, PRODUCER, FileReading, Piece
from sim.imports.made import system_name

_UNITS_MS = {"": 1, "ns": 1e-6, "us": 1e-3, "ms": 1, "s": 1e3, "m": 6e4, "h": 3.6e6, "d": 8.64e7}
_UNITS_B = {"": 1, "b": 1, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30}
_AMOUNT = re.compile(r"\s*(\d+)\s*([A-Za-z]*)\s*")
_ISO = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?", re.IGNORECASE)
_OPEN = re.compile(r"\$\{([^${}:]+)(?::([^${}]*))?\}")
_DURATION, _SIZE = "duration", "size"

_OF_CONSUMER = {
    "groupid": ("group.id", ""), "autooffsetreset": ("auto.offset.reset", ""),
    "enableautocommit": ("enable.auto.commit", ""), "maxpollrecords": ("max.poll.records", ""),
    "autocommitinterval": ("auto.commit.interval.ms", _DURATION),
    "fetchminsize": ("fetch.min.bytes", _SIZE), "fetchmaxwait": ("fetch.max.wait.ms", _DURATION),
    "heartbeatinterval": ("heartbeat.interval.ms", _DURATION),
    "isolationlevel": ("isolation.level", ""),
    "maxpollinterval": ("max.poll.interval.ms", _DURATION),
    "clientid": ("client.id", ""), "bootstrapservers": ("bootstrap.servers", ""),
    "keydeserializer": ("key.deserializer", ""), "valuedeserializer": ("value.deserializer", ""),
}  # fmt: skip
_OF_PRODUCER = {
    "acks": ("acks", ""), "retries": ("retries", ""), "batchsize": ("batch.size", _SIZE),
    "buffermemory": ("buffer.memory", _SIZE), "compressiontype": ("compression.type", ""),
    "clientid": ("client.id", ""), "bootstrapservers": ("bootstrap.servers", ""),
    "keyserializer": ("key.serializer", ""), "valueserializer": ("value.serializer", ""),
}  # fmt: skip


def recognises(source: Source) -> bool:
    """Whether there is a key below `spring.`."""
    if source.client is not None:
        return False
    if source.format == "properties":
        return any(entry.key.startswith("spring.") for entry in source.entries)
    return source.format == "yaml" and any(
        isinstance(tree.data, dict)
        and any(str(key) == "spring" or str(key).startswith("spring.") for key in tree.data)
        for tree in source.trees
    )


def read(source: Source) -> FileReading:
    """What the file says, with the documents of one profile where that is asked for."""
    reading = FileReading("a Spring configuration")
    return of_settings(_of_profile(source, reading), reading)


def of_settings(settings: Sequence[Setting], reading: FileReading) -> FileReading:
    """Keys of Spring in their dotted form, the last of each name in force."""
    last: dict[str, Setting] = {}
    for setting in settings:
        value = _filled(setting.value)
        if value is None:
            reading.leave(setting, "its value comes from outside the file")
            continue
        last[_relaxed(setting.key)] = setting._replace(value=value)
    _kafka(last, reading)
    _rabbitmq(last, reading)
    return reading


def _relaxed(key: str) -> str:
    """Relaxed binding: case and hyphens do not count, but in keys of maps (`properties`)."""
    head, dot, tail = key.partition(".properties.")
    return re.sub("[-_]", "", head).lower() + dot + tail


def _filled(value: Any) -> Any:
    """A value with placeholders at their defaults; None: one has none."""
    if not isinstance(value, str):
        return value
    for _ in range(8):
        found = _OPEN.search(value)
        if found is None:
            return value
        if found[2] is None:
            return None
        value = value[: found.start()] + found[2] + value[found.end() :]
    return None


def _flat(tree: Tree, here: tuple[str | int, ...] = ()) -> Iterator[Setting]:
    value = tree.at(*here) if here else tree.data
    if isinstance(value, dict) and value:
        for key in value:
            yield from _flat(tree, (*here, key))
    else:
        text = ",".join(map(str, value)) if isinstance(value, list) else value
        yield Setting(".".join(map(str, here)), text, tree.line(*here))


_ON_PROFILE = ("spring.config.activate.onprofile", "spring.profiles")


def _documents(source: Source) -> Iterator[list[Setting]]:
    if source.format == "yaml":
        yield from (list(_flat(tree)) for tree in source.trees)
        return
    _ = source.entries  # not more than there may be
    begins = 0
    for text in re.split(r"(?m)^[#!]---[ \t]*$", source.text):
        found = properties.entries(source.path, text)
        yield [Setting(e.key, e.value, e.line + begins) for e in found]
        begins += text.count("\n")


def _of_profile(source: Source, reading: FileReading) -> list[Setting]:
    taken: list[Setting] = []
    others: list[str] = []
    for document in _documents(source):
        of = next((s.value for s in document if _relaxed(s.key) in _ON_PROFILE), None)
        profiles = [] if of is None else [name.strip() for name in str(of).split(",")]
        others += profiles
        if not profiles or source.profile in profiles:
            taken += document
    if len(taken) > MOST_KEYS:
        raise too_many(source.path, taken[-1].line)
    _, _, of_name = source.path.stem.partition("-")
    reading.profiles = [*dict.fromkeys(others), *([of_name] if of_name else [])]
    if others and source.profile is None:
        names = ", ".join(dict.fromkeys(others))
        reading.notes.append(f"what holds in the profiles {names}: --profile takes one")
    return taken


def _kafka(last: Mapping[str, Setting], reading: FileReading) -> None:
    sides: dict[str, list[Setting]] = {"consumer": [], "producer": []}
    tables = {"consumer": _OF_CONSUMER, "producer": _OF_PRODUCER}
    lab: dict[str, Any] = {}
    for key, setting in last.items():
        if not key.startswith("spring."):
            reading.leave(setting, "not of spring.kafka or spring.rabbitmq")
            continue
        prefix, _, rest = key.removeprefix("spring.").partition(".")
        if prefix == "rabbitmq":
            continue
        side, _, its = rest.partition(".")
        if prefix != "kafka":
            reading.leave(setting, "not of spring.kafka or spring.rabbitmq")
        elif side == "properties":
            parts = {"consumer": CONSUMER, "producer": PRODUCER}
            for name, part in parts.items():
                if part.knows(its):
                    sides[name].append(setting._replace(key=its, said=setting.key))
            if not any(part.knows(its) for part in parts.values()):
                reading.leave(setting, "not a key of Kafka's clients that the lab knows")
        elif side in sides and its.startswith("properties."):
            own = its.removeprefix("properties.")
            if own.startswith("spring."):
                reading.leave(setting, "of spring-kafka's serializers")
            else:
                sides[side].append(setting._replace(key=own, said=setting.key))
        elif side in sides and its in tables[side]:
            own, kind = tables[side][its]
            value = _converted(setting.value, kind)
            if own == "isolation.level":
                value = str(value).lower().replace("-", "_")
            sides[side].append(Setting(own, value, setting.line, setting.key))
        elif side == "listener":
            _listener(its, setting, lab, reading)
        else:
            reading.leave(setting, NO_EFFECT)
    _kafka_pieces(sides, lab, last, reading)


def _kafka_pieces(
    sides: Mapping[str, Sequence[Setting]],
    lab: dict[str, Any],
    last: Mapping[str, Setting],
    reading: FileReading,
) -> None:
    if sides["consumer"] or lab:
        says = len(lab)
        group = next((s.value for s in sides["consumer"] if s.key == "group.id"), EVERY)
        auto = next((s.value for s in sides["consumer"] if s.key == "enable.auto.commit"), None)
        if auto is None:
            lab["enable.auto.commit"] = False
            reading.notes.append("enable.auto.commit: false, which spring-kafka sets")
        elif str(auto).lower() == "true":
            lab.pop("commit", None)
        at = ("kafka", "groups", system_name(str(group), EVERY))
        its = list(sides["consumer"])
        reading.pieces.append(Piece(CONSUMER, at, its, lab, named_by="group.id", says=says))
        if "consumers" not in lab:
            reading.notes.append("spring.kafka.listener.concurrency: 1, its default")
            lab["consumers"] = 1
    if sides["producer"]:
        reading.pieces.append(Piece(PRODUCER, ("kafka", "producer"), list(sides["producer"])))


def _listener(its: str, setting: Setting, lab: dict[str, Any], reading: FileReading) -> None:
    mode = re.sub("[-_]", "", str(setting.value)).lower()
    if its == "concurrency" and str(setting.value).isdigit():
        lab["consumers"] = int(setting.value)
    elif its == "ackmode" and mode in ("record", "recordfiltered", "manualimmediate"):
        lab["commit"] = {"when": "after", "how": "sync", "per": "record"}
        if mode == "manualimmediate":
            reading.notes.append(
                "when the program acknowledges: after each record, as ack-mode "
                f"{setting.value} allows"
            )
    elif its == "ackmode" and mode in ("batch", "manual"):
        lab["commit"] = {"when": "after", "how": "sync", "per": "batch"}
    elif its == "ackmode":
        reading.leave(setting, "commits by time or count, which the lab does not; after each batch")
    else:
        reading.leave(setting, NO_EFFECT)


def _converted(value: Any, kind: str) -> Any:
    """A duration in ms, a size in bytes; as it is, where it is none."""
    if not kind or not isinstance(value, str):
        return value
    iso = _ISO.fullmatch(value.strip())
    if kind == _DURATION and iso and any(iso.groups()):
        s = sum(float(n or 0) * u for n, u in zip(iso.groups(), (3600, 60, 1), strict=True))
        return str(round(s * 1e3))
    units = _UNITS_MS if kind == _DURATION else _UNITS_B
    found = _AMOUNT.fullmatch(value)
    if found is None or found[2].lower() not in units:
        return value
    return str(round(int(found[1]) * units[found[2].lower()]))


_LISTENER = "spring.rabbitmq.listener."


def _rabbitmq(last: Mapping[str, Setting], reading: FileReading) -> None:
    mine = {key: s for key, s in last.items() if key.startswith("spring.rabbitmq.")}
    if not mine:
        return
    lab: dict[str, Any] = {"prefetch_count": 250}
    said = set()
    kind = mine.get(f"{_LISTENER}type")
    chosen = str(kind.value).lower() if kind is not None else "simple"
    retries = False
    many = "consumersperqueue" if chosen == "direct" else "concurrency"
    for key, setting in mine.items():
        if key == f"{_LISTENER}type" and chosen in ("simple", "direct"):
            continue
        container, _, its = key.removeprefix(_LISTENER).partition(".")
        word = str(setting.value).lower()
        is_listener = key.startswith(_LISTENER) and container in ("simple", "direct")
        if is_listener and container != chosen:
            reading.leave(
                setting, f"of another container: spring.rabbitmq.listener.type is {chosen}"
            )
            continue
        if is_listener and its == many and word.isdigit():
            lab["consumers"] = int(word)
        elif is_listener and its == "prefetch" and word.isdigit():
            lab["prefetch_count"] = int(word)
        elif is_listener and its == "acknowledgemode":
            lab["no_ack"] = word == "none"
        elif is_listener and its == "defaultrequeuerejected":
            lab["on_failure"] = "nack-requeue" if word == "true" else "reject"
        elif is_listener and its == "retry.enabled":
            retries = word == "true"
        else:
            reading.leave(setting, NO_EFFECT)
            continue
        said.add(its)
    if "prefetch" not in said:
        reading.notes.append(f"{_LISTENER}{chosen}.prefetch: 250, its default")
    if retries:
        lab["on_failure"] = "reject"
        reading.notes.append(
            "retries in the listener, which the lab has not: a message is rejected at its first "
            "failure, as Spring rejects it after the last"
        )
    lab.setdefault("consumers", 1)
    at = ("rabbitmq", "queues", EVERY)
    reading.pieces.append(Piece(ARGUMENTS, (*at, "arguments"), [], {}, {at: lab}, says=len(said)))
