"""A queue in PostgreSQL in the form of each library."""

import json

import pytest

from sim.advice.written import configuration
from sim.scenario.products.postgres import PostgresSystem


def text_of(**library):
    system = PostgresSystem.model_validate(
        {"product": "postgres", "queues": {"mail": {"workers": 3, "does": ["send"], **library}}}
    )
    ((name, text),) = configuration(system.model_dump(mode="json", by_alias=True))
    return name, text


def test_pg_boss_has_options_of_the_instance_the_queue_and_its_workers():
    name, text = text_of(**{"pg-boss": {"batchSize": 10, "retryLimit": 5, "notify": True}})
    found = json.loads(text)
    assert name == "mail.pg-boss.json"
    assert found["PgBoss"] == {"monitorIntervalSeconds": 60, "useListenNotify": True}
    assert found["createQueue"]["name"] == "mail" and found["createQueue"]["retryLimit"] == 5
    assert found["createQueue"]["notify"] is True and "batchSize" not in found["createQueue"]
    assert found["work"] == {
        "pollingIntervalSeconds": 2,
        "batchSize": 10,
        "notifyPollingIntervalSeconds": 30,
        "localConcurrency": 3,
    }


@pytest.mark.parametrize(
    ("library", "name", "lines"),
    [
        (
            {"river": {"FetchCooldown": 50, "PollOnly": True}},
            "mail.river.go",
            [
                "\tFetchCooldown:        50 * time.Millisecond,",
                "\tRescueStuckJobsAfter: 3600 * time.Second,",
                "\tPollOnly:             true,",
                '\tQueues: map[string]river.QueueConfig{"mail": {MaxWorkers: 3}},',
            ],
        ),
        (
            {"graphile_worker": {}},
            "mail.graphile.config.mjs",
            ["  worker: { concurrentJobs: 3, pollInterval: 2000 },"],
        ),
        (
            {"oban": {"rescue_after": 60_000}},
            "mail.oban.exs",
            [
                "  queues: [mail: [limit: 3, dispatch_cooldown: 5]],",
                "  plugins: [{Oban.Plugins.Lifeline, rescue_after: 60000, interval: 60000}]",
            ],
        ),
        ({"oban": {}}, "mail.oban.exs", ["  queues: [mail: [limit: 3, dispatch_cooldown: 5]]"]),
        (
            {"solid_queue": {}},
            "mail.queue.yml",
            ["    - queues: mail", "      threads: 3", "      polling_interval: 0.1"],
        ),
        (
            {"pgmq": {"qty": 10}},
            "mail.pgmq.sql",
            ["SELECT * FROM pgmq.read('mail', vt => 30, qty => 10);"],
        ),
        (
            {"skip_locked": {}},
            "mail.queue.sql",
            ["SELECT * FROM mail ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 1;"],
        ),
        (
            {"for_update": {}},
            "mail.queue.sql",
            ["SELECT * FROM mail ORDER BY id LIMIT 1 FOR UPDATE;"],
        ),
        (
            {"skip_locked": {"lease": 60}},
            "mail.queue.sql",
            ["UPDATE mail SET leased_until = now() + interval '60 s'"],
        ),
    ],
)
def test_each_library_has_its_own_form(library, name, lines):
    found, text = text_of(**library)
    assert found == name
    for line in lines:
        assert line in text.splitlines()
