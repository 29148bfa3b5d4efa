"""Charts as files."""

import os
import sys
from functools import partial
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib.font_manager import FontProperties, fontManager

from helpers.run_tables import tables_of
from helpers.tables import (
    calm,
)
from sim import charts
from sim.charts.files import get_ready, on_two_cores


def test_write_all_writes_each_chart_that_shows_something_and_the_same_bytes_again(
    tmp_path: Path,
) -> None:
    tables = tables_of("calm")
    both = ("png", "svg")
    files = charts.write_all(tables, tmp_path / "a" / "charts", title="Calm", formats=both)
    drawn = {"overview", *charts.CHARTS} - {"loss", "duplicates", "order"}
    names = {f"{name}.{kind}" for name in drawn for kind in both}
    assert {file.name for file in files} == names
    assert {file.name for file in (tmp_path / "a" / "charts").iterdir()} == names
    again = charts.write_all(calm(), tmp_path / "b", title="Calm", formats=both)
    for one, two in zip(files, again, strict=True):
        assert one.read_bytes() == two.read_bytes(), one.name
        assert one.stat().st_size > 5_000


def test_files_do_not_depend_on_the_users_own_style(tmp_path: Path) -> None:
    tables = tables_of("brief")
    one = charts.write_all(tables, tmp_path / "a", title="")
    with mpl.rc_context({"font.size": 30, "savefig.dpi": 20, "svg.hashsalt": "mine"}):
        two = charts.write_all(tables, tmp_path / "b", title="")
        assert mpl.rcParams["font.size"] == 30
    assert [file.read_bytes() for file in one] == [file.read_bytes() for file in two]


def test_two_cores_give_results_in_the_order_of_the_jobs() -> None:
    assert on_two_cores([partial(pow, 3, n) for n in range(9)]) == [3**n for n in range(9)]
    if sys.platform == "linux":
        assert os.getpid() not in on_two_cores([os.getpid] * 3)


def test_what_goes_wrong_on_two_cores_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        on_two_cores([partial(divmod, 1, 0), partial(divmod, 1, 1)])


def test_getting_ready_finds_the_fonts_and_leaves_the_users_style(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = set()
    find = fontManager._find_fonts_by_props

    def noted(prop: FontProperties, *args: object, **how: object) -> object:
        asked.add((*prop.get_family(), prop.get_weight()))
        return find(prop, *args, **how)

    monkeypatch.setattr(fontManager, "_find_fonts_by_props", noted)
    with mpl.rc_context({"font.family": "serif"}):
        get_ready()
        assert mpl.rcParams["font.family"] == ["serif"]
    assert {("DejaVu Sans", "normal"), ("DejaVu Sans", "bold")} <= asked
