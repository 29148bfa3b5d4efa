"""Kafka's own files: clients (Java's and librdkafka's), brokers, and Connect with its connectors.

Which broker key is the default of which topic key: https://kafka.apache.org/documentation/#topicconfigs
("server default property"). What Connect sets for its sinks and sources: `baseConsumerConfigs` and
`baseProducerConfigs` of `Worker` in apache/kafka (`connect/runtime`); a worker's `consumer.` and
`producer.`, and a connector's `consumer.override.` and `producer.override.`, come first. A
sink's group is `connect-` and its connector's name (`SinkUtils.consumerGroupId`), here `connect`
for all. A sink commits each `offset.flush.interval.ms`, 60 s where nobody says it
(`WorkerSinkTask.iteration`), which the lab cannot: it commits after each batch.
"""

from collections.abc import Iterable, Sequence

from sim.foundation.errors import MOST_TOLD, Problem, ScenarioError, nearest, unknown_key
from sim.imports.config_file import Setting, Source
from sim.imports.config_parts import (
    BROKERS,
    CONSUMER,
    LIBRDKAFKA_KEYS,
    NO_EFFECT,
    OF_SERIALIZERS,
    PRODUCER,
    TOPIC,
    ConfigPart,
    FileReading,
    Piece,
)
from sim.imports.made import system_name
from sim.scenario.products import kafka_not_modelled
from sim.scenario.products.kafka_producer import LIBRDKAFKA_ONLY

EVERY = "*"
"""In the place of a name: all groups or queues of the system."""
_CLIENTS = {"consumer": CONSUMER, "producer": PRODUCER}
_LIBRDKAFKA = {*LIBRDKAFKA_KEYS, "enable.auto.offset.store", *LIBRDKAFKA_ONLY}
"""Keys that Java's client does not have."""
_OF_BROKERS = {
    "broker.id", "node.id", "process.roles", "log.dirs", "log.dir", "zookeeper.connect",
    "advertised.listeners", "controller.quorum.voters", "num.partitions",
}  # fmt: skip
_OF_CONNECT = {"config.storage.topic", "offset.storage.topic", "offset.storage.file.filename"}
_OF_OTHERS = ("confluent.", "listener.name.", "remote.log.metadata.", "rlmm.", "rsm.")
"""Beginnings of a broker's keys whose ends are not Kafka's alone to name."""
_CONNECT_PRODUCES: dict[str, object] = {
    "acks": "all",
    "enable.idempotence": False,
    "max.in.flight.requests.per.connection": 1,
    "delivery.timeout.ms": 2_147_483_647,
    "max.block.ms": 9_223_372_036_854_775_807,
}
"""What Connect sets for the producers of its sources (`Worker.baseProducerConfigs`)."""
_TOPIC_DEFAULTS = {
    "num.partitions": ("partitions", 1),
    "default.replication.factor": ("replication.factor", 1),
    "min.insync.replicas": ("min.insync.replicas", 1),
    "log.retention.hours": ("retention.ms", 3_600_000),
    "log.retention.minutes": ("retention.ms", 60_000),
    "log.retention.ms": ("retention.ms", 1),
    "log.retention.bytes": ("retention.bytes", 1),
    "log.segment.bytes": ("segment.bytes", 1),
    "log.roll.hours": ("segment.ms", 3_600_000),
    "log.roll.ms": ("segment.ms", 1),
}
"""Broker keys that are defaults of topics: the topic's key, and how many of its units one is.

Of those for one key, the last one given here counts.
"""


def is_client(source: Source) -> bool:
    """Whether a file has keys of a Kafka client: properties, or the JSON of librdkafka."""
    return any(
        part.knows(setting.key) for setting in _settings(source) for part in _CLIENTS.values()
    )


def client(source: Source) -> FileReading:
    """Keys of a consumer or a producer.

    Raises:
        LabError: they are of both, or of neither alone, and nobody says whose.
    """
    settings = _settings(source)
    part = _CLIENTS[source.client] if source.client else _told(source, settings)
    reading = FileReading(part.name)
    reading.pieces.append(client_piece(part, settings, reading, source.format == "json"))
    return reading


def _settings(source: Source) -> Sequence[Setting]:
    if source.format == "json":
        return [
            s for tree in source.trees for s in tree.settings() if not isinstance(s.value, dict)
        ]
    return [Setting(*entry) for entry in source.entries]


def client_piece(
    part: ConfigPart, settings: Iterable[Setting], reading: FileReading, is_json: bool
) -> Piece:
    """The keys of a client, at the group that they name or at all groups."""
    mine: list[Setting] = []
    group = EVERY
    other = PRODUCER if part is CONSUMER else CONSUMER
    for setting in settings:
        if setting.key == "group.id" and part is CONSUMER:
            group = system_name(str(setting.value), EVERY)
        elif other.knows(setting.key) and not part.knows(setting.key):
            reading.leave(setting, f"of {other.name}")
            continue
        mine.append(setting)
    c_keys = [setting.key for setting in mine if setting.key in _LIBRDKAFKA]
    c_client = bool(c_keys) or (is_json and all(one.key != "max.poll.records" for one in mine))
    if c_client:
        why = f"which alone has {c_keys[0]}" if c_keys else "as Java's has no JSON"
        reading.notes.append(f"whose client it is: librdkafka, {why}")
    else:
        reading.notes.append("whose client it is: Java's; if it is not, add `client: librdkafka`")
    at = ("kafka", "groups", group) if part is CONSUMER else ("kafka", "producer")
    client = {"client": "librdkafka"} if c_client else {}
    return Piece(part, at, mine, client, named_by="group.id" if part is CONSUMER else "")


def _told(source: Source, settings: Sequence[Setting]) -> ConfigPart:
    """Whose keys they are, by those that only one of the two has."""
    only = {
        name: [one for one in settings if part.knows(one.key) and not other.knows(one.key)]
        for name, part, other in (
            ("consumer", CONSUMER, PRODUCER),
            ("producer", PRODUCER, CONSUMER),
        )
    }
    told = [name for name, those in only.items() if those]
    if len(told) == 1:
        return _CLIENTS[told[0]]
    message = "all of its keys are of consumers and producers alike"
    if told:
        found = " and ".join(
            f"{those[0].key} (line {those[0].line}) of a {name}" for name, those in only.items()
        )
        message = f"it has {found}"
    # A key that is misspelt may be the one that would have told.
    known = [key for part in _CLIENTS.values() for key in part.reads]
    more = [key for part in _CLIENTS.values() for key in part.model.not_modelled]
    all_known = {*known, *more, *OF_SERIALIZERS}
    strange = [one for one in settings if one.key not in all_known]
    problems = [
        Problem(str(source.path), one.line, one.key, unknown_key(one.key, known, more))
        for one in strange[:MOST_TOLD]
    ]
    message = f"{message}; say which it is: --as consumer or --as producer"
    raise ScenarioError([*problems, Problem(str(source.path), None, "", message)])


def is_broker(source: Source) -> bool:
    """Whether it is a broker's `server.properties`."""
    return source.client is None and any(e.key in _OF_BROKERS for e in source.entries)


def broker(source: Source) -> FileReading:
    """Keys of a broker."""
    reading = FileReading("Kafka's brokers")
    broker_pieces([Setting(*entry) for entry in source.entries], reading)
    return reading


def broker_pieces(settings: Iterable[Setting], reading: FileReading) -> None:
    """Add what a broker's keys say of topics and of brokers."""
    own: list[Setting] = []
    defaults: dict[str, Setting] = {}
    rank = list(_TOPIC_DEFAULTS)
    for setting in sorted(settings, key=lambda s: rank.index(s.key) if s.key in rank else 0):
        if setting.key not in _TOPIC_DEFAULTS:
            if setting.key in BROKERS.reads:
                own.append(setting)
            else:
                reading.leave(setting, _not_read(setting.key))
            continue
        key, times = _TOPIC_DEFAULTS[setting.key]
        value = setting.value
        if times > 1 and str(value).strip().isdigit():
            value = int(value) * times
        if key in defaults:
            reading.leave(defaults[key], f"{setting.key} comes first")
        defaults[key] = setting._replace(key=key, value=value, said=setting.name)
    if defaults:
        reading.pieces.append(Piece(TOPIC, ("kafka", "topic"), list(defaults.values())))
    reading.pieces.append(Piece(BROKERS, ("kafka", "brokers"), own, lenient=True))


def _not_read(key: str) -> str:
    """Why a broker's key is not taken over, with the key that it may be meant to be."""
    if key in kafka_not_modelled.BROKER:
        return kafka_not_modelled.BROKER[key]
    if key.startswith(_OF_OTHERS):
        return NO_EFFECT
    near = nearest(key, [*BROKERS.reads, *_TOPIC_DEFAULTS, *kafka_not_modelled.BROKER])
    return f"not known to the lab; did you mean {near!r}?" if near else "not known to the lab"


def is_connect(source: Source) -> bool:
    """Whether it is a Connect worker's properties, or a connector."""
    if any(entry.key in {*_OF_CONNECT, "connector.class"} for entry in source.entries):
        return True
    return any("connector.class" in (_connector(tree.data) or ()) for tree in source.trees)


def _connector(data: object) -> dict[str, object] | None:
    """A connector's keys: flat, or as Connect's REST interface takes them."""
    if not isinstance(data, dict):
        return None
    inner = data.get("config")
    return inner if isinstance(inner, dict) else data


def connect(source: Source) -> FileReading:
    """A worker or a connector: the consumers of sinks."""
    settings = [Setting(*entry) for entry in source.entries]
    for tree in source.trees:
        path = ("config",) if isinstance(tree.at("config"), dict) else ()
        settings += tree.settings(*path)
    return connect_reading(settings)


def connect_reading(settings: Iterable[Setting]) -> FileReading:
    """Keys of Connect as a group named `connect`."""
    reading = FileReading("a Kafka Connect worker or connector")
    mine: dict[str, list[Setting]] = {"consumer": [], "producer": []}
    lab: dict[str, object] = {}
    every = "60000"
    for setting in settings:
        role, _, key = setting.key.partition(".")
        if setting.key == "tasks.max" and str(setting.value).strip().isdigit():
            lab["consumers"] = int(setting.value)
        elif setting.key == "offset.flush.interval.ms":
            every = str(setting.value).strip()
        elif role in mine and key:
            own = setting._replace(key=key.removeprefix("override."), said=setting.key)
            mine[role].append(own)
        else:
            reading.leave(setting, "of Connect, whose tasks the lab takes for consumers of a group")
    lab |= {"enable.auto.commit": False, "auto.offset.reset": "earliest"}
    reading.notes.append(
        "enable.auto.commit false and auto.offset.reset earliest, which Connect sets for its sinks"
    )
    reading.notes.append(
        f"when sinks commit: each {every} ms in Connect (offset.flush.interval.ms), after each "
        "batch in the lab, so a crash there repeats less"
    )
    at = ("kafka", "groups", "connect")
    said = {setting.key for setting in mine["consumer"]}
    lab = {key: value for key, value in lab.items() if key not in said}
    reading.pieces.append(Piece(CONSUMER, at, mine["consumer"], lab, lenient=True))
    if mine["producer"]:
        said = {setting.key for setting in mine["producer"]}
        sets = {key: value for key, value in _CONNECT_PRODUCES.items() if key not in said}
        if sets:
            reading.notes.append(f"{', '.join(sets)} of the producer: as Connect sets them")
        reading.pieces.append(
            Piece(PRODUCER, ("kafka", "producer"), mine["producer"], sets, lenient=True)
        )
    return reading
