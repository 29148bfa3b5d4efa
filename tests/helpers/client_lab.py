"""A producer client alone, one row a record: built from keys, and what it left in the log."""

import numpy as np

from sim.engine.outcome import Fate
from sim.producer.kafka_client import Client
from sim.scenario.products.kafka_producer import KafkaProducer
from sim.scenario.products.kafka_publisher import Publisher

JAVA = KafkaProducer()
LIBRDKAFKA = KafkaProducer(client="librdkafka")
FOR_EVER_S = 1e9

ALONE = {"linger_ms": 0, "batch_size": 0}
"""Each record leaves by itself, at once."""
NOT_IDEMPOTENT = {"enable_idempotence": False}


def with_keys(config, **keys):
    """The configuration with other keys, by the names of their fields."""
    alias = {name: field.alias or name for name, field in KafkaProducer.model_fields.items()}
    given = config.model_dump(by_alias=True, exclude_unset=True)
    return KafkaProducer.model_validate({**given, **{alias[name]: v for name, v in keys.items()}})


def flushed(**keys):
    """For `build`: an application that flushes every ten rows for 10 s at most, commits in 4 ms."""
    return {"publisher": {"poll_records": 10, "flush_timeout": 10.0, **keys}, "commit_s": 0.004}


def build(
    created_ms=(0.0,),
    partition_of=None,
    *,
    partitions=1,
    brokers=1,
    config=JAVA,
    process_ms=0.0,
    latency_ms=10.0,
    replicate_ms=0.0,
    size_bytes=100,
    grid_ms=(),
    uniform=(0.5,),
    latency_s=None,
    notice_ms=0.0,
    order="produce",
    publisher=None,
    commit_s=0.003,
    retry_rejected=False,
    teardown_s=None,
    coordinator=0,
    abort_interval_ms=10_000.0,
    **keys,
):
    """A client with the producer's ``keys``, the rest at the defaults of ``config``.

    ``publisher`` has keys of the application, which flushes for as long as it takes if these do not
    say otherwise.
    """
    created_s = np.asarray(created_ms, float) / 1e3
    if partition_of is None:
        partition_of = np.zeros(created_s.size)
    return Client(
        created_s,
        np.asarray(partition_of, np.int32),
        partitions,
        np.atleast_1d(np.asarray(size_bytes, np.int32)),
        producer=with_keys(config, **keys),
        publisher=Publisher.model_validate(
            {"order": order, "flush_timeout": FOR_EVER_S, **(publisher or {})}
        ),
        commit_s=commit_s,
        process_s=np.atleast_1d(np.asarray(process_ms, float)) / 1e3,
        brokers=brokers,
        latency_s=np.array([latency_ms / 1e3]) if latency_s is None else latency_s,
        replicate_s=np.array([replicate_ms / 1e3]),
        uniform=np.asarray(uniform, float),
        ack_loss_notice_s=notice_ms / 1e3,
        grid_s=np.asarray(grid_ms, float) / 1e3,
        teardown_s=teardown_s,
        retry_rejected=retry_rejected,
        coordinator=coordinator,
        abort_interval_s=abort_interval_ms / 1e3,
    )


def logs(client):
    """[partitions] list of (append time, row, attempt, visible time) of each record."""
    journal = client.journal
    out = [[] for _ in range(client.partitions)]
    for e in range(journal.append_s.size):
        for row in journal.row[journal.first[e] : journal.first[e] + journal.n[e]]:
            out[journal.partition[e]].append(
                (journal.append_s[e], row, journal.attempt[e], journal.visible_s[e])
            )
    return out


def rows_in_log(client, partition=0):
    return [int(record[1]) for record in logs(client)[partition]]


def appended_ms(client, partition=0):
    return [float(record[0]) * 1e3 for record in logs(client)[partition]]


def fate_names(client, **kwargs):
    return [Fate(fate).name for fate in client.fates(**kwargs)]


def crash_and_restart(client, at_s, down_s=1.0, until_s=60.0):
    client.advance(at_s)
    client.sigkill(at_s)
    client.advance(at_s + down_s)
    client.restart(at_s + down_s)
    client.advance(until_s)
    assert client.settled
    return client
