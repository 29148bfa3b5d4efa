"""A page with sliders, from runs that were made before: one static file, without network."""

import json
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from string import Template
from typing import Any


def what_if_page(data: Mapping[str, Any]) -> str:
    """The page.

    Args:
        data: as `sim.studies.what_if.data` makes it.
    """
    text = json.dumps(data, separators=(",", ":"), allow_nan=False).replace("</", "<\\/")
    style = [_file("page.css"), _file("what_if.css"), _file("uplot/uPlot.min.css")]
    script = [_file("uplot/uPlot.iife.min.js"), _file("say.js"), _file("what_if.js")]
    return Template(_file("what_if.html")).substitute(
        scenario=escape(str(data["scenario"])),
        about=escape(str(data["about"] or data["scenario"])),
        runs=f"{len(data['runs']):,}",
        data=text,
        style="\n".join(style),
        script="\n".join(script),
    )


def _file(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
