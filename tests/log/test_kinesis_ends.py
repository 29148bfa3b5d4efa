"""A resharded stream: parents before children, by the client library and by Lambda."""

from collections import Counter

import numpy as np
import pytest

from models import plain_shards
from sim.engine.environment import Environment
from sim.engine.outcome import Fate
from sim.engine.waits import TimePart, Unsplit
from sim.log import acts
from sim.log.group import Group
from sim.log.group_state import Reading
from sim.log.kinesis_lambda import EventSourceMapping, Invocations
from sim.log.kinesis_leases import Leases
from sim.log.kinesis_lineage import Lineage
from sim.log.parts import LogWaits
from sim.log.topic import Topic


class Looks:
    """A generator for which each worker looks first at a time that is given."""

    def __init__(self, first_s):
        self.first_s = iter(first_s)

    def uniform(self, _low, _high):
        return next(self.first_s)

    def permutation(self, values):
        return np.asarray(values)


class Stream:
    """Records that are known, in shards of a lineage, and a group that reads them."""

    def __init__(self, lineage, shard_of, given_s, work_s, *, batch, per_batch_s=0.0, commit_s):
        n = len(given_s)
        self.lineage, shards = lineage, len(lineage.shards)
        self.given_s = np.asarray(given_s, np.float64)
        shard_of = np.asarray(shard_of, np.int32)
        rows = np.arange(n, dtype=np.int32)
        topic = Topic.of_records(self.given_s, shards, rows, shard_of, self.given_s)
        reading = Reading(
            max_poll_records=batch, chunk_records=batch, min_records=1, max_wait_s=0.0,
            fetch_s=0.0, per_batch_s=per_batch_s, auto_commit_s=-1.0, commit_s=commit_s,
            wait=int(commit_s > 0),
        )  # fmt: skip
        self.group = Group(
            topic, np.asarray(work_s, np.float32), shards, reading, np.array([0.0]),
            started=lineage.first,
        )  # fmt: skip
        self.env = Environment([topic, self.group])
        self.said = []

    def say(self, text):
        self.said.append((round(self.env.now, 3), text))

    def read_by_library(self, seen_s, workers, looks, failover_s=10.0):
        self.fleet = Leases(
            self.env, self.group, workers, workers, failover_s=failover_s, most_stolen=1, rng=looks,
            on_failure="skip", retry_s=1.0, say=self.say, lineage=self.lineage, seen_s=seen_s,
        )  # fmt: skip
        return self

    def read_by_lambda(self, seen_s):
        mapping = EventSourceMapping(1, False, -1, (1.0, 60.0), False, None, Fate.LOST_REJECTED)
        self.fleet = Invocations(
            self.env, self.group, mapping, self.say, lineage=self.lineage, seen_s=seen_s
        )
        return self

    @property
    def done_s(self):
        return self.group.topic.to_messages(self.group.done_s, np.inf)


def steady(lineage, rate, until_s, **more):
    """Records at even times, each in the shard that has its hash key; work of 10 ms."""
    given_s = np.arange(0.5, until_s, 1.0 / rate)
    keys = np.random.default_rng(3).random(given_s.size)
    edges = np.array([edge / 2**128 for edge in lineage.edges])
    cells = np.searchsorted(edges, keys, side="right") - 1
    epochs = np.searchsorted(lineage.from_s, given_s, side="right") - 1
    shard_of = lineage.route[epochs, cells]
    return Stream(
        lineage, shard_of, given_s, np.full(given_s.size, 0.01), batch=10_000, **more
    ), shard_of


def test_KN_13_children_are_read_after_their_parent_and_the_first_to_look_takes_them_all():
    lineage = Lineage(1, [(100.0, 2)])
    stream, shard_of = steady(lineage, 10.0, 200.0, commit_s=0.01)
    stream.read_by_library(np.array([100.07, np.inf, np.inf]), 2, Looks([3.0, 9.0]))
    stream.env.run(200.0)
    assert stream.said[0] == (100.07, "shard 0 was closed, and is read to its end")
    took = [(at_s, text) for at_s, text in stream.said if "child" in text]
    first_s = 103.25  # worker 0: 3 s, and five times 20.05 s
    assert took == [
        (first_s, "worker 0 took shard 1, a child of one that has ended"),
        (first_s, "worker 0 took shard 2, a child of one that has ended"),
    ]
    done_s = stream.done_s
    assert (done_s[shard_of == 0] < 100.1).all() and (done_s[shard_of > 0] > first_s).all()
    acted = stream.group.standing.acts.of[acts.CHILDREN]
    assert {target: one.times for target, one in acted.items()} == {"shard 1": 1, "shard 2": 1}
    assert [one.first_s for one in acted.values()] == pytest.approx([100.07] * 2)


def test_KN_13_a_backlog_of_the_parent_holds_its_children_up():
    lineage = Lineage(1, [(50.0, 2)])
    # 10 ms each, and 120 a second: by 50 s there are 6,000, done at 60.5 s.
    given_s = np.concatenate([np.linspace(0.5, 50.0, 6_000), np.linspace(50.1, 60.0, 100)])
    shard_of = np.r_[np.zeros(6_000), 1 + np.arange(100) % 2]
    stream = Stream(lineage, shard_of, given_s, np.full(6_100, 0.01), batch=100, commit_s=0.0)
    stream.read_by_lambda(np.array([50.3, np.inf, np.inf]))
    stream.env.run(100.0)
    done_s = stream.done_s
    end_s = done_s[:6_000].max()
    assert end_s > 60.4
    assert stream.said == [(round(end_s, 3), "shard 0 was closed, and is read to its end")]
    assert done_s[6_000:6_002] == pytest.approx(end_s + 0.01)


def test_KN_13_a_child_of_two_waits_for_both_and_looks_every_ten_seconds():
    lineage = Lineage(2, [(50.0, 1)])
    work_s = [0.01, 25.0, 0.01]
    stream = Stream(lineage, [0, 1, 2], [1.0, 49.0, 51.0], work_s, batch=10, commit_s=0.01)
    stream.read_by_library(np.array([50.0, 50.0, np.inf]), 1, Looks([12.0]))
    # It looks at 52.1 s; the other parent has ended at 74.01 s; it looks again at 82.1 s.
    assert stream.done_s.tolist() == [np.inf] * 3
    stream.env.run(100.0)
    assert [at_s for at_s, text in stream.said if "ended" in text] == [52.1]
    assert stream.done_s == pytest.approx([1.01, 74.0, 82.11])


def test_the_lease_of_an_ended_shard_counts_until_its_owner_cleans_up():
    lineage = Lineage(2, [(50.0, 4)])
    stream, _ = steady(lineage, 20.0, 400.0, commit_s=0.01)
    stream.read_by_library(np.array([50.07, 50.07, *[np.inf] * 4]), 2, Looks([3.0, 9.0]))
    stream.env.run(299.0)
    assert stream.fleet.listed == [0, 1, 2, 3, 4, 5] and stream.fleet.useful == 4
    assert [len(stream.fleet.leases(worker)) for worker in (0, 1)] == [3, 3]
    stream.env.run(301.0)
    assert stream.fleet.listed == [2, 3, 4, 5]
    assert not stream.fleet.orphans().any()
    stream.env.run(399.0)
    assert [len(stream.fleet.leases(worker)) for worker in (0, 1)] == [2, 2]


def test_a_worker_that_is_told_to_end_ends_though_its_shards_have():
    lineage = Lineage(1, [(5.0, 2)])
    stream, _ = steady(lineage, 10.0, 30.0, commit_s=0.01)
    stream.read_by_library(np.array([5.07, np.inf, np.inf]), 1, Looks([12.0]))
    stream.env.run(10.0)
    stream.fleet.terminate(0)
    stream.env.run(11.0)
    assert not stream.fleet.alive(0)
    stream.fleet.restart(0)
    stream.env.run(30.0)
    assert (stream.done_s[stream.given_s < 29.0] < np.inf).all()


def test_a_parent_whose_reader_died_ends_once_another_has_read_it():
    lineage = Lineage(1, [(50.0, 2)])
    stream, shard_of = steady(lineage, 10.0, 100.0, commit_s=0.01)
    stream.read_by_library(np.array([50.07, np.inf, np.inf]), 2, Looks([3.0, 9.0]))
    stream.env.run(49.0)
    owner = stream.fleet.owner[0]
    stream.fleet.crash(owner)
    stream.env.run(100.0)
    assert (stream.done_s[shard_of == 0] < np.inf).all()
    ended = [at_s for at_s, text in stream.said if "closed" in text]
    assert len(ended) == 1 and ended[0] > 60.0


def drawn(seed):
    rng = np.random.default_rng(seed)
    first = int(rng.integers(1, 4))
    changes, at_s, n = [], 0.0, first
    for _ in range(int(rng.integers(1, 3))):
        at_s += float(rng.uniform(20.0, 60.0))
        n = int(rng.integers(-(-n // 2), 2 * n + 1))
        changes.append((at_s, n))
    lineage = Lineage(first, changes)
    until_s = 700.0
    records = int(rng.integers(40, 400))
    given_s = np.sort(rng.uniform(0.0, at_s + 60.0, records))
    cells = rng.integers(0, len(lineage.edges), records)
    epochs = np.searchsorted(lineage.from_s, given_s, side="right") - 1
    shard_of = lineage.route[epochs, cells]
    # Multiples of 1/1,024: sums are the same in any order.
    work_s = rng.integers(1, 600, records) / 1_024
    closed_s = np.array([shard.closed_s for shard in lineage.shards])
    seen_s = closed_s + float(rng.choice([0.07, 0.9]))
    batch = int(rng.choice([1, 7, 10_000]))
    return rng, lineage, shard_of, given_s, work_s, seen_s, batch, until_s


def plain_of(lineage, shard_of, given_s, work_s, seen_s):
    records = [plain_shards.Record(*its) for its in zip(given_s, work_s, strict=True)]
    shards = [
        plain_shards.Shard(
            [records[m] for m in np.flatnonzero(shard_of == p)], list(shard.parents), seen_s[p]
        )
        for p, shard in enumerate(lineage.shards)
    ]
    return records, shards


def agree(stream, plain, records, shard_of, per_batch_s):
    expected_s = [r.effects[0] if r.effects else np.inf for r in records]
    np.testing.assert_allclose(stream.done_s, expected_s, atol=1e-6)
    effects = stream.group.topic.to_messages(stream.group.effects, 0, np.add)
    assert effects.tolist() == [len(r.effects) for r in records]
    tracked = len(plain.shards) > 1
    plain.finish()
    waits = LogWaits(stream.group, Unsplit(stream.given_s)).parts_s(0, len(records))
    for m, record in enumerate(records):
        if not record.effects:
            continue
        its = plain.shards[shard_of[m]]
        expected = plain_shards.parts_of(record, its, plain.idle if tracked else [], per_batch_s)
        found = {TimePart(k).name: v for k, v in enumerate(waits[:, m].tolist())}
        for name, value in expected.items():
            assert found[name] == pytest.approx(value, abs=1e-5), (m, name, expected, found)


def test_KN_13_lambda_as_the_plain_model_message_by_message():
    seen = Counter()
    for seed in range(60):
        _, lineage, shard_of, given_s, work_s, seen_s, batch, until_s = drawn(seed)
        stream = Stream(
            lineage, shard_of, given_s, work_s, batch=batch, per_batch_s=0.01, commit_s=0.0
        ).read_by_lambda(seen_s)
        stream.env.run(until_s)
        records, shards = plain_of(lineage, shard_of, given_s, work_s, seen_s)
        plain = plain_shards.PlainFunctions(
            shards, lineage.first, batch=batch, per_batch_s=0.01, commit_s=0.0, until_s=until_s
        ).run()
        agree(stream, plain, records, shard_of, 0.01)
        seen["merged"] += any(len(shard.parents) > 1 for shard in lineage.shards)
        seen["ended"] += sum(shard.ended for shard in plain.shards)
        seen["late"] += sum(
            r.handed_s > r.given_s + 5 for p in shards[lineage.first :] for r in p.records
        )
    assert min(seen[what] for what in ("merged", "ended", "late")) > 20, seen


def test_KN_13_the_library_as_the_plain_model_message_by_message():
    seen = Counter()
    for seed in range(60):
        rng, lineage, shard_of, given_s, work_s, seen_s, batch, until_s = drawn(seed)
        workers = int(rng.integers(1, 4))
        looks_s = rng.uniform(0.0, 20.0, workers).tolist()
        crashes = [
            (float(rng.uniform(5.0, 150.0)), int(rng.integers(workers)), float(rng.uniform(1, 60)))
            for _ in range(int(rng.integers(0, 3)))
        ]
        stream = Stream(lineage, shard_of, given_s, work_s, batch=batch, commit_s=0.01)
        stream.read_by_library(seen_s, workers, Looks(looks_s))
        for at_s, what, worker in sorted(
            [(at_s, "crash", i) for at_s, i, _ in crashes]
            + [(at_s + back_s, "restart", i) for at_s, i, back_s in crashes]
        ):
            stream.env.run(at_s)
            getattr(stream.fleet, what)(worker)
        stream.env.run(until_s)
        records, shards = plain_of(lineage, shard_of, given_s, work_s, seen_s)
        plain = plain_shards.PlainLibrary(
            shards, lineage.first, batch=batch, per_batch_s=0.0, commit_s=0.01, until_s=until_s,
            workers=workers, first_looks_s=looks_s, failover_s=10.0, crashes=crashes,
        ).run()  # fmt: skip
        try:
            agree(stream, plain, records, shard_of, 0.0)
        except AssertionError as wrong:
            raise AssertionError(f"seed {seed}") from wrong
        seen["merged"] += any(len(shard.parents) > 1 for shard in lineage.shards)
        seen["crashed"] += len(crashes)
        seen["again"] += sum(len(r.effects) > 1 for r in records)
        seen["nobody"] += sum(len(p.nobody) for p in shards[lineage.first :])
    assert min(seen[what] for what in ("merged", "crashed", "again", "nobody")) > 20, seen


def test_KN_13_a_shard_whose_last_batch_failed_is_ended_though_nothing_of_it_was_committed():
    """`skip-batch`, the default: a batch that fails is gone on from without a checkpoint."""
    from sim.lab import run
    from sim.scenario.load import Scenario

    data = {
        "name": "ends",
        "duration": "25s",
        "workload": {
            "arrivals": {"rate": "200/s"},
            "keys": {"key": {"count": 100}},
            "service": {"work": {"per_message": "2 ms", "poison": {"share": "30%", "times": 2}}},
        },
        "faults": [{"at": 10, "fault": "reshard", "target": "k.stream", "TargetShardCount": 4}],
        "systems": {
            "k": {
                "product": "kinesis",
                "stream": {"ShardCount": 2},
                "partition_key": ["key"],
                "applications": {"work": {"workers": 3, "does": ["work"]}},
            }
        },
    }
    (row,) = run(Scenario.from_mapping(data)).tables.summary.to_dict("records")
    assert row["unfinished"] == 0
    assert row["processed"] + row["lost"] == row["produced"]
