"""A drawn page as a reader sees it: its words and its title."""

import re

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text


def page_of(drawn: list[Axes] | Figure) -> Figure:
    figure = drawn if isinstance(drawn, Figure) else drawn[0].figure
    assert isinstance(figure, Figure)
    FigureCanvasAgg(figure).draw()  # type: ignore[no-untyped-call]
    return figure


def words_on(figure: Figure) -> list[Text]:
    """What is written on a page that was drawn; tick labels beyond the limits are not."""
    unseen: set[Text] = set()
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
                if not low <= tick.get_loc() <= high or not ax.get_visible():
                    unseen |= {tick.label1, tick.label2}
        if not ax.get_visible():
            unseen.update(ax.findobj(Text))
    return [
        text
        for text in figure.findobj(Text)
        if isinstance(text, Text)
        and text not in unseen
        and text.get_visible()
        and re.search(r"\w", text.get_text())
    ]


def title_of(figure: Figure) -> str:
    return figure.texts[0].get_text().replace("\n", " ")
