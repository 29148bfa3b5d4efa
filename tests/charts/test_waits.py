"""Where the time went, as bars: what is written at them can be read and is true."""

import re
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from helpers.pages import page_of, title_of, words_on
from helpers.run_tables import tables_of
from helpers.tables import Group, build, with_waits
from sim import charts
from sim.charts.inline import contrast, inline
from sim.charts.waits import LOOKS
from sim.engine.waits import TimePart
from sim.words.waits import about_waits

CASES = ("football", "hopeless", "brief", "calm")


@pytest.mark.parametrize("name", CASES)
def test_no_word_is_cut_off_or_lies_on_another(name: str) -> None:
    figure = page_of(charts.waits(with_waits(tables_of(name)), title="A long title " * 12))
    width, height = figure.bbox.size
    boxes = [(text.get_text(), text.get_window_extent()) for text in words_on(figure)]
    for i, (words, box) in enumerate(boxes):
        outside = (box.x0 < -1, box.y0 < -1, box.x1 > width + 1, box.y1 > height + 1)
        assert not any(outside), (words, box)
        for other, at in boxes[i + 1 :]:
            wide = min(box.x1, at.x1) - max(box.x0, at.x0)
            high = min(box.y1, at.y1) - max(box.y0, at.y0)
            assert min(wide, high) < 2, (words, other)


def test_bars_are_shares_in_the_order_of_waiting_and_end_at_all() -> None:
    parts = {TimePart.CAPACITY: 6.0, TimePart.SEND: 1.0, TimePart.WORK: 3.0}
    made = with_waits(build({"s": {"g": Group()}}))
    mean_s = [parts.get(part, 0.0) for part in TimePart]
    waits = made.waits.assign(mean_s=mean_s, slowest_s=[9.0] + [0.0] * (len(TimePart) - 1))
    mean, slowest = charts.waits(replace(made, waits=waits))
    assert [(bar.get_x(), bar.get_width()) for bar in mean.patches] == [
        (0, 10.0), (10.0, 60.0), (70.0, 30.0)
    ]  # fmt: skip
    said = [text.get_text() for text in mean.texts]
    assert said[:4] == ["send 10 %", "all consumers busy 60 %", "work 30 %", "10 s"]
    assert [text.get_text() for text in slowest.texts] == ["producer's buffer 100 %", "9 s"]


@pytest.mark.parametrize("name", CASES)
def test_shares_that_are_written_sum_to_all(name: str) -> None:
    for ax in charts.waits(with_waits(tables_of(name))):
        widths = [bar.get_width() for bar in ax.patches]
        said = [float(n) for t in ax.texts for n in re.findall(r"([\d.]+) %$", t.get_text())]
        told = [width for width in widths if width >= 1]
        assert said == pytest.approx(told, abs=0.500_001)
        bars = round(sum(widths) / 100)
        assert sum(widths) == pytest.approx(100 * bars)


def test_a_group_without_time_has_no_bar_and_says_so() -> None:
    made = with_waits(build({"s": {"g": Group()}}))
    axes = charts.waits(replace(made, waits=made.waits.assign(mean_s=0.0, slowest_s=0.0)))
    assert [text.get_text() for text in axes[1].texts] == ["no time"] and not axes[1].patches


def test_the_title_states_the_finding_and_the_axis_its_scale() -> None:
    tables = with_waits(tables_of("football"))
    axes = charts.waits(tables)
    figure = axes[0].figure
    assert isinstance(figure, Figure) and title_of(figure) == about_waits(tables)
    assert [ax.get_xlabel() for ax in axes] == ["share of the time, linear"] * 2
    assert [ax.get_title(loc="left") for ax in axes] == ["all messages", "the slowest 1 % of them"]


def test_it_draws_on_the_axes_it_is_given() -> None:
    mine = list(Figure(figsize=(12, 3)).subplots(1, 2))
    assert charts.waits(with_waits(tables_of("football")), mine) == mine
    assert all(ax.patches for ax in mine)


def test_it_is_drawn_only_where_there_is_something_to_draw(tmp_path) -> None:
    without, tables = tables_of("brief"), with_waits(tables_of("brief"))
    assert "waits" not in {chart.name for chart in inline(without)}
    (found,) = (chart for chart in inline(tables) if chart.name == "waits")
    assert found.title == about_waits(tables) and len(found.panels) == 1
    files = {path.name for path in charts.write_all(tables, tmp_path, title="")}
    assert "waits.png" in files


def test_each_part_has_a_look_and_words_can_be_read_on_white() -> None:
    assert set(LOOKS) == {*TimePart, None}
    assert len({fill for fill, _ in LOOKS.values()}) == len(LOOKS)
    for _, ink in LOOKS.values():
        assert contrast(ink[1:], "ffffff") >= 4.5


def _grey(colour: str) -> float:
    parts = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return float(parts @ [0.2126, 0.7152, 0.0722])


def test_parts_that_mostly_stand_beside_each_other_differ_without_colour() -> None:
    pairs = [
        (TimePart.BUFFER, TimePart.SEND), (TimePart.SEND, TimePart.UNREACHABLE),
        (TimePart.CAPACITY, TimePart.CALL), (TimePart.CAPACITY, TimePart.HEAD_OF_LINE),
        (TimePart.CALL, TimePart.HELD), (TimePart.HELD, TimePart.SLOWED),
        (TimePart.SLOWED, TimePart.WORK), (TimePart.LOCK, TimePart.BACKOFF),
        (TimePart.BACKOFF, TimePart.ATTEMPT), (TimePart.NO_OWNER, TimePart.LOCK),
    ]  # fmt: skip
    for one, other in pairs:
        assert abs(_grey(LOOKS[one][0]) - _grey(LOOKS[other][0])) > 0.1, (one, other)
