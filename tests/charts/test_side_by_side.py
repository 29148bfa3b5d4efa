"""The overview: every system in columns, what is measured in rows."""

import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.text import Text

from helpers.pages import page_of, title_of, words_on
from helpers.run_tables import tables_of
from helpers.tables import (
    Group,
    build,
    three_groups,
)
from sim import charts
from sim.charts.side_by_side import overview
from sim.results.store import read

EXAMPLES = Path(__file__).parents[2] / "results"


def test_the_overview_shares_time_everywhere_and_values_along_each_row() -> None:
    axes = np.array(charts.overview(tables_of("football")).axes).reshape(3, 3)
    assert len({ax.get_xlim() for ax in axes.flat}) == 1
    for row in axes:
        assert len({ax.get_ylim() for ax in row}) == 1
        assert row[0].get_shared_y_axes().joined(row[0], row[2])
    assert len({row[0].get_ylim() for row in axes}) == 3


@pytest.mark.parametrize(("slow", "level"), [("sqs", "kafka"), ("kafka", "sqs")])
def test_the_overview_is_titled_after_whoever_is_slow(slow: str, level: str) -> None:
    tables = build(
        {slow: three_groups(capacity=150.0), level: three_groups(capacity=2_000.0)},
    )
    title = title_of(charts.overview(tables))
    assert re.match(rf"{slow} needs .* to drain; {level} is at most .* behind$", title)


@pytest.mark.parametrize(("systems", "columns"), [(7, 4), (11, 4)])
def test_the_overview_of_many_systems_is_no_wider_and_shares_its_axes(
    systems: int, columns: int
) -> None:
    tables = build({f"s{i}": {"g": Group(capacity=100.0 * (i + 1))} for i in range(systems)})
    figure = page_of(charts.overview(tables))
    assert figure.get_figwidth() < 14
    assert len(figure.axes) == 3 * systems
    titled = {ax.get_title(loc="left"): ax for ax in figure.axes if ax.get_title(loc="left")}
    assert list(titled) == [f"s{i}" for i in range(systems)]
    across = {round(ax.get_position().x0, 6) for ax in titled.values()}
    assert len(across) == columns
    assert len({ax.get_xlim() for ax in figure.axes}) == 1
    rows: dict[float, set[Axes]] = {}
    for ax in figure.axes:
        rows.setdefault(round(ax.get_position().y0, 6), set()).add(ax)
    blocks = -(-systems // columns)
    for kind in range(3):
        high = [rows[y] for y in sorted(rows, reverse=True)][kind::3]
        assert len(high) == blocks
        alike = [ax for row in high for ax in row]
        assert len(alike) == systems and len({ax.get_ylim() for ax in alike}) == 1
        assert all(alike[0].get_shared_y_axes().joined(alike[0], ax) for ax in alike)
    said = [text.get_text() for text in words_on(figure)]
    assert said.count("time to drain") == said.count("Lag or depth") == blocks


def test_the_strip_names_a_group_that_the_number_is_of() -> None:
    example = Path(__file__).parents[2] / "results" / "slow_group" / "example"
    figure = page_of(overview(read(example).tables))
    words = [text.get_text() for text in words_on(figure)]
    first = words.index("150 ms")
    assert words[first + 1] == "billing"


def test_title_and_strip_agree_on_messages_that_were_never_processed() -> None:
    tables = read(EXAMPLES / "postgres_or_kafka" / "example").tables
    figure = charts.overview(tables)
    said = [text.get_text() for text in figure.findobj(Text)]
    assert any(words.startswith("p99: never in pg_boss") for words in said)
    assert said.count("never") == 2 and "p99" in said
    left = read(EXAMPLES / "poison_message" / "example").tables
    said = [text.get_text() for text in charts.overview(left).findobj(Text)]
    assert "p99 of processed" in said and "p99" not in said
