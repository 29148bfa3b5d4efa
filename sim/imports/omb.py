"""A workload of the OpenMessaging Benchmark as a scenario.

Its fields are those of ``Workload.java`` in openmessaging/benchmark; a driver file of Kafka has
client settings as properties texts (``producerConfig: |``). What the format does not say stands in
the written file as a comment, and `Imported.unsaid` has it in words: above all, how long a message
takes to process, since the benchmark's consumers only count what they are handed.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sim.foundation import document
from sim.foundation.document import Document
from sim.foundation.errors import MOST_TOLD, Problem, ScenarioError, unknown, unknown_key
from sim.foundation.text import count, names, rate
from sim.foundation.units import shown
from sim.imports.made import Imported, name_of

FIELDS = (
    "name", "topics", "partitionsPerTopic", "keyDistributor", "messageSize", "payloadFile",
    "useRandomizedPayloads", "randomBytesRatio", "randomizedPayloadPoolSize",
    "subscriptionsPerTopic", "producersPerTopic", "consumerPerSubscription", "producerRate",
    "consumerBacklogSizeGB", "backlogDrainRatio", "testDurationMinutes", "warmupDurationMinutes",
)  # fmt: skip
"""Fields of a workload."""
KEYS = {"NO_KEY": 0, "KEY_ROUND_ROBIN": 10_000, "RANDOM_NANO": 10_000}
"""Key distributors, and how many keys they choose from (``KeyDistributor.UNIQUE_COUNT``)."""
PROBING_FROM = 10_000
"""msg/s at which the benchmark begins to look for the highest rate, if none is given."""
_MOST, _MOST_GROUPS = 10**12, 1_000
DRIVERS = ("kafka",)
"""Products whose driver files are understood, as in the name of the driver's class."""

WORK = (
    "how long a message takes to process (the benchmark's consumers only count): no time at all; "
    "put your own in workload.service"
)


def scenario(workload: Path, driver: Path | None = None) -> Imported:
    """Turn a workload file, and a driver file if given, into a scenario file.

    Raises:
        ScenarioError: every problem of the files, with their lines.
    """
    work = _Reader(document.read(workload))
    topics = work.whole("topics", 1)
    partitions = topics * work.whole("partitionsPerTopic", 1)
    groups = [
        f"sub-{i:03}" for i in range(work.whole("subscriptionsPerTopic", 1, most=_MOST_GROUPS))
    ]
    consumers = topics * work.whole("consumerPerSubscription", 1)
    size = work.whole("messageSize", 1024)
    minutes = work.whole("testDurationMinutes")
    per_s = work.whole("producerRate", 0, least=0)
    keys = work.choice("keyDistributor", "NO_KEY", KEYS)
    work.only(FIELDS)
    settings = _settings(driver, work.problems)
    if work.problems:
        raise ScenarioError(work.problems)
    unsaid = [WORK, *_unsaid(work, topics, per_s, keys)]
    if driver is None:
        unsaid.append("how the clients are configured (no driver file): Kafka's defaults")
    per_s = per_s or PROBING_FROM
    said = (
        f"{count(per_s * minutes * 60)} messages of {size} bytes, {rate(per_s)} for {minutes} min, "
        f"on {partitions} partition{'s' * (partitions > 1)}; {len(groups)} "
        f"group{'s' * (len(groups) > 1)} of {consumers} consumer{'s' * (consumers > 1)}"
    )
    name = name_of(workload, "omb")
    lines = [
        f"# Made by `sim import omb {workload.name}{f' {driver.name}' if driver else ''}`.",
        "#",
        "# What that format does not say, and what stands here instead:",
        *(f"# - {line}" for line in unsaid),
        f"name: {name}",
        f"about: {_quoted(str(work.get('name') or name))}",
        f"duration: {minutes} min",
        "workload:",
        "  arrivals:",
        f"    profile: [{{for: {minutes} min, rate: {per_s}/s}}]",
        "  keys:",
        f"    key: {{count: {KEYS[keys] or 1}}}"
        + ("" if KEYS[keys] else "  # records have no key"),
        f"  size: {size} B",
        "  service:",
        *(f"    {group}: {{per_message: 0 ms}}  # not in the benchmark" for group in groups),
        "systems:",
        "  kafka:",
        "    product: kafka",
        "    topic:",
        f"      partitions: {partitions}" + (f"  # of {topics} topics" if topics > 1 else ""),
        *(f"      {key}: {value}" for key, value in settings["topic"].items()),
        *(["    partition_key: [key]"] if KEYS[keys] else []),
        *(["    producer:"] if settings["producer"] else []),
        *(f"      {key}: {value}" for key, value in settings["producer"].items()),
        "    groups:",
    ]
    for group in groups:
        lines += [f"      {group}:", f"        consumers: {consumers}", f"        does: [{group}]"]
        lines += [f"        {key}: {value}" for key, value in settings["consumer"].items()]
    return Imported("\n".join(lines) + "\n", said, tuple(unsaid))


def _unsaid(work: "_Reader", topics: int, per_s: int, keys: str) -> Iterator[str]:
    if not per_s:
        yield (
            "a rate of its own (producerRate: 0 looks for the highest): "
            f"{PROBING_FROM} msg/s, where the search begins"
        )
    yield "how arrivals vary: Poisson, without peaks"
    if topics > 1:
        yield f"which topic a message goes to: the {topics} topics are one with as many partitions"
    if KEYS[keys]:
        yield f"the keys ({keys}): {count(KEYS[keys])} of them, equally likely"
    if work.get("consumerBacklogSizeGB"):
        yield "the backlog built first (consumerBacklogSizeGB): left out; a fault `pause` makes one"
    if work.get("warmupDurationMinutes"):
        yield "the warm-up (warmupDurationMinutes): left out, the lab needs none"
    if work.get("producersPerTopic"):
        yield "what several producers change (producersPerTopic): left out, the lab has one"


def _settings(driver: Path | None, problems: list[Problem]) -> Mapping[str, dict[str, str]]:
    """Client keys of the driver file, by part of the Kafka system."""
    out: dict[str, dict[str, str]] = {"topic": {}, "producer": {}, "consumer": {}}
    if driver is None:
        return out
    reader = _Reader(document.read(driver))
    kind = str(reader.get("driverClass") or "")
    known = [name for name in DRIVERS if f".{name}." in kind.lower()]
    if not known:
        problems.append(
            reader.document.problem(
                ("driverClass",),
                f"expected a driver of {names(DRIVERS)}, not {kind!r}: write the system by hand, "
                "or leave the driver file away",
            )
        )
        return out
    for key, part in (("topicConfig", "topic"), ("producerConfig", "producer"),
                      ("consumerConfig", "consumer")):  # fmt: skip
        out[part] = reader.properties(key)
    # What only tells clients where the brokers are has no place in a scenario.
    if replicas := reader.get("replicationFactor"):
        out["topic"] = {"replication.factor": str(replicas), **out["topic"]}
    problems += reader.problems
    return out


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


class _Reader:
    """Values of one file, and what is wrong with them."""

    def __init__(self, given: Document) -> None:
        self.document = given
        self.problems: list[Problem] = []

    def get(self, key: str) -> Any:
        return self.document.get((key,))

    def whole(
        self, key: str, otherwise: int | None = None, least: int = 1, most: int = _MOST
    ) -> int:
        value = self.get(key)
        if value is None and otherwise is not None:
            return otherwise
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        beyond = f" and at most {most:,}" if isinstance(value, int) and value > most else ""
        message = f"expected a whole number of at least {least}{beyond}, not {shown(value)}"
        self._wrong(key, message)
        return least

    def choice(self, key: str, otherwise: str, known: Mapping[str, object]) -> str:
        value = self.get(key)
        if value is None:
            return otherwise
        if value not in known:
            self._wrong(key, f"{unknown('key distributor', str(value), list(known))}")
            return otherwise
        return str(value)

    def only(self, known: Sequence[str]) -> None:
        for key in self.document.data:
            if key not in known:
                told = len(self.problems) < MOST_TOLD
                self._wrong(key, unknown_key(key, [], known) if told else "unknown key")

    def properties(self, key: str) -> dict[str, str]:
        """``key=value`` lines, as of a Java properties file."""
        out = {}
        for line in str(self.get(key) or "").splitlines():
            if not line.strip() or line.lstrip()[0] in "#!":
                continue
            name, equals, value = line.partition("=")
            if not equals:
                self._wrong(key, f"expected property=value, not {line.strip()!r}")
            out[name.strip()] = value.strip()
        return out

    def _wrong(self, key: str, message: str) -> None:
        self.problems.append(self.document.problem((key,), message))
