"""What must hold of a run's tables, checked from the tables alone.

Nothing of the lab's own measuring is used: each number is computed again, plainly, from the table
of messages, which holds every message of a run that is small enough.
"""

from io import BytesIO

import numpy as np
import pandas as pd

from sim.lab import run
from sim.measure.sampled_messages import SAMPLE
from sim.measure.tables import Tables
from sim.scenario.load import Scenario

BIN = 2**-11
"""Width of a latency's bin, as a part of it."""


def as_bytes(tables: Tables) -> dict[str, bytes]:
    """Each table as the file that a result has of it."""
    written = {}
    for name, frame in tables.frames.items():
        file = BytesIO()
        frame.to_parquet(file, compression="zstd", index=False)
        written[name] = file.getvalue()
    return written


def hold(scenario: Scenario) -> None:
    """Run a scenario twice and check every rule.

    Raises:
        AssertionError: one does not hold.
    """
    tables = run(scenario).tables
    first, second = as_bytes(tables), as_bytes(run(scenario).tables)
    different = [name for name in first if first[name] != second[name]]
    assert not different, f"the same seed gives other bytes: {different}"
    check(tables, set(scenario.systems))


def check(tables: Tables, systems: set[str]) -> None:
    """Check every rule of a run of these systems."""
    assert set(tables.summary["system"]) == systems
    assert not tables.summary.duplicated(["system", "group"]).any()
    for row in tables.summary.to_dict("records"):
        _check_group(tables, row)
    _check_logs(tables)
    _check_faults(tables.faults)
    _check_producers(tables)
    _check_waits(tables)
    _check_limits(tables)
    for frame in (tables.requests, tables.ledger, tables.books):
        numbers = frame.select_dtypes("number").drop(
            columns="net_misstatement_cents", errors="ignore"
        )
        assert (numbers.fillna(0) >= 0).all(axis=None), numbers.min()


def _of(frame: pd.DataFrame, row: dict) -> pd.DataFrame:
    return frame[(frame["system"] == row["system"]) & (frame["group"] == row["group"])]


def _ascends(values: pd.Series, what: str) -> None:
    assert values.is_monotonic_increasing, f"{what} goes back"


def _check_group(tables: Tables, row: dict) -> None:
    series, messages = _of(tables.series, row), _of(tables.messages, row)
    fates = _of(tables.fates, row)
    who = f"{row['system']}.{row['group']}"
    outcomes = ("processed", "lost", "dead_lettered", "unfinished")
    assert row["produced"] == sum(row[name] for name in outcomes), f"{who}: fates"
    assert row["produced"] == fates["messages"].sum(), f"{who}: table of fates"
    by_fate = fates.groupby("fate")["messages"].sum()
    for name in outcomes:
        assert by_fate[name.replace("_", "-", 1)] == row[name], f"{who}: {name}"
    for column in ("t_s", "arrived", "processed", "violations"):
        if column == "violations" and _unordered(row, series, who):
            continue
        _ascends(series[column], f"{who}: {column}")
    for column in ("lag", "ready", "in_flight", "position_lag", "time_lag_s"):
        assert (series[column].fillna(0) >= 0).all(), f"{who}: {column} below 0"
    assert (series["processed"] <= series["arrived"]).all(), f"{who}: processed before created"
    if row["kind"] == "queue":
        assert (series["ready"] + series["in_flight"] == series["lag"]).all(), who
    assert row["deliveries"] >= row["processed"] + row["double_effects"], f"{who}: deliveries"
    assert 0 <= row["extra_deliveries"] <= row["deliveries"], f"{who}: extra deliveries"
    assert row["max_lag"] == series["lag"].max(), who
    assert row["max_lag_at_s"] == series["t_s"].iloc[int(series["lag"].to_numpy().argmax())], who
    assert row["max_time_lag_s"] == series["time_lag_s"].max(), who
    quantiles = _of(tables.latency, row)
    if row["processed"]:
        _ascends(quantiles["latency_s"], f"{who}: quantiles")
    else:
        assert quantiles["latency_s"].isna().all(), who
    assert row["produced"] <= SAMPLE, "the scenario is too large for all messages to be kept"
    # To a later stage of a pipeline messages come until the one before has done the last, whether
    # or not it is one that this group wants.
    of_system = tables.messages[tables.messages["system"] == row["system"]]
    ends_s = max(tables.duration_s, float(of_system["created_s"].max()))
    _check_messages(row, series, quantiles, messages, ends_s)


def _unordered(row: dict, series: pd.DataFrame, who: str) -> bool:
    """Whether messages have no key: then nothing is said of their order, not even 0."""
    unknown = [np.isnan(row[c]) for c in ("violations", "keys_violated")]
    unknown += [series["violations"].isna().any(), series["violations"].isna().all()]
    assert len(set(map(bool, unknown))) == 1, f"{who}: order is counted in part"
    return bool(unknown[0])


def _check_messages(
    row: dict,
    series: pd.DataFrame,
    quantiles: pd.DataFrame,
    messages: pd.DataFrame,
    ends_s: float,
) -> None:
    """Compute the numbers of a group again from all of its messages.

    ``ends_s``: when the last message of the system came.
    """
    who = f"{row['system']}.{row['group']}"
    created_s, done_s = messages["created_s"].to_numpy(), messages["done_s"].to_numpy()
    effects, fate = messages["effects"].to_numpy(np.int64), messages["fate"].to_numpy()
    processed = fate == "processed"
    lost = np.array([str(word).startswith("lost ") for word in fate], bool)
    assert len(messages) == row["produced"], who
    assert messages["message"].tolist() == list(range(len(messages))), who
    assert (np.diff(created_s) >= 0).all(), f"{who}: creation"
    assert np.count_nonzero(created_s < 0) == row.get("waiting_at_start", 0), f"{who}: the start"
    for name, those in (
        ("processed", processed), ("lost", lost), ("dead_lettered", fate == "dead-lettered"),
        ("unfinished", fate == "unfinished"),
    ):  # fmt: skip
        assert those.sum() == row[name], f"{who}: {name} of the messages"
    assert ((done_s < np.inf) == processed).all(), f"{who}: done without being processed"
    assert ((effects > 0) == processed).all(), f"{who}: an effect without being processed"
    assert (done_s >= created_s).all(), f"{who}: done before it was created"
    assert (effects - 1).clip(0).sum() == row["double_effects"], f"{who}: double effects"
    ordered = not _unordered(row, series, who)
    late = _late(messages["key"].to_numpy(), done_s)
    if ordered:
        assert late.sum() == row["violations"], f"{who}: violations"
        assert messages["key"][late].nunique() == row["keys_violated"], f"{who}: keys violated"
    t_s = series["t_s"].to_numpy()
    step_s = t_s[1]
    at = np.ceil(done_s[processed] / step_s)
    grid = np.arange(t_s.size)
    assert (series["arrived"] == np.searchsorted(created_s, t_s, side="right")).all(), who
    assert (series["processed"] == [(at <= g).sum() for g in grid]).all(), f"{who}: processed"
    at_late = np.ceil(done_s[late] / step_s)
    if ordered:
        assert (series["violations"] == [(at_late <= g).sum() for g in grid]).all(), who
    waits = processed | (fate == "unfinished")
    oldest = [
        max(0.0, t - created_s[waits & (created_s <= t) & (done_s > t)].min(initial=t))
        for t in grid * step_s
    ]
    assert np.allclose(series["time_lag_s"], oldest, rtol=0, atol=1e-9), f"{who}: time lag"
    first = series["processed"].diff().fillna(series["processed"].iloc[0])
    assert np.isclose(row["throughput_peak"], first.max() / step_s), f"{who}: throughput"
    assert np.isclose(row["arrival_peak"], series["arrived"].diff().max() / step_s), who
    _check_rate(row, series, first.to_numpy(), step_s)
    last_s = done_s[processed].max(initial=0.0)
    drain_s = np.inf if row["unfinished"] else max(0.0, last_s - ends_s)
    assert row["drain_s"] == drain_s, f"{who}: drain"
    if processed.any():
        latency_s = np.sort((done_s - created_s)[processed])
        assert row["latency_max_s"] == latency_s[-1], f"{who}: longest latency"
        rank = np.ceil(quantiles["q"].to_numpy() * latency_s.size).clip(1).astype(int)
        exact = latency_s[rank - 1]
        near = np.isclose(quantiles["latency_s"], exact, rtol=2 * BIN, atol=1e-30)
        assert near.all(), f"{who}: quantiles of latency"


def _check_rate(row: dict, series: pd.DataFrame, first: np.ndarray, step_s: float) -> None:
    """What a queue gets through while more wait than it has consumers; of a log, within reason."""
    who = f"{row['system']}.{row['group']}"
    if row["kind"] == "log":
        assert not row["rate_per_s"] > row["throughput_peak"] * (1 + 1e-9), f"{who}: rate"
        return
    over_s, done = 0.0, 0
    ready = series["ready"].tolist()
    for g in range(1, len(ready)):
        if min(ready[g - 1], ready[g]) > row["consumers"] and ready[g - 1] >= first[g]:
            over_s += step_s
            done += first[g]
    assert np.isclose(row["rate_over_s"], over_s), f"{who}: time of the rate"
    rate = done / over_s if over_s else np.nan
    assert np.isclose(row["rate_per_s"], rate, equal_nan=True), f"{who}: rate"
    if over_s >= 2 * step_s:
        assert row["rate_low_per_s"] <= row["rate_per_s"] <= row["rate_high_per_s"], who


def _late(key: np.ndarray, done_s: np.ndarray) -> np.ndarray:
    """[messages] whether a message was first processed after a later one of its key was."""
    late = np.zeros(done_s.size, bool)
    for one in set(key):
        rows = np.flatnonzero((key == one) & (done_s < np.inf))
        for i, row in enumerate(rows):
            late[row] = bool((done_s[rows[i + 1 :]] < done_s[row]).any())
    return late


def _check_waits(tables: Tables) -> None:
    """Of each group that processed anything: the parts of its messages' time sum to that time."""
    summary = tables.summary.set_index(["system", "group"])
    groups = tables.waits.groupby(["system", "group"]) if len(tables.waits) else {}
    assert {who for who, _ in groups} == set(summary.index[summary["processed"] > 0])
    for (system, group), rows in groups:
        who = f"{system}.{group}"
        row = summary.loc[(system, group)]
        floats_s = 1e-6 * row["processed"]
        assert (rows["total_s"] >= -floats_s).all(), f"{who}: a part is less than no time"
        assert rows["messages"].between(0, row["processed"]).all(), who
        mean_s, slowest_s = rows["mean_s"].sum(), rows["slowest_s"].sum()
        assert abs(mean_s * row["processed"] - rows["total_s"].sum()) <= floats_s, who
        assert mean_s - 1e-5 <= slowest_s <= row["latency_max_s"] + 1e-5, who
        of = (tables.messages["system"] == system) & (tables.messages["group"] == group)
        its = tables.messages[of]
        if len(its) == row["produced"]:
            took_s = (its["done_s"] - its["created_s"])[its["done_s"] < np.inf].sum()
            assert abs(rows["total_s"].sum() - took_s) <= floats_s, f"{who}: parts and latencies"


def _check_limits(tables: Tables) -> None:
    """Limits that acted say which they are, what they did, how often and when."""
    limits = tables.limits
    if len(limits):
        assert set(limits["system"]) <= set(tables.summary["system"])
        assert (limits["times"] >= 1).all(), limits[limits["times"] < 1]
        assert (limits["first_s"] >= 0).all() and (limits["first_s"] <= limits["last_s"]).all()
        assert (limits["key"].str.len() > 0).all() and (limits["what"].str.len() > 0).all()


def _check_logs(tables: Tables) -> None:
    """Offsets of partitions: each within the log, and none going back but by what moves them."""
    if not len(tables.partitions):
        return
    causes = ("seek", "crash", "unclean", "reset", "power lost")
    moved = {
        system
        for system, text in zip(tables.faults["system"], tables.faults["text"], strict=True)
        if any(cause in text for cause in causes)
    }
    for (system, group, p), rows in tables.partitions.groupby(["system", "group", "partition"]):
        who = f"{system}.{group} partition {p}"
        _ascends(rows["t_s"], who)
        assert (rows["log_start"] <= rows["log_end"]).all(), f"{who}: the log begins after its end"
        assert (rows["lag_committed"].fillna(0) >= 0).all(), f"{who}: lag below 0"
        assert (rows["lag_position"].fillna(0) >= 0).all(), f"{who}: lag of the position below 0"
        assert (rows["lag_time_s"] >= 0).all(), who
        known = rows["committed"] >= 0
        lag = (rows["log_end"] - rows["committed"])[known]
        assert (lag == rows["lag_committed"][known]).all(), who
        _ascends(rows["log_start"], f"{who}: log start")
        if system not in moved:
            _ascends(rows["log_end"], f"{who}: log end")
            _ascends(rows["committed"][known], f"{who}: committed offset")
    words = {"OK", "WARN", "STOP", "STALL", "REWIND"}
    assert set(tables.burrow["status"]) | set(tables.partitions["status"]) <= words


def _check_faults(faults: pd.DataFrame) -> None:
    assert (faults["t_s"] >= 0).all() and (faults["until_s"] >= faults["t_s"]).all()
    assert (faults["text"].str.len() > 0).all()
    for _, rows in faults.groupby("system"):
        _ascends(rows["t_s"], "time of faults")


def _check_producers(tables: Tables) -> None:
    """Of a publisher: what is accepted is acknowledged, lost or still held."""
    for row in tables.producer.to_dict("records"):
        who = f"publisher of {row['system']}"
        numbers = [v for v in row.values() if isinstance(v, int | float)]
        assert all(value >= 0 for value in numbers), who
        assert row["duplicates_appended"] <= row["appended"], who
        assert row["acked"] <= row["accepted"], f"{who}: more acknowledged than accepted"
        stored = row["appended"] - row["duplicates_appended"]
        assert stored <= row["accepted"], f"{who}: more stored than accepted"
        buffer = tables.buffer[tables.buffer["system"] == row["system"]]
        _ascends(buffer["t_s"], who)
        assert (buffer["remaining"] >= 0).all(), f"{who}: fewer than no records in the buffer"
