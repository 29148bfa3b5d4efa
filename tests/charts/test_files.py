"""Charts as files."""

from pathlib import Path

from helpers.run_tables import tables_of
from helpers.tables import (
    calm,
)
from sim import charts


def test_write_all_writes_each_chart_twice_and_the_same_bytes_again(tmp_path: Path) -> None:
    tables = tables_of("calm")
    files = charts.write_all(tables, tmp_path / "a" / "charts", title="Calm")
    names = {f"{name}.{kind}" for name in (*charts.CHARTS, "overview") for kind in ("png", "svg")}
    assert {file.name for file in files} == names
    assert {file.name for file in (tmp_path / "a" / "charts").iterdir()} == names
    again = charts.write_all(calm(), tmp_path / "b", title="Calm")
    for one, two in zip(files, again, strict=True):
        assert one.read_bytes() == two.read_bytes(), one.name
        assert one.stat().st_size > 5_000


def test_files_do_not_depend_on_the_users_own_style(tmp_path: Path) -> None:
    import matplotlib as mpl

    tables = tables_of("brief")
    one = charts.write_all(tables, tmp_path / "a", title="")
    with mpl.rc_context({"font.size": 30, "savefig.dpi": 20, "svg.hashsalt": "mine"}):
        two = charts.write_all(tables, tmp_path / "b", title="")
        assert mpl.rcParams["font.size"] == 30
    assert [file.read_bytes() for file in one] == [file.read_bytes() for file in two]
