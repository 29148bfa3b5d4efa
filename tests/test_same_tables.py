"""The script that compares tables tells which differ, and where (`tests/tools/same_tables.py`)."""

import pandas as pd
import pytest

from tools import same_tables


@pytest.fixture
def runs(tmp_path):
    """Two stored runs with the same tables."""
    for run in ("kept", "now"):
        (tmp_path / run).mkdir()
        frame = pd.DataFrame({"group": ["a", "b"], "lost": [0, 7], "lag_s": [0.5, float("nan")]})
        frame.to_parquet(tmp_path / run / "summary.parquet")
        frame.to_csv(tmp_path / run / "summary.csv", index=False)
    return tmp_path / "kept", tmp_path / "now"


def test_the_same_tables_do_not_differ(runs):
    assert same_tables.differences(*runs) == []


def test_a_value_is_told_with_table_column_and_row(runs):
    kept, now = runs
    pd.read_parquet(kept / "summary.parquet").assign(lost=[0, 8]).to_parquet(
        now / "summary.parquet"
    )
    assert same_tables.differences(kept, now) == [
        "summary.parquet: lost in 1 of 2 rows, first in row 1: 8 instead of 7"
    ]


def test_a_last_bit_a_type_a_row_and_a_column_are_told(runs):
    kept, now = runs
    frame = pd.read_parquet(kept / "summary.parquet")
    frame.assign(lag_s=[0.5 + 2**-53, None]).to_parquet(now / "summary.parquet")
    frame.head(1).to_csv(now / "summary.csv", index=False)
    assert same_tables.differences(kept, now) == [
        "summary.csv: 1 rows instead of 2",
        "summary.parquet: lag_s in 1 of 2 rows, first in row 0: 0.5000000000000001 instead of 0.5",
    ]
    frame.astype({"lost": "int32"}).to_parquet(now / "summary.parquet")
    assert (
        same_tables.differences(kept, now)[1] == "summary.parquet: lost is int32 instead of int64"
    )
    frame.rename(columns={"lost": "gone"}).to_parquet(now / "summary.parquet")
    assert same_tables.differences(kept, now)[1] == (
        "summary.parquet: other columns (gone: ['lost']; new: ['gone'])"
    )


def test_a_table_that_came_or_went_is_told(runs):
    kept, now = runs
    (kept / "old.parquet").write_bytes(b"x")
    (now / "young.parquet").write_bytes(b"x")
    assert same_tables.differences(kept, now) == [
        "old.parquet: is not written any more",
        "young.parquet: is new",
    ]
    assert same_tables.differences(kept / "nowhere", now) == [
        f"no {kept / 'nowhere'}: `make examples` makes one"
    ]


def test_the_exit_code_is_that_of_the_comparison(monkeypatch, capsys):
    monkeypatch.setattr(same_tables, "differences", lambda kept, now: ["lag.parquet: is new"])
    assert same_tables.main(["per_message_routing"]) == 1
    first, last = capsys.readouterr().out.splitlines()
    assert first == "per_message_routing: lag.parquet: is new"
    assert last.endswith("tables of 1 scenarios: 1 differ")
    assert same_tables.main(["no_such_scenario"]) == 2
    assert "no_such_scenario" in capsys.readouterr().err
