"""A queue in PostgreSQL in the form of the library that keeps it there.

Places for work are of one process here; more processes share them out.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any


def postgres(
    system: Mapping[str, Any], plain: Callable[[Any], Any], as_json: Callable[[Any], str]
) -> Iterator[tuple[str, str]]:
    """Name and text of a file for each queue.

    Args:
        system: as in a scenario, all its keys filled in.
        plain: a number without a point where it is whole.
        as_json: data as text.
    """
    for queue, its in system["queues"].items():
        for library, (suffix, text) in _WRITERS.items():
            keys = its.get(library)
            if keys is not None:
                given = {key: plain(value) for key, value in keys.items() if value is not None}
                yield f"{queue}.{suffix}", text(queue, its["workers"], given, as_json)


_Keys = Mapping[str, Any]
_Json = Callable[[Any], str]

_PG_BOSS_QUEUE = ("retryLimit", "retryDelay", "retryBackoff", "retryDelayMax", "expireInSeconds")
_PG_BOSS_INSTANCE = ("monitorIntervalSeconds",)


def _pg_boss(queue: str, workers: int, keys: _Keys, as_json: _Json) -> str:
    """What `new PgBoss`, `createQueue` and `work` take."""
    of_queue = {key: keys[key] for key in (*_PG_BOSS_QUEUE, "notify") if key in keys}
    instance = {key: keys[key] for key in _PG_BOSS_INSTANCE}
    if keys["notify"]:
        instance["useListenNotify"] = True
    work = {k: v for k, v in keys.items() if k not in of_queue and k not in instance}
    return as_json(
        {
            "PgBoss": instance,
            "createQueue": {"name": queue, **of_queue},
            "work": {**work, "localConcurrency": workers},
        }
    )


def _river(queue: str, workers: int, keys: _Keys, _: _Json) -> str:
    poll_only = "\n\tPollOnly:             true," if keys["PollOnly"] else ""
    return (
        "river.Config{\n"
        f"\tFetchCooldown:        {keys['FetchCooldown']} * time.Millisecond,\n"
        f"\tFetchPollInterval:    {keys['FetchPollInterval']} * time.Millisecond,\n"
        f"\tMaxAttempts:          {keys['MaxAttempts']},\n"
        f"\tRescueStuckJobsAfter: {keys['RescueStuckJobsAfter']} * time.Second,{poll_only}\n"
        f'\tQueues: map[string]river.QueueConfig{{"{queue}": {{MaxWorkers: {workers}}}}},\n'
        "}\n"
    )


def _graphile_worker(queue: str, workers: int, keys: _Keys, _: _Json) -> str:
    return (
        f"// Tasks of {queue}: addJob(..., {{ maxAttempts: {keys['maxAttempts']} }})\n"
        "export default {\n"
        f"  worker: {{ concurrentJobs: {workers}, pollInterval: {keys['pollInterval']} }},\n"
        "};\n"
    )


def _oban(queue: str, workers: int, keys: _Keys, _: _Json) -> str:
    lifeline = ""
    if "rescue_after" in keys:
        lifeline = (
            f",\n  plugins: [{{Oban.Plugins.Lifeline, rescue_after: {keys['rescue_after']}, "
            f"interval: {keys['interval']}}}]"
        )
    return (
        f"# use Oban.Worker, queue: :{queue}, max_attempts: {keys['max_attempts']}\n"
        "config :my_app, Oban,\n"
        f"  stage_interval: {keys['stage_interval']},\n"
        f"  queues: [{queue}: [limit: {workers}, dispatch_cooldown: {keys['dispatch_cooldown']}]]"
        f"{lifeline}\n"
    )


def _solid_queue(queue: str, workers: int, keys: _Keys, _: _Json) -> str:
    return (
        f"# SolidQueue.process_alive_threshold = {keys['process_alive_threshold']}.seconds\n"
        f"# SolidQueue.process_heartbeat_interval = {keys['process_heartbeat_interval']}.seconds\n"
        "production:\n"
        "  workers:\n"
        f"    - queues: {queue}\n"
        f"      threads: {workers}\n"
        f"      polling_interval: {keys['polling_interval']}\n"
    )


def _pgmq(queue: str, workers: int, keys: _Keys, _: _Json) -> str:
    return (
        f"-- {workers} workers; one that found nothing looks again after "
        f"{keys['poll_interval_ms']} ms.\n"
        f"SELECT pgmq.create('{queue}');\n"
        f"SELECT * FROM pgmq.read('{queue}', vt => {keys['vt']}, qty => {keys['qty']});\n"
        f"SELECT pgmq.delete('{queue}', ARRAY[...]);  -- the msg_ids of what is done\n"
    )


def _head(workers: int, keys: _Keys) -> str:
    return (
        f"-- {workers} workers; one that found nothing looks again after "
        f"{keys['poll_interval']} s.\n"
    )


def _for_update(queue: str, workers: int, keys: _Keys, _: _Json) -> str:
    return _head(workers, keys) + (
        f"BEGIN;\nSELECT * FROM {queue} ORDER BY id LIMIT 1 FOR UPDATE;\n"
        f"DELETE FROM {queue} WHERE id = ...;  -- when it is done\nCOMMIT;\n"
    )


def _skip_locked(queue: str, workers: int, keys: _Keys, _: _Json) -> str:
    head = _head(workers, keys)
    pick = f"SELECT id FROM {queue} {{}}ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 1"
    if "lease" in keys:
        free = "WHERE leased_until IS NULL OR leased_until < now() "
        return head + (
            f"UPDATE {queue} SET leased_until = now() + interval '{keys['lease']} s'\n"
            f"WHERE id = ({pick.format(free)}) RETURNING *;\n"
            f"DELETE FROM {queue} WHERE id = ...;  -- when it is done\n"
        )
    return head + (
        f"BEGIN;\n{pick.format('').replace('SELECT id', 'SELECT *')};\n"
        f"DELETE FROM {queue} WHERE id = ...;  -- when it is done\nCOMMIT;\n"
    )


_WRITERS: Mapping[str, tuple[str, Callable[[str, int, _Keys, _Json], str]]] = {
    "pg-boss": ("pg-boss.json", _pg_boss),
    "river": ("river.go", _river),
    "graphile_worker": ("graphile.config.mjs", _graphile_worker),
    "oban": ("oban.exs", _oban),
    "solid_queue": ("queue.yml", _solid_queue),
    "pgmq": ("pgmq.sql", _pgmq),
    "skip_locked": ("queue.sql", _skip_locked),
    "for_update": ("queue.sql", _for_update),
}
"""Of each library, the end of the file's name, and its text: queue, workers, keys, JSON."""
