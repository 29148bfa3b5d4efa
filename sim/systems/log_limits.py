"""Limits of a log and of a group that reads it which acted, by the product's own keys."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from sim.engine.acted_kernel import Acted, note
from sim.engine.outcome import Fate
from sim.engine.waits import Limit
from sim.foundation.arrays import U8
from sim.log import acts
from sim.log.group import Group
from sim.log.parts import Behind
from sim.log.retention import Retention
from sim.scenario.products.base import OnFailure
from sim.systems.queue_limits import LimitKey, written_s

PARTITIONS, POLL_RECORDS, COMMITS = "partitions", "poll records", "commits"
"""Each has one reader at a time; a poll returns no more; the program commits at each."""
RETENTION_BYTES, RETENTION_AGE, RESET = "retention bytes", "retention age", "reset"
"""What was deleted before it was read, and what was then passed over."""

Keys = Mapping[str, LimitKey]
"""By what it is, here or in `sim.log.acts`; those that a product does not have are left out."""

_WHAT = {
    acts.MAX_POLL: "a consumer went longer than this from one poll to the next, and was put out",
    acts.SESSION: "a silent consumer kept its partitions until its session ended",
    acts.TAKEOVER: "a shard stood still until others had seen that nobody renews its lease",
    acts.CHILDREN: "children of a shard waited for the next look of a worker at the leases",
    acts.BACKOFF: "a consumer waited this long before it tried a record again",
    acts.RETRY_TOPIC: "records that failed waited in a retry topic, and others overtook them",
    acts.ATTEMPTS: "a record that had been tried so often was given up",
    acts.RETRIES: "what failed was tried again, and what is behind it waited",
    acts.TIMEOUT: "an invocation took longer than this, and was ended",
    acts.AGE: "records that were older than this were given up",
    acts.AGAIN: "records that were processed and not yet committed came again",
    acts.METADATA: "a group was not told of partitions that had been added before its client asked",
    acts.EXPIRED: "a group without members lost its committed offsets after this",
    PARTITIONS: "records waited behind others, for one consumer reads each, while one was idle",
    POLL_RECORDS: "polls returned no more, and consumers spent most of their time on calls",
    COMMITS: "consumers spent most of their time waiting for commits",
    RETENTION_BYTES: "records were deleted before they were read",
    RETENTION_AGE: "records were deleted before they were read",
    RESET: "records were passed over, where the group had no place to go on from",
}
"""What each did."""
_FULL = 0.9
"""Polls that return this share of what they may, on average, are full."""


def failing_keys(at: str, policy: OnFailure) -> dict[str, LimitKey]:
    """What the keys are called of what readers do when their handler raises.

    Args:
        at: where the readers stand, below the system.
        policy: theirs.
    """
    said = f"{at}.on_failure"
    return {
        acts.BACKOFF: LimitKey("backoff", f"{said}.backoff", written_s(policy.backoff)),
        acts.ATTEMPTS: LimitKey("attempts", f"{said}.attempts", f"{policy.attempts}"),
    }


def limits_of(
    group: Group, keys: Keys, fate: U8, behind: Behind, retention: Retention | None
) -> Iterator[Limit]:
    """What acted on a group, at the end.

    Args:
        group: which.
        keys: what its product calls its limits.
        fate: [messages] what became of each.
        behind: what of them waited.
        retention: what deleted from its topic.
    """
    for what, of in group.standing.acts.of.items():
        if what in keys:
            target = "" if len(of) > 1 else next(iter(of))
            yield from _limit(keys[what], what, _all(of.values()), target)
    worst = np.flatnonzero(behind.times)
    one = f"partition {worst[0]}" if worst.size == 1 else ""
    for what, acted, target in (
        (PARTITIONS, behind.behind, one),
        (_calls(group), behind.busy, ""),
        *((what, acted, "") for what, acted in _passed_over(group, fate, retention)),
    ):
        if what in keys:
            yield from _limit(keys[what], what, acted, target)


def _limit(key: LimitKey, what: str, acted: Acted, target: str) -> Iterator[Limit]:
    if acted.times:
        yield Limit(
            key.name, key.path, key.value, target, _WHAT[what],
            acted.times, acted.first_s, acted.last_s,
        )  # fmt: skip


def _all(each: Iterable[Acted]) -> Acted:
    whole = Acted()
    for one in each:
        note(whole, one.first_s, one.last_s, one.times)
    return whole


def _calls(group: Group) -> str:
    """Which limit has consumers do calls for most of their time; "": none."""
    reading, counts, records = group.reading, group.counts, group.state.records
    effects = np.asarray(records.effects)
    done = np.count_nonzero(effects)
    if not counts.polls or not done:
        return ""
    mean = counts.handed / counts.polls
    work_s = mean * float(np.asarray(records.service_s)[effects > 0].mean(dtype=np.float64))
    commits = reading.auto_commit_s < 0.0 and bool(reading.wait)
    each_s = reading.commit_s * mean if commits and reading.per_record else 0.0
    batch_s = reading.per_batch_s
    batch_s += reading.commit_s if commits and not reading.per_record else 0.0
    if 2.0 * (each_s + batch_s) < each_s + batch_s + work_s:
        return ""
    if each_s > batch_s:
        return COMMITS
    return POLL_RECORDS if mean >= _FULL * reading.max_poll_records else ""


def _passed_over(
    group: Group, fate: U8, retention: Retention | None
) -> Iterator[tuple[str, Acted]]:
    """Records that were deleted unread, or that a reset passed over."""
    jumps = group.state.jumps
    reset = np.asarray(jumps.sought)[: jumps.n] == 0
    times_s = np.asarray(jumps.at_s)[: jumps.n][reset].tolist()
    skipped, gone = Acted(), Acted()
    count = int(np.count_nonzero(fate == Fate.LOST_OFFSET_RESET))
    if count and times_s:
        note(skipped, min(times_s), max(times_s), count)
    yield RESET, skipped
    count = int(np.count_nonzero(fate == Fate.LOST_RETENTION))
    if count and retention is not None and retention.history:
        note(gone, retention.history[0][0], retention.history[-1][0], count)
        yield (RETENTION_BYTES if retention.by_bytes > retention.by_age else RETENTION_AGE), gone
