"""The table of the books, as it is printed."""

from pathlib import Path

from rich.console import Console

from helpers.ledger_tables import Variant, ladder, ledger_tables
from helpers.tables import calm
from sim.cli.console import print_result
from sim.measure.tables import Tables
from sim.words.ledger_table import broken

LARGE = Variant(
    lost={"producer buffer": 412_345, "broker failover": 3, "retention": 987_654_321},
    duplicates_appended=412_345,
    double_effects=30_000_000,
    double_postings=412_345,
    violations=999_999,
    illegal_transitions=999_999,
    entities_wrong=999_999,
    misstatement_cents=9_999_999_999,
    throughput=123_456.0,
    p99_s=11_520.0,
)


def table_of(tables: Tables, tmp_path: Path) -> list[str]:
    with (tmp_path / "out").open("w+") as file:
        print_result(tables, "A title", Console(file=file, width=120))
        file.seek(0)
        lines = file.read().split("\n")
    starts = [i for i, line in enumerate(lines) if line.startswith("books of")]
    return [line.rstrip() for line in lines[starts[0] :]] if starts else []


def test_the_table_has_a_row_per_system_in_100_columns(tmp_path: Path) -> None:
    lines = table_of(ladder(), tmp_path)
    assert max(map(len, lines)) <= 100
    row = next(line for line in lines if line.startswith("librdkafka_"))
    numbers = "16,583 16,195 388 1,203 2,210 640 40,123.11 27.6 40 ms"
    assert " ".join(row.split()[1:]) == numbers
    assert "388 buffer 401 posted 2,954 illegal" in " ".join(lines[lines.index(row) + 1].split())


def test_the_table_cuts_no_number_however_large(tmp_path: Path) -> None:
    lines = table_of(ledger_tables({"a_system_with_a_long_name": LARGE, "b": LARGE}), tmp_path)
    body = " ".join(lines[: lines.index("")])
    assert max(map(len, lines)) <= 100 and "…" not in body
    for number in ("988 M", "412,345", "30 M", "999,999", "99,999,999.99", "123,456", "3 h 12 min"):
        assert number in body


def test_runs_without_books_have_no_such_table(tmp_path: Path) -> None:
    assert table_of(calm(), tmp_path) == []


def test_long_names_break_after_their_punctuation() -> None:
    assert broken("flush_then_commit", 12) == ["flush_then_", "commit"]
    assert broken("unpunctuated", 5) == ["unpun", "ctuat", "ed"]
    assert broken("short", 12) == ["short"]
