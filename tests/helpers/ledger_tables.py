"""Tables of a ledger run made up for the tests of its charts and words: no simulation."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from helpers.tables import Fault, Group, build
from sim.measure.tables import Tables

CRASH_S = 420.0


@dataclass(frozen=True)
class Variant:
    """A system with books as it is to turn out; `client` is empty where there is none."""

    lost: dict[str, int] = field(default_factory=dict)
    """By place."""
    duplicates_appended: int = 0
    double_effects: int = 0
    double_postings: int = 0
    violations: int = 0
    illegal_transitions: int = 0
    entities_wrong: int = 0
    misstatement_cents: int = 0
    throughput: float = 27.6
    p99_s: float = 0.04
    client: str = "java"
    order: str = "produce-commit-flush"
    policy: str = "naive"
    waiting: float = 20.0
    """How long a record waits in the client, s."""


def ledger_tables(
    variants: dict[str, Variant], *, faults: Sequence[Fault] = (), scale: float = 0.1
) -> Tables:
    """Tables of these systems over ten minutes, each with one group ``ledger``."""
    tables = build(
        {
            name: {
                "ledger": Group(
                    kind="log" if v.client else "queue",
                    lost=sum(v.lost.values()),
                    double_effects=v.double_effects,
                    violations=v.violations,
                )
            }
            for name, v in variants.items()
        },
        duration_s=600.0,
        scale=scale,
        faults=faults,
    )
    produced = int(tables.summary["produced"].iloc[0])
    summary = tables.summary.assign(latency_p99_s=[v.p99_s for v in variants.values()])
    t = np.linspace(0.0, 640.0, 641)
    arrived = np.interp(t, *tables.series.groupby("t_s")["arrived"].first().reset_index().T.values)
    rate = np.gradient(arrived, t)
    ledger, books, producer, buffer, fates = [], [], [], [], []
    for name, v in variants.items():
        who = {"system": name, "group": "ledger"}
        ledger.append(
            {
                **who,
                "policy": v.policy,
                "events": produced,
                "deliveries": produced + v.double_effects,
                "illegal_transitions": v.illegal_transitions,
                "gaps": sum(v.lost.values()),
                "entities": produced // 3,
                "entities_wrong": v.entities_wrong,
                "double_postings": v.double_postings,
                "missing_postings": sum(v.lost.values()) // 3,
                "misstatement_cents": v.misstatement_cents,
                "net_misstatement_cents": -v.misstatement_cents // 2,
                "parked_at_end": 0,
            }
        )
        error = v.misstatement_cents * np.clip(
            (t - CRASH_S) / 20, 0, 1
        ) + 5_000 * rate * np.nan_to_num(v.p99_s)
        books.append(
            pd.DataFrame(
                {
                    **who,
                    "t_s": t,
                    "misstatement_cents": error.astype(np.int64),
                    "net_misstatement_cents": (-error / 2).astype(np.int64),
                    "illegal_transitions": (v.illegal_transitions * t / 640).astype(np.int64),
                    "parked": 0,
                }
            )
        )
        for place, n in v.lost.items():
            fates.append({**who, "fate": "lost", "place": place, "messages": n})
        if v.client:
            remaining = rate * v.waiting * (1 + 0.5 * np.sin(t))
            remaining[(t > CRASH_S) & (t < CRASH_S + 15)] = 0
            buffer.append(
                pd.DataFrame({"system": name, "t_s": t, "remaining": remaining.astype(np.int64)})
            )
            unacked = v.lost.get("producer buffer", 0)
            producer.append(
                {
                    "system": name,
                    "client": v.client,
                    "order": v.order,
                    "accepted": produced,
                    "acked": produced - unacked,
                    "appended": produced - unacked + v.duplicates_appended,
                    "duplicates_appended": v.duplicates_appended,
                    "lost_buffer": unacked,
                    "lost_expired": 0,
                    "lost_rejected": 0,
                    "reordered": 0,
                    "retries": v.duplicates_appended,
                    "throughput": v.throughput,
                }
            )
    none = tables.buffer
    return replace(
        tables,
        summary=summary,
        fates=pd.DataFrame(fates, columns=["system", "group", "fate", "place", "messages"]),
        ledger=pd.DataFrame(ledger),
        books=pd.concat(books, ignore_index=True),
        producer=pd.DataFrame(producer) if producer else none,
        buffer=pd.concat(buffer, ignore_index=True) if buffer else none,
    )


def ladder() -> Tables:
    """Nine variants, each with one thing changed; two are queues without a client."""
    variants = {
        "async_default": Variant(
            lost={"producer buffer": 412, "broker failover": 96},
            illegal_transitions=143,
            entities_wrong=301,
            misstatement_cents=1_234_550,
        ),
        "librdkafka_default": Variant(
            lost={"producer buffer": 388},
            duplicates_appended=1_203,
            double_effects=1_203,
            double_postings=401,
            violations=2_210,
            illegal_transitions=2_954,
            entities_wrong=640,
            misstatement_cents=4_012_311,
            client="librdkafka",
            waiting=150.0,
        ),
        "commit_first": Variant(
            lost={"acked before processing": 31},
            illegal_transitions=12,
            entities_wrong=29,
            misstatement_cents=98_765,
            order="commit-produce-flush",
        ),
        "flush_per_message": Variant(
            double_effects=3,
            double_postings=1,
            misstatement_cents=4_250,
            throughput=2.31,
            p99_s=1_840.0,
            waiting=0.04,
            order="produce-flush-commit",
        ),
        "flush_then_commit": Variant(
            double_effects=37,
            double_postings=12,
            misstatement_cents=53_100,
            throughput=25.1,
            p99_s=0.21,
            order="produce-flush-commit",
        ),
        "idempotent_consumer": Variant(
            double_effects=37, throughput=25.0, p99_s=0.21, policy="idempotent"
        ),
        "sqs_competing": Variant(
            client="",
            double_effects=19,
            violations=9_410,
            illegal_transitions=8_123,
            entities_wrong=1_377,
            policy="idempotent",
            p99_s=0.9,
        ),
        "sqs_delays": Variant(
            client="",
            double_effects=22,
            violations=8_844,
            illegal_transitions=7_961,
            entities_wrong=1_302,
            policy="idempotent",
            p99_s=21.0,
        ),
        "exactly_once": Variant(throughput=19.3, p99_s=0.35, policy="strict"),
    }
    faults = [
        Fault(name, CRASH_S, CRASH_S + 15, "SIGKILL publisher")
        for name, v in variants.items()
        if v.client
    ]
    faults.append(Fault("librdkafka_default", 120.0, 240.0, "acks lost 5 %"))
    return ledger_tables(variants, faults=faults)


def all_well() -> Tables:
    """Two variants in which nothing goes wrong."""
    return ledger_tables({"kafka": Variant(), "sqs": Variant(client="")})
