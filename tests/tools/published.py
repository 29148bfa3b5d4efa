"""Lays the lab beside measurements that others published: `results/published.md`.

    python tests/tools/published.py    # runs the lab, a few seconds, and writes the page

Nothing is fitted to a row that it is judged on: what a row takes from its source stands under
"given", and what is predicted is something else. A bound is what was asked for before the lab was
run; where there is none, the row only shows how far off the lab is. Tests hold page and bounds
(`tests/test_published.py`).
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from sim.lab import run  # noqa: E402
from sim.measure.tables import Tables  # noqa: E402
from sim.scenario.load import Scenario  # noqa: E402

PAGE = ROOT / "results" / "published.md"
OMB = "Confluent, OpenMessaging Benchmark 2020 (confluentinc/openmessaging-benchmark at 08e2fee)"


@dataclass(frozen=True)
class Figure:
    """One number that was published, and what the lab has in its place."""

    what: str
    published: float
    predicted: float
    unit: str
    bound: float | None = None
    """How far the published one may lie from the predicted one, as a share of that."""

    @property
    def off(self) -> float:
        """By how much the published figure is above (or below) the predicted one, as a share."""
        return self.published / self.predicted - 1.0

    @property
    def holds(self) -> bool:
        """Whether it lies within its bound; without one, it always does."""
        # A hair for figures that stand on the bound as they are printed: 313.6 of 320.
        return self.bound is None or abs(self.off) <= self.bound + 1e-9


@dataclass(frozen=True)
class Row:
    """A published measurement, and how the lab is asked for the same."""

    title: str
    source: str
    given: str
    """What is taken from the source."""
    asked: str
    """How the scenario is made, and what it assumes."""
    predict: Callable[[], Sequence[Figure]]
    reached: str = ""
    """Where it is not reached, why."""


@dataclass(frozen=True)
class Left:
    """A published measurement that the lab was not asked for, or cannot answer."""

    what: str
    published: str
    why: str


def scenario(
    system: Mapping[str, Any],
    arrivals: Mapping[str, Any],
    duration_s: float,
    work: Any = 0,
    **more: Any,
) -> Scenario:
    """A scenario of one system and one job, ``work``."""
    return Scenario.from_mapping(
        {
            "name": "published",
            "duration": duration_s,
            "workload": {
                "arrivals": arrivals,
                "keys": {"key": {"count": 10_000}},
                "service": {"work": {"per_message": work}},
                **more,
            },
            "systems": {"it": system},
        }
    )


def steady(rate: float, duration_s: float) -> dict[str, Any]:
    """Arrivals of one rate, 1/s."""
    return {"profile": [{"for": duration_s, "rate": rate}]}


def all_there(n: int) -> dict[str, Any]:
    """Arrivals of ``n`` messages within the first second."""
    return {"counts": {"values": [n], "interval": 1}}


def quantile_ms(tables: Tables, q: float) -> float:
    """End-to-end latency at a quantile, ms."""
    rows = tables.latency
    (value,) = rows[(rows["q"] - q).abs() < 1e-9]["latency_s"]
    return float(value) * 1e3


def rate(tables: Tables, from_s: float, until_s: float) -> float:
    """Messages processed a second between two times of the series, while there is always work."""
    series = tables.series.groupby("t_s")["processed"].sum()
    at = {t: float(series[series.index <= t].iloc[-1]) for t in (from_s, until_s)}
    return (at[until_s] - at[from_s]) / (until_s - from_s)


def river() -> Iterator[Figure]:
    """W slots that are filled at a poll every 50 ms."""
    for slots, published in ((4, 79.2), (16, 313.6), (64, 1_267.0), (128, 2_522.0)):
        polls = {"FetchCooldown": "50 ms", "FetchPollInterval": "50 ms"}
        queue = {"workers": slots, "does": ["work"], "river": polls}
        system = {"product": "postgres", "queues": {"q": queue}}
        tables = run(scenario(system, all_there(22 * slots * 20), 1, "1 ms")).tables
        yield Figure(f"{slots} slots", published, rate(tables, 2.0, 20.0), "jobs/s", 0.02)


def lambda_ramps() -> Iterator[Figure]:
    """Invocations while the pollers of a mapping grow in number."""
    for work, ramp_s, published in (("100 ms", 70, 50_871), ("200 ms", 80, 55_734)):
        queue = {"lambda": {"BatchSize": 1}, "does": ["work"], "VisibilityTimeout": 60}
        system = {"product": "sqs", "producer": {"threads": 200}, "queues": {"q": queue}}
        tables = run(scenario(system, steady(1_400, ramp_s), ramp_s, work)).tables
        series = tables.series
        there = float(series[series["t_s"] <= ramp_s]["processed"].iloc[-1])
        yield Figure(f"function of {work}, first {ramp_s} s", published, there, "invocations")


def kafka_end_to_end() -> Iterator[Figure]:
    """A record's way through Kafka, by the publish latency of the same run."""
    tables = run(scenario(_omb_kafka(), steady(2_000, 300), 300, size=1024)).tables
    for q, published, bound in (
        (0.5, 3.004, 0.10), (0.95, 4.349, 0.10), (0.99, 5.434, 0.10), (0.999, 18.329, None)
    ):  # fmt: skip
        yield Figure(f"p{q * 100:g}", published, quantile_ms(tables, q), "ms", bound)


def kafka_at_full_rate() -> Iterator[Figure]:
    """The same with batches of the driver file, at the rate of the run."""
    system = _omb_kafka() | {"producer": {"linger.ms": 1, "batch.size": 1 << 20}}
    del system["partition_key"]
    tables = run(scenario(system, steady(200_000, 10), 10, size=1024)).tables
    for q, published in ((0.5, 3.004), (0.95, 4.349), (0.99, 5.434)):
        yield Figure(f"p{q * 100:g}", published, quantile_ms(tables, q), "ms")


PUBLISH = {
    "min": 0.669e-3, "p1": 1.165e-3, "p10": 1.589e-3, "p50": 2.146e-3, "p90": 3.105e-3,
    "p95": 3.479e-3, "p99": 4.349e-3, "p99.9": 17.392e-3, "p99.99": 65.896e-3, "max": 94.178e-3,
}  # fmt: skip
"""The run's publish latency, s."""


def _omb_kafka() -> dict[str, Any]:
    """A topic of 100 partitions that four consumers read, as the benchmark's do."""
    return {
        "product": "kafka",
        "topic": {"partitions": 100},
        "partition_key": ["key"],
        "producer": {"linger.ms": 0},
        "groups": {
            "sub": {
                "consumers": 4,
                "does": ["work"],
                "enable.auto.commit": False,
                "commit": {"how": "async"},
            }
        },
        "latency": {"produce": {"quantiles": PUBLISH}},
    }


def kafka_2014() -> Iterator[Figure]:
    """The lab's defaults against an older measurement of the same product."""
    system = _omb_kafka() | {"topic": {"partitions": 6}}
    del system["latency"]
    tables = run(scenario(system, steady(20, 3_000), 3_000, size=100)).tables
    for q, published in ((0.5, 2.0), (0.99, 3.0), (0.999, 14.0)):
        yield Figure(f"p{q * 100:g}", published, quantile_ms(tables, q), "ms")


def rabbitmq_end_to_end() -> Iterator[Figure]:
    """A message's way through a classic queue at low rates, by the lab's defaults."""
    for per_s, published in ((315, 0.52), (6_317, 0.76), (18_952, 0.76), (28_428, 0.95)):
        system = {
            "product": "rabbitmq",
            "producer": {"channels": 1_000, "batch": 1},
            "queues": {"q": {"consumers": 1, "does": ["work"]}},
        }
        tables = run(scenario(system, steady(per_s, 20), 20)).tables
        rows = tables.messages
        mean_ms = 1e3 * float((rows["done_s"] - rows["created_s"]).mean())
        yield Figure(f"mean at {per_s:,}/s", published, mean_ms, "ms")


def share_delay() -> Iterator[Figure]:
    """Consumers that sleep for each record."""
    for sleep_ms, published in ((200, 5.0), (20, 50.0), (5, 196.0), (1, 925.0)):
        system = {
            "product": "kafka",
            "topic": {"partitions": 4},
            "partition_key": ["key"],
            "groups": {"g": {"consumers": 4, "does": ["work"]}},
        }
        n = int(4 * 26_000 / sleep_ms)
        tables = run(scenario(system, all_there(n), 1, sleep_ms / 1e3)).tables
        each = rate(tables, 4.0, 20.0) / 4
        yield Figure(f"{sleep_ms} ms a record", published, each, "records/s")


def postgres_queue() -> Iterator[Figure]:
    """Fifteen readers that pop one row at a time."""
    system = {
        "product": "celery",
        "broker": "redis",
        "ceilings": False,
        "config": {"worker_concurrency": 1, "worker_prefetch_multiplier": 1},
        "queues": {"q": {"workers": 15, "does": ["work"]}},
        "latency": {
            "publish": {"quantiles": {"p50": "1.77 ms", "p95": "2.27 ms", "p99": "2.46 ms"}},
            "deliver": 0,
            "ack": 0,
        },
    }
    read = {"quantiles": {"p50": "3.37 ms", "p95": "3.64 ms", "p99": "4.20 ms"}}
    tables = run(scenario(system, steady(2_900, 60), 60, read)).tables
    for q, published in ((0.5, 5.07), (0.95, 5.74), (0.99, 15.86)):
        yield Figure(f"p{q * 100:g}", published, quantile_ms(tables, q), "ms")


def celery_again() -> Iterator[Figure]:
    """A task that takes longer than the visibility timeout of Redis."""
    system = {
        "product": "celery",
        "broker": "redis",
        "config": {
            "worker_concurrency": 4,
            "task_acks_late": True,
            "broker_transport_options": {"visibility_timeout": 13, "unacked_restore_throttle": 1},
        },
        "queues": {"q": {"workers": 2, "does": ["work"]}},
    }
    tables = run(scenario(system, all_there(1), 1, "50 s")).tables
    yield Figure("executions", 3, float(tables.summary["deliveries"].sum()), "", 0.0)


def rabbitmq_knee() -> Iterator[Figure]:
    """The rate from which a queue's process no longer keeps up: latencies of tens of ms."""
    for given, carried in (("5,000 B", 31_140), ("0 B", 35_198)):
        system = {
            "product": "rabbitmq",
            "producer": {"channels": 500, "batch": 1_000},
            "queues": {"q": {"consumers": 1, "does": ["work"], "no_ack": True}},
            "ceilings": {"publish": 0.2 / carried, "deliver": 0.8 / carried},
        }
        for per_s in range(29_000, 37_000, 250):
            rows = run(scenario(system, steady(per_s, 10), 10)).tables.messages
            if float((rows["done_s"] - rows["created_s"]).mean()) > 0.010:
                break
        bound = 0.05 if given == "5,000 B" else None
        yield Figure(f"knee, by the run with {given}", 30_481, per_s - 125, "msg/s", bound)


def rabbitmq_starved() -> Iterator[Figure]:
    """What publishers get in while ten readers catch up on a quorum queue."""
    for version, published in (("4.0", 100.0), ("4.1", 6_000.0)):
        system = {
            "product": "rabbitmq",
            "version": version,
            "producer": {"channels": 500, "batch": 1_000},
            "queues": {
                "q": {
                    "consumers": 1,
                    "does": ["work"],
                    "prefetch_count": 300,
                    "arguments": {"x-queue-type": "quorum"},
                }
            },
            "ceilings": {"publish": 0.2 / 7_000, "deliver": 0.8 / 7_000},
        }
        # The reader is dead for half a minute, and ten come in its place.
        faults = [
            {"at": 1, "fault": "crash", "target": "*.q.0"},
            {"at": 31, "fault": "scale", "target": "*.q", "to": 10},
        ]
        its = scenario(system, steady(6_000, 60), 60).with_({"faults": faults})
        seen = run(its).tables.series.groupby("t_s")[["processed", "lag"]].sum()
        series = seen["processed"] + seen["lag"]  # what has got in
        got_in = [float(series[series.index <= t].iloc[-1]) for t in (32.0, 42.0)]
        per_s = (got_in[1] - got_in[0]) / 10
        if version == "4.0":
            yield Figure("4.0: kept out", 6_000 - published, 6_000 - per_s, "msg/s")
        else:
            yield Figure("4.1: let in", published, per_s, "msg/s")


def celery_rates() -> Iterator[Figure]:
    """A worker with a backlog of 5,000 tasks."""
    for what, work, way, published in (
        ("no-op", 0, "0.05 ms", 1_042.0),
        ("10 ms", "10 ms", "0.05 ms", 894.0),
        ("10 ms, 2 ms to Redis and back", "10 ms", "1 ms", 121.0),
    ):
        system = {
            "product": "celery",
            "broker": "redis",
            "config": {"worker_concurrency": 200},
            "queues": {"q": {"workers": 1, "does": ["work"]}},
            "latency": {"publish": 0, "deliver": way, "ack": way},
            "ceilings": {"task": "0.81 ms", "child": 0},
        }
        tables = run(scenario(system, all_there(5_000), 1, work)).tables
        (row,) = tables.summary.to_dict("records")
        took_s = tables.duration_s + row["drain_s"]
        yield Figure(what, published, row["processed"] / took_s, "tasks/s", 0.25)


_GIT = "https://github.com"
_OMB = f"{_GIT}/confluentinc/openmessaging-benchmark, history at 08e2fee, blog/results"
ROWS = (
    Row(
        "Polls of River, a queue in Postgres",
        f"{_GIT}/hardbyte/postgresql-job-queue-benchmarking, 2026-05-02-alpha3",
        "the poll every 50 ms, the slots of a worker, 1 ms of work",
        "A slot takes a job at a poll and the next at the next one: 50 ms a job.",
        river,
    ),
    Row(
        "Kafka, end to end at 200,000 msg/s",
        f"{_OMB}, kafka_latency_default-sync-200k: three brokers, replication 3, acks=all, 1 KiB, "
        "100 partitions, four consumers, 10 min",
        "ten quantiles of the publish latency of the same run",
        "`latency.fetch` stays at its default, 1 ms, which is older than this page. The published "
        "publish latency is that of records: what they waited for batches, and behind each other, "
        "is in it. So the lab sends each record by itself, at 2,000 msg/s, where none waits twice.",
        kafka_end_to_end,
        "99.9 %, which no bound was asked for, has 600 records behind it.",
    ),
    Row(
        "The same with the batches of the driver file",
        f"{_OMB}, as above; kafka-latency.yaml: linger.ms 1, batch.size 1 MiB",
        "the same, and the rate",
        "200,000 msg/s, one producer in place of four.",
        kafka_at_full_rate,
        "Batches and order are in the given quantiles and come once more here; quantiles of "
        "requests were not published.",
    ),
    Row(
        "Kafka, one message at a time, 2014",
        "LinkedIn, Benchmarking Apache Kafka: 2 million writes per second",
        "nothing: the lab's defaults, which are from other machines",
        "20 msg/s, acks=all.",
        kafka_2014,
        "The defaults are of a loaded cluster that acknowledges when all replicas have a record.",
    ),
    Row(
        "RabbitMQ, one classic queue below its limit",
        f"{_GIT}/rabbitmq/rabbitmq-perf-html, examples: one producer, one consumer, 30 s a rate",
        "the rates; latencies are the lab's defaults, which are from other machines",
        "A confirm for each message.",
        rabbitmq_end_to_end,
        "The defaults are of a newer version on newer machines. In the lab each publish draws a "
        "way of its own, and none overtakes another on its connection (RQ-15): at high rates the "
        "slowest of those under way holds up the rest, which in reality are slow together.",
    ),
    Row(
        "Kafka consumers that sleep for each record",
        "streamingdata.tech, Can Kafka queues make consumers faster, part 2; Kafka 4.2",
        "four partitions, and the sleep",
        "A group of four; records a second of each.",
        share_delay,
        "A sleep of 1 ms takes longer than 1 ms: 1.08 by this figure.",
    ),
    Row(
        "A queue in Postgres, readers that pop a row at a time",
        f"{_GIT}/stanislavkozlovski/pg-queue-pubsub-benchmark, results/queue/4vcpu/single_node",
        "p50, p95 and p99 of a write and of a read, 2,900 msg/s, 15 readers",
        "Workers of Celery without latencies are the readers, and a task is a read.",
        postgres_queue,
        "99 % of reads and of writes took less than 4.2 and 2.5 ms: what the slowest 1 % waited "
        "for is not among these quantiles.",
    ),
    Row(
        "RabbitMQ, the knee of one queue",
        f"{_GIT}/rabbitmq/rabbitmq-perf-html, examples/various-result.js, rate-vs-latency: 1.08 ms "
        "at 30,323 msg/s, 17 ms at 30,639",
        "how much one publisher and one consumer got through as fast as they could, in two other "
        "runs of that file: 31,140 msg/s of 5,000 B, 35,198 of 0 B; a fifth of it for publishing",
        "Messages of the rates had 0 B. The first rate, in steps of 250, with a mean above 10 ms.",
        rabbitmq_knee,
        "As fast as they could, messages of 0 B went through 16 % faster than at given rates: a "
        "queue's process gets through more when more wait, which one figure for each does not say.",
    ),
    Row(
        "RabbitMQ, readers that catch up on a quorum queue",
        "https://www.rabbitmq.com/blog/2025/04/08/4.1-performance-improvements: 6,000 msg/s of 20 "
        "kB, ten readers with a prefetch of 300",
        "7,000 msg/s in and out once the backlog is gone",
        "What is published in ten seconds of catching up.",
        rabbitmq_starved,
        "The lab says that deliveries go first until 4.0, and take turns from 4.1 on (RQ-14).",
    ),
    Row(
        "Celery, one worker with 200 threads over Valkey",
        "https://django-vtasks.glitchtip.com/benchmarks: 5,000 tasks, the worker's start included",
        "nothing: 0.81 ms of processor time a task were measured on another machine, three round "
        "trips a task are kombu's",
        "Round trips of 0.1 ms where none are given.",
        celery_rates,
    ),
    Row(
        "Celery on Redis, a task longer than the visibility timeout",
        "measured with Celery 5.7.0, kombu 5.7.0 and redis-server, 27 November 2026",
        "two workers of four, visibility_timeout 13 s, a look every 10 s, one task of 50 s",
        "Late acknowledgement.",
        celery_again,
    ),
    Row(
        "Lambda on SQS, while its pollers grow in number",
        "https://rehanvdm.com/blog/sqs-lambda-esm-scaling-behaviour--experiment-lambda-time-vs-"
        "batch-size",
        "batch size 1, functions of 100 and of 200 ms, and how long the ramps took",
        "Messages come at 1,400/s, faster than they are taken. The rest is documented: 5 pollers, "
        "300 more a minute. How long an invocation takes besides its function is the lab's "
        "default, from ramps of functions of 400 and 600 ms of the same author.",
        lambda_ramps,
        "The lab's are 3.6 % above and 13.7 % below what was measured, where 15 % was asked for.",
    ),
)
LEFT = (
    Left(
        "Kafka and RabbitMQ, saturated (same benchmark, 2020)",
        "618,991 and 109,839 msg/s",
        "what brokers can carry is a parameter of the machine: given it, nothing is predicted",
    ),
    Left(
        "20,000 jobs that do nothing, ten workers",
        "Celery 11.7 s (threads), 17.6 (processes)",
        "ten workers and what calls the tasks share one machine",
    ),
    Left(
        "Kafka, 2 million writes a second, 2014",
        "821,557 records/s of one producer",
        "it is the lab's default (`ceilings.producer`): nothing is predicted",
    ),
    Left(
        "NATS, power failure (Jepsen, 2025)",
        "131,418 of 930,005 acknowledged messages lost",
        "the lab has no NATS",
    ),
    Left(
        "Pulsar (same benchmark, 2020)", "end to end p50 13 ms, p99 25 ms", "the lab has no Pulsar"
    ),
    Left(
        "SQS and Lambda, cold starts",
        "195 and 358",
        "how long a cold start takes is not published, and how many there are depends on it",
    ),
    Left(
        "Postgres queues: pgmq, crashes, xmin, pub-sub",
        "as in their repositories",
        "how long a dequeue takes without xmin held is not given; a real PostgreSQL is in "
        "`sim validate`. Why pgmq falls from 11,277 jobs/s (16 workers) to 3,252 (256) is not "
        "known: the rows that 256 workers have are 26 us of a read, as measured on PostgreSQL 15",
    ),
    Left(
        "Share groups, 4 to 32 consumers",
        "linear, eight times as fast",
        "`max.poll.records` of the run is not published, and decides: the lab has 3,084/s with 500 "
        "and 5,940/s with 10 of 6,272",
    ),
    Left(
        "BullMQ",
        "4,111 to 16,501 jobs/s",
        "the lab's ceiling of Redis under BullMQ is taken from these figures",
    ),
    Left(
        "RabbitMQ 4.0, priorities",
        "3,000 high and 1,500 normal a second",
        "the lab's queues have strict priorities, as RabbitMQ has from 4.3",
    ),
    Left(
        "A bill (pinpole)",
        "41,200 calculated, 39,510 paid",
        "a vendor's anecdote of other services",
    ),
)


def said(value: float, unit: str) -> str:
    """A figure with its unit."""
    digits = f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2f}"
    return f"{digits} {unit}".rstrip()


def predicted() -> list[list[Figure]]:
    """[rows] the figures of each, from runs of the lab."""
    return [list(row.predict()) for row in ROWS]


def page(figures: Sequence[Sequence[Figure]]) -> str:
    """The page.

    Args:
        figures: [rows] as `predicted` has them.
    """
    lines = [
        "# The lab beside published measurements",
        "",
        "Written by `make published`, held by `tests/test_published.py`. Nothing is fitted to a",
        "row that it is judged on: what a row takes from its source stands as given. A bound was",
        "set before the lab was run; rows without one only show how far off it is. A vendor's own",
        "figure is an anecdote until somebody else has it too.",
        "",
        "| what | | published | the lab | off | bound |",
        "|---|---|---|---|---|---|",
    ]
    for number, (row, its) in enumerate(zip(ROWS, figures, strict=True), 1):
        for i, figure in enumerate(its):
            bound = "" if figure.bound is None else f"{figure.bound:.0%}"
            bound += "" if figure.holds else ", not reached"
            title = f"{number}. {row.title}" if i == 0 else ""
            lines.append(
                f"| {title} | {figure.what} | {said(figure.published, figure.unit)} "
                f"| {said(figure.predicted, figure.unit)} | {figure.off:+.1%} | {bound} |"
            )
    lines += ["", "Off: the published figure above (+) or below (-) the lab's.", ""]
    for number, row in enumerate(ROWS, 1):
        off = f" *Off where:* {row.reached}" if row.reached else ""
        lines.append(
            f"{number}. **{row.title}.** {row.asked} Given: {row.given}. Source: {row.source}.{off}"
        )
    lines += [
        "",
        "## Not asked, or not answered",
        "",
        "| what | published | why |",
        "|---|---|---|",
    ]
    lines += [f"| {left.what} | {left.published} | {left.why} |" for left in LEFT]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(predicted()))
