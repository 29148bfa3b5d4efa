"""What waits at each stage of a pipeline: what is drawn, and that it can be read."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.pages import page_of, title_of, words_on
from helpers.tables import Group, build
from sim.charts.files import names
from sim.charts.inline import inline
from sim.charts.page import style
from sim.charts.pipeline import pipeline
from sim.results.store import read

EXAMPLE = Path(__file__).parents[2] / "results" / "back_pressure" / "example"


@pytest.fixture(scope="module")
def tables():
    return read(EXAMPLE).tables


def test_a_column_for_each_pipeline_with_a_line_for_each_stage(tables):
    with style():
        axes = pipeline(tables)
    assert [ax.get_title(loc="left") for ax in axes[:3]] == [
        "orders_grow > mails_grow", "orders_drop > mails_drop", "orders_wait > mails_wait",
    ]  # fmt: skip
    for ax, column in zip(axes, ("lag",) * 3 + ("time_lag_s",) * 3, strict=True):
        for line in ax.get_lines():
            if "." not in str(line.get_label()):
                continue
            system, group = line.get_label().split(".")
            its = tables.series[(tables.series.system == system) & (tables.series.group == group)]
            highest = np.nanmax(np.asarray(line.get_ydata(), float))
            assert highest <= its[column].max() + 1e-9
    assert {ax.get_xlim() for ax in axes} == {axes[0].get_xlim()}
    assert {ax.get_ylim() for ax in axes[:3]} == {axes[0].get_ylim()}
    assert title_of(page_of(axes)) == (
        "Where most messages wait at one time: mails_grow.mails (445), mails_drop.mails (104), "
        "orders_wait.service (438)"
    )


def test_no_word_lies_on_another_or_is_cut_off(tables):
    with style():
        figure = page_of(pipeline(tables, title="A title"))
        width, height = figure.bbox.size
        boxes = [(text.get_text(), text.get_window_extent()) for text in words_on(figure)]
    for i, (first, a) in enumerate(boxes):
        assert a.x0 >= -1 and a.y0 >= -1 and a.x1 <= width + 1 and a.y1 <= height + 1, first
        for second, b in boxes[i + 1 :]:
            wide = min(a.x1, b.x1) - max(a.x0, b.x0)
            high = min(a.y1, b.y1) - max(a.y0, b.y0)
            assert min(wide, high) < 2, (first, second)


def test_it_is_drawn_of_pipelines_only(tables):
    assert "stages" in names(tables)
    (found,) = (chart for chart in inline(tables) if chart.name == "stages")
    assert len(found.panels) == 1
    alone = build({"s": {"g": Group()}})
    assert "stages" not in names(replace(alone, pipeline=pd.DataFrame()))
