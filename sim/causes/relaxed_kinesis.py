"""The lines of `sim.causes.relaxed` that are of readers of a Kinesis stream."""

from collections.abc import Sequence
from typing import Any

from sim.causes.data import HarmKind
from sim.causes.relaxed import BEHIND, READERS, At, Relaxed, To, down, fixed, up

_FEW = 3
"""Retries after which a batch that fails is given up, in place of many."""
_TOLD = {"OnFailure": {"Destination": "a queue"}}
_AGAIN: Sequence[HarmKind] = ("duplicates", "redelivered", *BEHIND)
_GONE: Sequence[HarmKind] = ("lost", "dead_lettered")


def _mapping(*key: str) -> tuple[str, ...]:
    return (READERS, "lambda", *key)


def _given_up(then: Any) -> To:
    """To ``then``, if batches that fail are given up at some time."""

    def to(at: At) -> Any:
        tries = at.other(*_mapping("MaximumRetryAttempts"))
        return then if tries >= 0 and at.value != then else None

    return to


LIBRARY = (
    Relaxed(
        (READERS, "retrievalMode"), fixed("FANOUT", None),
        "all applications share five reads a second of a shard", "a charge for each shard and GB",
        BEHIND,
    ),
    Relaxed(
        (READERS, "idleTimeBetweenReadsInMillis"),
        lambda at: 200.0
        if at.other(READERS, "retrievalMode") == "POLLING" and at.value > 200
        else None,
        "a shard is read every {ms}", "more of the five reads a second of a shard", BEHIND,
    ),
    Relaxed(
        (READERS, "failoverTimeMillis"), lambda at: 1_000.0 if at.value > 1_000 else None,
        "a lease is taken only {ms} after its worker is gone",
        "a worker that pauses for a second loses its leases", BEHIND,
    ),
    Relaxed(
        (READERS, "failoverTimeMillis"), up(600_000.0),
        "a worker that is silent for {ms} loses its leases",
        "shards of a dead worker stand still for longer", ("duplicates", "out_of_order", "late"),
        name="failoverTimeMillis (longer)",
    ),
    Relaxed(
        (READERS, "maxLeasesToStealAtOneTime"), up(1_000),
        "a worker takes {value} lease(s) at a time", "more movement of leases", BEHIND,
    ),
    Relaxed(
        (READERS, "maxRecords"), down(1), "up to {value} records of a batch wait behind each other",
        "a checkpoint for each record", ("duplicates", "lost"),
    ),
    Relaxed(
        (READERS, "on_failure"), lambda at: "skip" if at.value in (None, "skip-batch") else None,
        "the rest of a batch is skipped after a record that fails", "the program catches it",
        ("lost",), default="skip-batch",
    ),
    Relaxed(
        (READERS, "on_failure"), lambda at: "skip" if at.value == "retry" else None,
        "a record that fails is tried again for ever", "the record is lost", BEHIND,
        name="on_failure (skip)",
    ),
)  # fmt: skip
"""Of an application of the client library."""

FUNCTION = (
    Relaxed(
        _mapping("MaximumRetryAttempts"),
        lambda at: _FEW if at.value < 0 or at.value > _FEW else None,
        "a batch that fails is tried again {value} times (-1: for ever)",
        "what fails is given up, and told of OnFailure", _AGAIN,
        {
            _mapping("BisectBatchOnFunctionError"): True,
            _mapping("DestinationConfig"): _TOLD,
        },
    ),
    Relaxed(
        _mapping("MaximumRetryAttempts"), _given_up(-1),
        "a batch is given up after {value} retries",
        "its shard stands still for as long as it fails", _GONE,
        name="MaximumRetryAttempts (for ever)",
    ),
    Relaxed(
        _mapping("BisectBatchOnFunctionError"), _given_up(True),
        "the whole batch of a record that fails is given up", "more invocations", _GONE,
    ),
    Relaxed(
        _mapping("MaximumRecordAgeInSeconds"), lambda at: -1 if at.value >= 0 else None,
        "records older than {s} are given up, tried or not",
        "a shard that stands still is behind for longer", _GONE,
    ),
    Relaxed(
        _mapping("DestinationConfig"), lambda at: _TOLD if not at.value else None,
        "what is given up is told of nowhere", "somebody who looks at it", ("lost",), promise=True,
    ),
    Relaxed(
        _mapping("FunctionResponseTypes"),
        lambda at: ["ReportBatchItemFailures"] if not at.value else None,
        "what a batch has done before a record fails is done again with it",
        "a function that tells which record failed", ("duplicates", "redelivered", *_GONE),
    ),
    Relaxed(
        _mapping("BatchSize"), down(1), "up to {value} records are tried again together",
        "an invocation for each record", ("duplicates", "redelivered", *_GONE),
    ),
    Relaxed(
        _mapping("BatchSize"), up(10_000), "a function is given {value} records at most",
        "longer invocations", BEHIND, name="BatchSize (10000)",
    ),
    Relaxed(
        _mapping("ParallelizationFactor"), up(10), "batches of a shard at once: {value}",
        "more functions at once; a shard keeps the order within a partition key alone", BEHIND,
    ),
    Relaxed(
        _mapping("Timeout"), up(900), "an invocation is ended after {s}",
        "a charge for longer ones",
    ),
    Relaxed(
        _mapping("MaximumBatchingWindowInSeconds"), down(0), "a batch is gathered for {s}",
        "more invocations", ("late",),
    ),
    Relaxed(
        _mapping("retry_backoff", "most"), down(2.0), "a batch waits up to {s} to be tried again",
        "more invocations of what fails", ("late",), {_mapping("retry_backoff", "first"): 1.0},
        key="retry_backoff",
    ),
    Relaxed(
        (READERS, "retrievalMode"), lambda at: "FANOUT" if at.value != "FANOUT" else None,
        "Lambda reads a shard once a second, and shares its five reads",
        "a charge for each shard and GB", BEHIND, default="POLLING",
    ),
    Relaxed(
        (READERS, "on_failure"), lambda at: "retry" if at.value == "skip-batch" else None,
        "the rest of a batch is skipped after a record that fails",
        "a batch that fails keeps its shard", ("lost",),
    ),
)  # fmt: skip
"""Of a Lambda function."""
