"""A chart as a picture in a notebook."""

from io import BytesIO

import numpy as np
from matplotlib.colors import to_hex
from PIL import Image

from helpers.tables import (
    Group,
    build,
)
from sim import charts
from sim.charts import picture as pictures
from sim.charts.page import INK


def test_a_picture_in_few_colours_keeps_those_of_the_groups() -> None:
    groups = ("counters", "leaderboard", "analytics", "notifications", "fraud", "audit")
    capacities = {name: Group(capacity=150.0 + 30 * i) for i, name in enumerate(groups)}
    picture = pictures.Picture.of(charts.lag, build({"sqs": capacities}))
    (ax,) = picture
    drawn = {to_hex(line.get_color()) for line in ax.lines if len(line.get_xdata()) > 10}  # type: ignore[arg-type]
    assert len(drawn) == len(groups)
    image = Image.open(BytesIO(picture._repr_png_())).convert("RGB")
    shown = {"#{:02x}{:02x}{:02x}".format(*colour) for _, colour in image.getcolors(1 << 16)}  # type: ignore[union-attr,misc]
    assert {*drawn, "#ffffff"} <= shown and len(shown) <= pictures.COLOURS
    assert len({ink.lower() for ink in INK} & shown) >= len(groups) - 1


PNG = b"\x89PNG"


def test_a_picture_is_the_same_bytes_each_time_and_names_no_version(result):
    first, second = (result.plot.time_lag()._repr_png_() for _ in range(2))
    assert first == second and first.startswith(PNG)
    assert b"matplotlib" not in first.lower() and b"tIME" not in first


def test_a_picture_is_saved_in_the_format_of_its_name(result, tmp_path):
    assert result.plot.lag().save(tmp_path / "lag.svg").read_text().startswith("<?xml")


def test_a_colour_becomes_the_nearest_of_the_few():
    image = Image.new("RGB", (40, 40), "white")
    for i in range(40):
        for j in range(40):
            image.putpixel((i, j), (6 * i, 6 * j, 3 * (i + j)))
    few = pictures._with_few_colours(image)
    palette = np.array(few.getpalette("RGB")).reshape(-1, 3)
    few_pixels, pixels = np.asarray(few.convert("RGB")), np.asarray(image)
    for at in ((0, 0), (3, 30), (39, 39), (20, 7)):
        away = ((palette - pixels[at].astype(int)) ** 2).sum(axis=1)
        assert ((few_pixels[at] - pixels[at].astype(int)) ** 2).sum() == away.min()
