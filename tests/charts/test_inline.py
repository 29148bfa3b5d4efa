"""Charts inside a page: panels as SVG, and colours that can be seen on black."""

import re

import pytest

from helpers.inlined import inlined
from sim.charts.inline import contrast, on_black
from sim.charts.page import INK, MUTED, PALETTE


def test_panels_of_a_chart_are_pictures_of_their_own() -> None:
    charts = {chart.name: chart for chart in inlined("football")}
    assert [len(charts[name].panels) for name in ("lag", "latency", "loss", "order")] == [
        3,
        3,
        0,
        3,
    ]
    assert not any(panel.wide for panel in charts["lag"].panels)
    assert all(panel.wide for panel in charts["duplicates"].panels)
    whole = "".join(panel.svg for chart in charts.values() for panel in chart.panels)
    assert "<text" in whole and "<image" not in whole and not re.search(r"#[0-9a-f]{6}\b", whole)


def test_panels_say_in_words_what_they_show() -> None:
    lag = next(chart for chart in inlined("football") if chart.name == "lag")
    assert len(lag.panels) == 3
    kafka = lag.panels[-1].alt
    assert kafka.startswith("kafka: ") and "crash analytics 0" in kafka and "max 4,471" in kafka


@pytest.mark.parametrize("colour", [*INK, MUTED, "#222222", "#444444", "#b03030"])
def test_letters_can_be_read_on_black(colour: str) -> None:
    assert contrast(colour[1:], "ffffff") >= 4.5
    assert contrast(on_black(colour[1:]), on_black("ffffff")) >= 4.5


@pytest.mark.parametrize("colour", PALETTE)
def test_lines_can_be_seen_on_black(colour: str) -> None:
    assert contrast(on_black(colour[1:]), on_black("ffffff")) >= 3
