"""What a scenario with a publisher may say, its client can run: nothing is refused any later."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.engine.environment import Environment
from sim.engine.outcome import Fate
from sim.foundation.errors import ScenarioError
from sim.producer.kafka_client import Client
from sim.scenario.load import Scenario

UNTIL_S = 20.0
ROWS = 30
PARTITIONS = 3


def maybe(*values):
    """A key with one of these values, or left out, so that some clients refuse nothing."""
    return st.sampled_from([None] * 3 * len(values) + list(values))


PRODUCER = st.fixed_dictionaries(
    {
        "client": st.sampled_from(["java", "librdkafka"]),
        "linger.ms": maybe(0, 5, 500),
        "batch.size": maybe(0, 1, 300, 20_000, 40_000_000),
        "batch.num.messages": maybe(1, 3),
        "buffer.memory": maybe(100, 1_000, 20_000),
        "queue.buffering.max.kbytes": maybe(1, 100),
        "queue.buffering.max.messages": maybe(1, 10),
        "max.block.ms": maybe(0, 50),
        "acks": maybe(0, 1, -1, "1", "all"),
        "retries": maybe(0, 1, 5),
        "retry.backoff.ms": maybe(0, 50),
        "retry.backoff.max.ms": maybe(0, 80),
        "request.timeout.ms": maybe(1, 200, 40_000),
        "delivery.timeout.ms": maybe(0, 3, 700, 50_000, 70_000),
        "max.in.flight.requests.per.connection": maybe(1, 5, 6),
        "enable.idempotence": maybe(True, False),
        "transaction.timeout.ms": maybe(100, 100_000),
    }
)
PUBLISHER = st.fixed_dictionaries(
    {
        "order": st.sampled_from(
            ["produce", "commit-produce", "produce-flush-commit", "transaction"]
        ),
        "flush_timeout": maybe(0, 0.05, 5),
        "check_flush": maybe(True, False),
        "poll_records": maybe(1, 7),
        "auto.commit.interval.ms": maybe(0, 100),
    }
)


def given_keys(keys):
    return {key: value for key, value in keys.items() if value is not None}


def scenario(producer, publisher, size):
    return Scenario.from_mapping(
        {
            "name": "configured",
            "duration": "10 s",
            "workload": {
                "arrivals": {"profile": [{"for": "10 s", "rate": "3/s"}]},
                "keys": {"player": {"count": 5}},
                "size": size,
                "service": {"books": {"per_message": "1 ms"}},
            },
            "systems": {
                "kafka": {
                    "product": "kafka",
                    "topic": {"partitions": PARTITIONS},
                    "producer": given_keys(producer),
                    "publisher": given_keys(publisher),
                    "groups": {"books": {"consumers": 1, "does": ["books"]}},
                }
            },
        }
    )


def run_client(accepted):
    """The client of an accepted scenario, through the loss of a broker and of some answers."""
    config = accepted.systems["kafka"]
    client = Client(
        np.linspace(0.0, 5.0, ROWS),
        (np.arange(ROWS) % PARTITIONS).astype(np.int32),
        PARTITIONS,
        np.array([accepted.workload.size], np.int32),
        producer=config.producer,
        publisher=config.publisher,
        commit_s=config.latency.commit,
        process_s=np.array([0.001]),
        brokers=2,
        latency_s=np.array([0.01]),
        uniform=np.random.default_rng(1).random(97),
    )
    env = Environment([client])
    client.lose_acks(1, 0.5)
    env.run(2.0)
    client.broker_down(0, 2.0)
    env.run(3.0)
    client.broker_up(0, 3.0)
    client.lose_acks(1, 0.0)
    env.run(UNTIL_S)
    client.advance(UNTIL_S)
    return client


def test_KP_12_whatever_a_scenario_may_say_the_client_takes_and_runs():
    accepted = refused = 0
    logged = []

    @settings(max_examples=400, deadline=None, derandomize=True)
    @given(PRODUCER, PUBLISHER, st.sampled_from([50, 300, 2_000]))
    def check(producer, publisher, size):
        nonlocal accepted, refused
        try:
            its = scenario(producer, publisher, size)
        except ScenarioError:
            refused += 1
            return
        accepted += 1
        client = run_client(its)
        assert ((client.fates() == Fate.UNFINISHED) | (client.appends() == 0)).all()
        logged.append(int(client.appends().sum()))

    check()
    assert accepted > 100 and refused > 100, (accepted, refused)
    assert max(logged) > ROWS  # repeats
