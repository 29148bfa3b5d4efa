"""Every number of the tables against a slow and plain computation of its definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.engine.outcome import Fate, GroupOutcome
from sim.measure.tables import QUANTILES, combine, measure
from sim.traffic.messages import Messages

STEP_S = 0.5
GRID = 60


def outcome(fate, done, effects, kind="log"):
    t = np.arange(GRID) * STEP_S
    gauge = np.arange(GRID)
    names = ("log_end", "position", "committed") if kind == "log" else ("ready", "in_flight")
    return GroupOutcome(
        system="s",
        group="g",
        kind=kind,
        product="p",
        fate=np.array(fate, np.uint8),
        done_s=np.array(done, float),
        effects=np.array(effects, np.uint16),
        extra_deliveries=0,
        gauges_t_s=t,
        gauges=dict(zip(names, (3 * gauge, 2 * gauge, gauge), strict=False)),
        history=None,
        consumers=1,
        deliveries=len(done),
        calls=len(done),
    )


def made(created, entity, keys):
    return Messages(
        np.array(created, float),
        np.array(entity, np.int32),
        np.array([100], np.int32),
        {"key": [str(k) for k in range(keys)]},
        max(created, default=0.0),
    )


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 4))
def test_agrees_with_the_definitions(seed, n, keys):
    rng = np.random.default_rng(seed)
    created = np.sort(rng.uniform(0, 15, n))
    entity = rng.integers(0, keys, n)
    done = created + rng.exponential(3, n)
    fate = np.where(done < 29, Fate.PROCESSED, Fate.UNFINISHED)
    lost = rng.random(n) < 0.1
    fate[lost] = rng.choice([Fate.LOST_RETENTION, Fate.DEAD_LETTERED], lost.sum())
    done[fate != Fate.PROCESSED] = np.inf
    effects = np.where(fate == Fate.PROCESSED, rng.integers(1, 4, n), 0)
    tables = measure(made(created, entity, keys), ["key"], outcome(fate, done, effects))
    row = tables.summary.iloc[0]
    series = tables.series

    assert row["produced"] == n
    assert row["processed"] == (fate == Fate.PROCESSED).sum()
    assert row["lost"] == (fate == Fate.LOST_RETENTION).sum()
    assert row["dead_lettered"] == (fate == Fate.DEAD_LETTERED).sum()
    assert row["unfinished"] == (fate == Fate.UNFINISHED).sum()
    assert row["double_effects"] == (effects - 1).clip(0).sum()
    late = [
        np.isfinite(done[i])
        and any(done[j] < done[i] for j in range(i + 1, n) if entity[j] == entity[i])
        for i in range(n)
    ]
    assert row["violations"] == sum(late)
    assert row["keys_violated"] == len(set(entity[late]))
    for t, arrived, processed, time_lag, violations in series[
        ["t_s", "arrived", "processed", "time_lag_s", "violations"]
    ].itertuples(index=False):
        assert arrived == (created <= t).sum()
        assert processed == (done <= t).sum()
        waiting = (created <= t) & (done > t) & (fate <= Fate.PROCESSED)
        assert time_lag == pytest.approx(t - created[waiting].min() if waiting.any() else 0.0)
        assert violations == (done[late] <= t).sum()
    assert (series["lag"] == 2 * np.arange(GRID)).all()
    assert (series["position_lag"] == np.arange(GRID)).all()
    finished = done[np.isfinite(done)]
    if row["unfinished"]:
        assert row["drain_s"] == np.inf
    elif finished.size:
        assert row["drain_s"] == pytest.approx(max(0, finished.max() - created.max()))
    if finished.size:
        latencies = (done - created)[np.isfinite(done)]
        exact = np.quantile(latencies, QUANTILES, method="inverted_cdf")
        np.testing.assert_allclose(tables.latency["latency_s"], exact, rtol=5e-4)
        assert row["latency_max_s"] == latencies.max()
    else:
        assert np.isnan(row["latency_p50_s"])
    assert tables.fates["messages"].sum() == n


def test_a_queue_has_a_depth():
    tables = measure(
        made([0.0], [0], 1), ["key"], outcome([Fate.PROCESSED], [1.0], [1], kind="queue")
    )
    series = tables.series
    assert (series["lag"] == series["ready"] + series["in_flight"]).all()
    assert series["position_lag"].isna().all()


def test_conservation_is_asserted():
    wrong = outcome([Fate.PROCESSED, Fate.UNFINISHED], [np.inf, np.inf], [1, 0])
    with pytest.raises(AssertionError, match="conservation"):
        measure(made([0.0, 1.0], [0, 0], 1), ["key"], wrong)


def test_combine_keeps_columns_types_and_order():
    one = measure(made([0.0], [0], 1), ["key"], outcome([Fate.PROCESSED], [1.0], [1]))
    two = combine([one, one])
    assert len(two.summary) == 2
    for frame in one.FRAMES:
        a, b = getattr(one, frame), getattr(two, frame)
        assert a.dtypes.to_dict() == b.dtypes.to_dict()
