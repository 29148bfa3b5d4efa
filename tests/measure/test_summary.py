"""The row of a group: every number once, under the name that charts and words read."""

import numpy as np
from hypothesis import given, settings

from helpers.random_outcome import cases, made, outcome
from sim.engine.outcome import Fate
from sim.injection.replay import Replay
from sim.measure.tables import measure

COLUMNS = [
    "system", "group", "product", "kind", "produced", "processed", "lost", "dead_lettered",
    "unfinished", "deliveries", "extra_deliveries", "double_effects", "violations", "keys_violated",
    "wrong_effects", "righted_effects", "unrecoverable", "max_lag", "max_lag_at_s",
    "lag_at_end_of_arrivals", "max_time_lag_s", "drain_s", "watched_s", "latency_p50_s",
    "latency_p99_s", "latency_max_s", "throughput_peak", "arrival_peak", "consumers",
    "messages_per_call", "late", "without_reader_s", "longest_without_reader_s", "rate_per_s",
    "rate_low_per_s", "rate_high_per_s", "rate_over_s", "level_s",
]  # fmt: skip


def test_the_columns_are_the_published_ones_in_their_order():
    group = outcome([Fate.PROCESSED], [1.0], [1])
    replay = Replay(without_reader_s=3.0, longest_without_reader_s=2.0)
    summary = measure(made([0.0], [0], 1), ["key"], group, replay)["summary"]
    assert list(summary.columns) == COLUMNS
    row = summary.iloc[0]
    assert row[["product", "kind", "consumers"]].tolist() == ["p", "log", 1]
    assert (row["without_reader_s"], row["longest_without_reader_s"]) == (3.0, 2.0)


@settings(max_examples=50, deadline=None)
@given(cases())
def test_a_group_drains_when_its_last_message_is_processed(case):
    row = measure(case.messages, ["key"], case.outcome)["summary"].iloc[0]
    finished = case.done[np.isfinite(case.done)]
    if row["unfinished"]:
        assert row["drain_s"] == np.inf
    elif finished.size:
        assert row["drain_s"] == max(0, finished.max() - case.created.max())
