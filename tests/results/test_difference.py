"""What two results differ in, pair by pair where they have seeds in common."""

import json

import numpy as np
import pandas as pd
import pytest

from helpers.stored import stored
from sim.foundation.errors import LabError
from sim.measure.intervals import of_mean
from sim.results.difference import Side, keys, only, outcomes, side


def runs(p99, first=1, group="g"):
    return pd.DataFrame(
        {"system": "kafka", "group": group, "seed": range(first, first + len(p99)),
         "latency_p99_s": p99, "lost": 0}
    )  # fmt: skip


def a_side(frame, **content):
    return Side("a", content, {"queue-log-lab": "0.1.0"}, frame)


def test_runs_of_one_seed_are_compared_pair_by_pair():
    one, other = a_side(runs([1.0, 2.0, 6.0])), a_side(runs([3.0, 5.0, 8.0, 99.0]))
    (row,) = outcomes(one, other).to_dict("records")
    expected = of_mean(np.array([2.0, 3.0, 2.0]))
    assert (row["number"], row["pairs"], row["one"]) == ("latency_p99_s", 3, 3.0)
    assert (row["mean"], row["low"], row["high"]) == pytest.approx(tuple(expected))


def test_of_one_pair_of_none_and_of_infinite_runs_there_is_no_interval():
    (row,) = outcomes(a_side(runs([1.0])), a_side(runs([3.0]))).to_dict("records")
    assert (row["pairs"], row["mean"]) == (1, 2.0) and np.isnan(row["low"])
    (row,) = outcomes(a_side(runs([1.0])), a_side(runs([3.0], first=9))).to_dict("records")
    assert row["pairs"] == 0 and np.isnan(row["mean"])
    (row,) = outcomes(a_side(runs([1.0, 2.0])), a_side(runs([3.0, np.inf]))).to_dict("records")
    assert row["other"] == np.inf and np.isnan(row["low"])


def test_what_is_the_same_is_not_told():
    assert outcomes(a_side(runs([1.0, 2.0])), a_side(runs([1.0, 2.0]))).empty
    assert len(outcomes(a_side(runs([1.0, 2.0])), a_side(runs([2.0, 1.0])))) == 1


def test_keys_and_groups_that_differ():
    one = a_side(runs([1.0]), seed=1, about="x", topic={"partitions": 4}, old=1)
    other = a_side(runs([1.0], group="h"), seed=2, about="y", topic={"partitions": 8})
    assert keys(one, other) == [("topic.partitions", "4", "8"), ("old", "1", None)]
    assert only(one, other) == ["kafka.g"] and only(other, one) == ["kafka.h"]


def test_a_result_has_its_replications_where_there_are_any(tmp_path):
    folder = stored(tmp_path, "a")
    alone = side("test/a", tmp_path)
    assert alone.label == "test/a" and alone.runs["seed"].tolist() == [3]
    assert alone.content["name"] == "test"
    its = json.loads((folder / "manifest.json").read_text())
    many = tmp_path / "test" / "replications" / its["hash"]
    many.mkdir(parents=True)
    (many / "scenario.json").write_text(json.dumps({"versions": {}, "content": its["content"]}))
    runs([1.0, 2.0], first=3).to_csv(many / "summary.csv", index=False)
    for words in ("test/a", str(many)):
        assert side(words, tmp_path).runs["seed"].tolist() == [3, 4]
    (many / "scenario.json").write_text("[]")
    with pytest.raises(LabError, match="not what the lab wrote"):
        side("test/a", tmp_path)
    with pytest.raises(LabError, match="no result"):
        side("other", tmp_path)
