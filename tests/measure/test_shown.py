"""The number that a scenario is about, against the messages themselves."""

from math import ceil, inf, isnan

import numpy as np
import pytest

from sim.engine.outcome import Fate
from sim.lab import run
from sim.measure.shown import Chosen, LatencyOf
from sim.scenario.load import Scenario
from sim.traffic.generate import Work, slow_rows

BIN = 2**-11


class What:
    """What became of some messages."""

    def __init__(self, done_s, fate):
        self.done_s, self.fate = np.asarray(done_s, float), np.asarray(fate, np.uint8)


def scenario(**more):
    return Scenario.from_mapping(
        {
            "name": "s",
            "duration": "100s",
            "seed": 3,
            "workload": {
                "arrivals": {"profile": [{"for": "100s", "rate": "15/s"}]},
                "keys": {"tenant": {"weights": {"whale": 6, "a": 2, "b": 2}}},
                "service": {
                    "job": {
                        "per_message": {"exponential": "80 ms"},
                        "slow": {"share": 0.02, "time": "5 s"},
                    }
                },
            },
            "systems": {
                "queue": {"product": "sqs", "queues": {"q": {"workers": 3, "does": ["job"]}}},
                "log": {
                    "product": "kafka",
                    "topic": {"partitions": 3},
                    "partition_key": ["tenant"],
                    "groups": {"g": {"consumers": 3, "does": ["job"]}},
                },
            },
            **more,
        }
    )


def exact(messages, of, quantile):
    took = np.sort((messages["done_s"] - messages["created_s"])[of].to_numpy())
    return took[max(1, ceil(quantile * took.size - 1e-9)) - 1]


@pytest.mark.parametrize("quantile", [0.5, 0.9, 0.999, 1])
@pytest.mark.parametrize("window", [None, 200])
def test_the_latency_of_some_is_that_of_these_messages(quantile, window):
    about = {
        "measure": "latency", "quantile": quantile, "without": {"tenant": ["whale"]},
        "quick": True, "called": "the quick of the quiet",
    }  # fmt: skip
    its = scenario(shows=about)
    tables = run(its, window=window).tables
    slow = slow_rows(its, int(tables.summary["produced"][0]), "job")
    assert 10 < slow.size < 60
    assert tables.shown["system"].tolist() == ["queue", "log"]
    for row in tables.shown.to_dict("records"):
        messages = tables.messages[tables.messages["system"] == row["system"]]
        of = (messages["key"] != "whale") & ~messages["message"].isin(slow)
        assert 0.3 < of.mean() < 0.45
        expected = exact(messages, of, quantile)
        assert row["value"] == pytest.approx(expected, rel=2 * BIN)
        if quantile < 0.99:  # the last ones are the same
            assert row["value"] != pytest.approx(exact(messages, of | True, quantile), rel=2 * BIN)
        assert (row["measure"], row["called"]) == ("latency", "the quick of the quiet")


def test_the_slow_ones_are_those_whose_work_is_slow():
    its = scenario()
    work_s = Work(its, ["job"]).draw(1_500)
    slow = slow_rows(its, 1_500, "job")
    assert (work_s[slow] == 5).all() and slow.size == (work_s == 5).sum()


def test_pieces_give_the_same_as_all_at_once():
    rng = np.random.default_rng(2)
    created = np.sort(rng.uniform(0, 50, 400))
    entity = rng.integers(0, 3, 400).astype(np.int32)
    fate = rng.choice(
        [Fate.PROCESSED, Fate.UNFINISHED, Fate.LOST_RETENTION], 400, p=[0.9, 0.05, 0.05]
    )
    done = np.where(fate == Fate.PROCESSED, created + rng.exponential(1, 400), inf)
    chosen = Chosen(np.array([True, False, True]), np.array([3, 99, 100, 399]))
    whole, parts = LatencyOf(chosen), LatencyOf(chosen)
    whole.add(created, entity, What(done, fate), 400)
    for first, last in ((0, 0), (0, 99), (99, 100), (100, 400)):
        its = What(done[first:], fate[first:])
        parts.add(created[first:], entity[first:], its, last - first)
    of = np.isin(entity, [0, 2])
    of[[3, 99, 100, 399]] = False
    left = (of & (fate == Fate.UNFINISHED)).sum()
    took = np.sort(np.concatenate([(done - created)[of & (fate == Fate.PROCESSED)], [inf] * left]))
    for quantile in (0.1, 0.5, 0.9, 0.93, 0.97, 1.0):
        rank = ceil(quantile * took.size)
        assert whole.within_s(quantile) == parts.within_s(quantile)
        assert whole.within_s(quantile) == pytest.approx(took[rank - 1], rel=2 * BIN)
    assert left > 5 and whole.within_s(1.0) == inf
    assert isnan(LatencyOf(Chosen(np.array([False]), chosen.not_these)).within_s(0.5))


def test_other_measures_are_columns_of_the_summary():
    tables = run(scenario(shows="time_to_drain")).tables
    assert tables.shown["value"].tolist() == tables.summary["drain_s"].tolist()
    assert not len(run(scenario()).tables.shown)
    needed = run(scenario(needs={"max_delay": "3 s", "quantile": 0.9})).tables
    assert needed.shown["bound"].tolist() == [3.0, 3.0]
    q90 = needed.latency[needed.latency["q"] == 0.9]["latency_s"]
    assert needed.shown["value"].tolist() == pytest.approx(q90.tolist(), rel=2 * BIN)
    # The needs say what counts as late, too.
    assert needed.summary["level_s"].tolist() == [3.0, 3.0]
    assert run(scenario()).tables.summary["level_s"].tolist() == [1.0, 1.0]


def test_only_groups_that_do_a_job_count_if_it_says_which():
    two = {
        "product": "sqs",
        "queues": {"q": {"workers": 3, "does": ["job"]}, "other": {"workers": 3, "does": ["two"]}},
    }
    its = scenario().with_(
        {
            "workload.service": {"job": {"per_message": "80 ms"}, "two": {"per_message": "1 ms"}},
            "systems": {"queue": two},
            "shows": {"measure": "lag", "jobs": ["two"]},
        }
    )
    tables = run(its).tables
    assert tables.shown[["system", "group", "jobs"]].values.tolist() == [["queue", "other", "two"]]
    rows = tables.summary.set_index("group")
    assert tables.shown["value"].tolist() == [rows["max_lag"]["other"]]


def test_of_a_whole_group_the_counts_that_are_there_tell_the_same(monkeypatch):
    from helpers.traffic import scenario
    from sim.lab import run

    changes = {"shows": {"measure": "latency", "quantile": 0.999}}
    quick = run(scenario(**changes)).tables
    monkeypatch.setattr(Chosen, "all", property(lambda self: False))
    counted_apart = run(scenario(**changes)).tables
    assert quick.shown["value"].tolist() == counted_apart.shown["value"].tolist()
    assert quick.shown["value"].iloc[0] > 0
