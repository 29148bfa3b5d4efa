"""The system that is recommended, as files: a scenario, and the product's own configuration.

What a product reads from a file or takes in a call is written in that form; what an application
sets in its code (RabbitMQ's prefetch, the number of workers) is told in the scenario's comment.
"""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sim.advice.advise import Advice, Row
from sim.advice.written_postgres import postgres
from sim.foundation.document import dumped
from sim.foundation.errors import LabError
from sim.foundation.files import write_text

_LAB_TOPIC = "events"
"""Name of the topic or stream in commands: the lab has one, without a name."""
_ATTRIBUTES = (
    "VisibilityTimeout", "ReceiveMessageWaitTimeSeconds", "MessageRetentionPeriod", "DelaySeconds",
    "RedrivePolicy", "FifoQueue", "DeduplicationScope", "FifoThroughputLimit",
)  # fmt: skip
_FIFO = ("DeduplicationScope", "FifoThroughputLimit")
_NEED_FIFO = (*_FIFO, "FifoQueue")


def write(advice: Advice, path: Path) -> list[Path]:
    """Write the first system as a scenario, and its configuration in files beside it.

    Returns the files; those beside it are named after it, with the name of the group or queue.

    Raises:
        LabError: one of them exists.
    """
    row = advice.rows[0]
    assert row.made is not None
    (name,) = row.made.systems
    made = row.made.with_(name=f"{advice.scenario.name}_advised", about=f"{row.title}, as advised")
    data = made.model_dump(mode="json", by_alias=True)
    out = {path: _comment(advice, row) + dumped(data)}
    for suffix, text in configuration(data["systems"][name]):
        out[path.with_name(f"{path.stem}.{suffix}")] = text
    for file in out:
        if os.path.lexists(file):
            raise LabError(f"{file} exists, and may hold work of yours; name another file")
    for file, text in out.items():
        write_text(file, text)
    return list(out)


def _comment(advice: Advice, row: Row) -> str:
    team = ", ".join(
        f"{group.workers or 'a Lambda function'} for {group.name}" for group in row.trial.use.groups
    )
    meets = "meets every need" if not row.unmet else f"misses {len(row.unmet)} needs"
    return (
        f"# What `sim advise {advice.scenario.name}` puts first: {row.title}; it {meets}.\n"
        f"# Workers: {team}. {row.usd_per_hour:,.2f} USD an hour.\n"
    )


def configuration(system: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name and text of each file of a system's own configuration; of some products there is none.

    Args:
        system: as in a scenario, all its keys filled in.
    """
    if (writer := _WRITERS.get(system["product"])) is not None:
        yield from writer(system)


def _kafka(system: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    topic = system["topic"]
    settings = {key: value for key, value in topic.items() if "." in key and _known(key, value)}
    factor = settings.pop("replication.factor", 1)
    yield (
        "topic.txt",
        f"kafka-topics.sh --create --topic {_LAB_TOPIC} --partitions {topic['partitions']} "
        f"--replication-factor {factor}"
        + "".join(f" --config {key}={_plain(value)}" for key, value in settings.items())
        + "\n",
    )
    if producer := {k: v for k, v in system.get("producer", {}).items() if _of_client(k)}:
        yield "producer.properties", _properties(producer)
    for kind in ("groups", "share_groups"):
        for group, its in system.get(kind, {}).items():
            keys = {k: value for k, value in its.items() if _of_client(k) and _known(k, value)}
            yield f"{group}.consumer.properties", _properties({"group.id": group, **keys})
            if retries := its.get("retry_topics"):
                yield f"{group}.RetryableTopic.java", _retryable(group, retries)


def _retryable(group: str, its: Mapping[str, Any]) -> str:
    """Spring's annotation of the listener."""
    given = {key: _plain(value) for key, value in its["backoff"].items() if value is not None}
    backoff = ", ".join(f"{key} = {value}" for key, value in given.items())
    return (
        f"@RetryableTopic(\n    attempts = {its['attempts']}, "
        f"numPartitions = {its['numPartitions']},\n"
        f"    backOff = @BackOff({backoff}),\n"
        f"    sameIntervalTopicReuseStrategy = "
        f"SameIntervalTopicReuseStrategy.{its['sameIntervalTopicReuseStrategy']},\n"
        f"    dltStrategy = DltStrategy.{its['dltStrategy']})\n"
        f'@KafkaListener(topics = "{_LAB_TOPIC}", groupId = "{group}")\n'
    )


def _of_client(key: str) -> bool:
    """Whether a key is the product's: Kafka's have dots, but for a few."""
    return "." in key or key in ("acks", "retries", "partitioner")


def _sqs(system: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for queue, its in system["queues"].items():
        fifo = its.get("FifoQueue", False)
        attributes = {
            key: _attribute(its[key])
            for key in _ATTRIBUTES
            if its.get(key) is not None and (fifo or key not in _NEED_FIFO)
        }
        yield f"{queue}.attributes.json", _json({"Attributes": attributes})
        if its.get("lambda") is not None:
            yield from _function(queue, its["lambda"])
            continue
        receive = {"MaxNumberOfMessages": its["MaxNumberOfMessages"]}
        yield f"{queue}.receive-message.json", _json(receive)


_OF_THE_FUNCTION = ("Timeout", "MemorySize", "ReservedConcurrentExecutions")
"""Keys of the function; what else is in AWS's spelling is of its event source mapping."""


def _function(source: str, its: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """A Lambda function, and the mapping that invokes it."""
    keys = {key: _plain(value) for key, value in its.items() if key[:1].isupper() and value}
    mapping = {key: value for key, value in keys.items() if key not in _OF_THE_FUNCTION}
    capped = mapping.pop("MaximumConcurrency", None)
    if capped is not None:
        mapping["ScalingConfig"] = {"MaximumConcurrency": capped}
    yield f"{source}.event-source-mapping.json", _json(mapping)
    yield f"{source}.function.json", _json({k: keys[k] for k in _OF_THE_FUNCTION if k in keys})


def _attribute(value: Any) -> str:
    """As SQS has the values of attributes: text."""
    return json.dumps(value) if isinstance(value, dict | bool) else str(_plain(value))


def _known(key: str, value: Any) -> bool:
    """Whether every broker knows it: dead letters of share groups are of Kafka 4.4 (KIP-1191)."""
    return bool(value) or not key.startswith("errors.deadletterqueue.")


def _rabbitmq(system: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    exchange = system.get("exchange") or {}
    queues = [
        {
            "name": queue,
            "vhost": "/",
            "durable": True,
            "auto_delete": False,
            "arguments": {key: _plain(v) for key, v in its["arguments"].items() if _set(key, v)},
        }
        for queue, its in system["queues"].items()
    ]
    bindings = [
        {
            "source": _LAB_TOPIC, "vhost": "/", "destination": queue, "destination_type": "queue",
            "routing_key": one.get("routing_key", ""), "arguments": one.get("arguments", {}),
        }
        for queue, its in system["queues"].items()
        for one in its.get("bindings") or [{}]
    ]  # fmt: skip
    exchanges = [
        {
            "name": _LAB_TOPIC, "vhost": "/", "type": exchange.get("type", "fanout"),
            "durable": True, "auto_delete": False, "internal": False, "arguments": {},
        }
    ]  # fmt: skip
    definitions = {
        "vhosts": [{"name": "/"}], "exchanges": exchanges, "queues": queues, "bindings": bindings,
    }  # fmt: skip
    yield "definitions.json", _json(definitions)
    clients = {
        queue: {key: its[key] for key in ("prefetch_count", "no_ack")}
        for queue, its in system["queues"].items()
    }
    yield "consumers.json", _json(clients)


def _set(key: str, value: Any) -> bool:
    """Whether an argument of a queue says something; a strategy is of dead-lettering alone, and
    delayed retries are of RabbitMQ 4.3."""
    if key == "x-delayed-retry-type" and value == "disabled":
        return False
    return value not in (None, False) and key not in ("x-dead-letter-strategy", "x-overflow")


def _celery(system: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    lines = [f"# The broker is {system['broker']}: set broker_url."]
    for key, value in system["config"].items():
        its = value
        if key == "broker_transport_options" and system["broker"] != "redis":
            its = {k: v for k, v in value.items() if not k.startswith("unacked_restore")}
        lines.append(f"{key} = {_plain(its)!r}")
    yield "celeryconfig.py", "\n".join(lines) + "\n"
    for queue, its in system["queues"].items():
        options = {key: _plain(value) for key, value in its["task"].items()}
        yield f"{queue}.task.json", _json(options)


def _kinesis(system: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    stream = {"StreamName": _LAB_TOPIC, "ShardCount": system["stream"]["ShardCount"]}
    yield "create-stream.json", _json(stream)
    producer = {key: _plain(value) for key, value in system["producer"].items()}
    yield "producer.properties", _properties(producer)
    for application, its in system["applications"].items():
        if its.get("lambda") is not None:
            yield from _function(application, its["lambda"])
            continue
        keys = {key: its[key] for key in its if key[:1].islower() and not key.islower()}
        yield f"{application}.kcl.properties", _properties(keys)


def _bullmq(system: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for queue, its in system["queues"].items():
        worker = {key: _plain(value) for key, value in its["worker"].items() if value is not None}
        yield f"{queue}.worker.json", _json(worker)
        job = {key: _plain(value) for key, value in its["defaultJobOptions"].items()}
        job["backoff"] = {key: _plain(value) for key, value in job["backoff"].items()}
        yield f"{queue}.queue.json", _json({"defaultJobOptions": job})


def _redis_streams(system: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The calls, as `redis-cli` takes them; `$NAME` is the consumer's own."""
    add = system["XADD"]
    trimmed = ""
    if (most := add.get("MAXLEN")) is not None:
        trimmed = f" MAXLEN {'~' if add['approximate'] else '='} {_plain(most)}"
    for group, its in system["groups"].items():
        read, claim = its["XREADGROUP"], its.get("XAUTOCLAIM")
        block = f" BLOCK {_plain(read['BLOCK'])}" if read.get("BLOCK") is not None else ""
        lines = [
            f"XGROUP CREATE {_LAB_TOPIC} {group} $ MKSTREAM",
            f"XADD {_LAB_TOPIC}{trimmed} * field value",
            f"XREADGROUP GROUP {group} $NAME COUNT {read['COUNT']}{block} STREAMS {_LAB_TOPIC} >",
            # An entry that is only acknowledged stays in the stream: XACKDEL is of Redis 8.2.
            f"XACK {_LAB_TOPIC} {group} $ID"
            if trimmed
            else f"XACKDEL {_LAB_TOPIC} {group} ACKED IDS 1 $ID",
        ]
        if its.get("max_deliveries") is not None:
            lines.append(
                f"# an entry that was delivered {its['max_deliveries']} times (XPENDING): into a "
                "stream of dead letters, and acknowledged"
            )
        if claim is not None:
            lines.append(
                f"XAUTOCLAIM {_LAB_TOPIC} {group} $NAME {_plain(claim['min-idle-time'])} 0-0 "
                f"COUNT {claim['COUNT']}"
            )
        yield f"{group}.redis.txt", "\n".join(lines) + "\n"


def _postgres(system: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    return postgres(system, _plain, _json)


def _rabbitmq_stream(system: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    stream = system["stream"]
    arguments = {key: _plain(v) for key, v in stream.items() if key.startswith("x-") and v}
    text = {"name": _LAB_TOPIC, "partitions": stream["partitions"], "arguments": arguments}
    yield "super-stream.json", _json(text)


def _pubsub(system: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    ours = ("subscribers", "threads", "does", "flow_control")
    for name, its in system["subscriptions"].items():
        fields = {
            key: _durations(value) if key != "ackDeadlineSeconds" else value
            for key, value in its.items()
            if key not in ours and value is not None
        }
        yield f"{name}.subscription.json", _json({"topic": _LAB_TOPIC, **fields})
        flow = {key: _plain(value) for key, value in its["flow_control"].items()}
        yield f"{name}.flow_control.json", _json(flow)


def _nats(system: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """For `nats stream add --config` and `nats consumer add --config`, whose times are in ns."""
    stream = {key: _nanoseconds(key, value) for key, value in system["stream"].items()}
    yield "stream.json", _json({"name": _LAB_TOPIC, **stream})
    fields = ("ack_policy", "ack_wait", "max_deliver", "max_ack_pending")
    for name, its in system["consumers"].items():
        consumer = {key: _nanoseconds(key, its[key]) for key in fields}
        yield f"{name}.consumer.json", _json({"durable_name": name, **consumer})


def _nanoseconds(key: str, value: Any) -> Any:
    return round(1e9 * value) if key in ("ack_wait", "max_age") else value


def _durations(value: Any) -> Any:
    """As the API has durations: `10s`."""
    if isinstance(value, Mapping):
        return {key: _durations(its) for key, its in value.items()}
    return f"{_plain(value)}s" if isinstance(value, float) else value


_WRITERS = {
    "kafka": _kafka,
    "sqs": _sqs,
    "rabbitmq": _rabbitmq,
    "celery": _celery,
    "kinesis": _kinesis,
    "pubsub": _pubsub,
    "bullmq": _bullmq,
    "nats": _nats,
    "redis_streams": _redis_streams,
    "postgres": _postgres,
    "rabbitmq_stream": _rabbitmq_stream,
}


def _plain(value: Any) -> Any:
    """A number without a point where it is whole."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _properties(keys: Mapping[str, Any]) -> str:
    def text(value: Any) -> str:
        return str(value).lower() if isinstance(value, bool) else str(_plain(value))

    return "".join(
        f"{key}={text(v)}\n" for key, v in keys.items() if not isinstance(v, dict | list)
    )


def _json(data: Any) -> str:
    return json.dumps(data, indent=2) + "\n"
