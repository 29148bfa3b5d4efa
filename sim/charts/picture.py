"""A chart that a notebook can show, and a script can go on drawing on."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image, ImageColor

from sim.charts.page import INK, PALETTE, style

DPI = 88
"""Of the picture in a notebook."""
COLOURS = 128
"""Enough for lines and letters with smooth edges."""
OWN = ["#ffffff", *PALETTE, *INK]
"""Kept as they are, so that no two of them become one where a picture has little of either."""


class Picture(list[Axes]):
    """The axes of a chart, in the order of its panels. A notebook shows their figure."""

    @classmethod
    def of(cls, draw: Callable[..., list[Axes] | Figure], *args: Any, **how: Any) -> "Picture":
        """What `draw` makes of the arguments, in the lab's style."""
        with style(dpi=DPI):
            drawn = draw(*args, **how)
        return cls(drawn.axes if isinstance(drawn, Figure) else drawn)

    @property
    def figure(self) -> Figure:
        """The page that the axes are on."""
        figure = self[0].figure
        assert isinstance(figure, Figure)
        return figure

    def save(self, path: str | Path, dpi: int = 150) -> Path:
        """Write the picture, in the format of the name's suffix; returns the path."""
        with style():
            self.figure.savefig(path, dpi=dpi)
        return Path(path)

    def __repr__(self) -> str:
        return f"<a picture of {len(self)} panels>"

    def _repr_png_(self) -> bytes:
        if self.figure.canvas.__class__ is not FigureCanvasAgg:
            FigureCanvasAgg(self.figure)
        drawn, png = BytesIO(), BytesIO()
        with style():
            self.figure.savefig(drawn, format="png", dpi=DPI, pil_kwargs={"compress_level": 1})
        # A third of the bytes, and no version or date in them.
        _with_few_colours(Image.open(drawn).convert("RGB")).save(png, "PNG", optimize=True)
        return png.getvalue()


def _with_few_colours(image: Image.Image) -> Image.Image:
    """The picture with each colour replaced by the nearest of `COLOURS`, of which `OWN` are some.

    Pillow alone takes a near colour for the nearest, so that white may turn grey.
    """
    chosen = image.quantize(COLOURS - len(OWN)).getpalette("RGB") or []
    own = [part for colour in OWN for part in ImageColor.getrgb(colour)]
    palette = np.array([*own, *chosen][: 3 * COLOURS]).reshape(-1, 3)
    colours = np.array([colour for _, colour in image.getcolors(image.width * image.height) or []])
    away = ((colours[:, None] - palette) ** 2).sum(axis=2)
    # A place for every colour there is, of which few are touched: a hundredth of the time to sort.
    nearest = np.zeros(1 << 24, np.uint8)
    nearest[_number(colours)] = away.argmin(axis=1)
    few = Image.fromarray(nearest[_number(np.asarray(image))])
    few.putpalette(palette.astype(np.uint8).tobytes())
    return few


def _number(colours: NDArray[Any]) -> NDArray[np.uint32]:
    """[...] each colour of [..., 3] as one number below 2**24."""
    red, green, blue = np.moveaxis(colours.astype(np.uint32), -1, 0)
    return np.asarray((red << 16) | (green << 8) | blue)
