"""The part of a report that `sim explain` adds: causes that were shown to be some."""

from collections.abc import Mapping
from html import escape
from typing import Any

WHY = "why.json"
"""Name of an explanation in the folder of a result, as plain data."""
LINK = '<li><a href="#why">Why</a></li>\n'
CHART = "remedies"
"""Name of its chart."""


def section(why: Mapping[str, Any] | None, figure: str) -> str:
    """What each group's harms are and what they go away without; "" without an explanation.

    Args:
        why: as `sim.causes.words.as_data` makes it; None: nobody asked.
        figure: the chart as an element; "": none.
    """
    if why is None:
        return ""
    groups = "\n".join(_group(group) for group in why["groups"] if group["harms"])
    return (
        f'<section aria-labelledby="why">\n<h2 id="why">Why, as shown by runs</h2>\n'
        f"<p>{escape(why['said'])}</p>\n{groups}\n{figure}\n</section>\n"
    )


def _group(group: Mapping[str, Any]) -> str:
    first, *others = group["harms"]
    said = "; ".join(harm["said"] for harm in (first, *others))
    causes = "".join(f"<li>{escape(cause['said'])}</li>\n" for cause in first["causes"])
    told = f"<ol>\n{causes}</ol>" if causes else "<p>Nothing that was tried takes it away.</p>"
    return f"<h3>{escape(group['system'])}.{escape(group['group'])}: {escape(said)}</h3>\n{told}"
