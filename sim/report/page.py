"""A run as one page to send around: it needs no network and no other file.

What the numbers say comes first; then the table, the charts, what happened when, the books, and
what repeats the run. The page is HTML that reads well without its style and its script.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Any

from sim.foundation.document import dumped
from sim.foundation.text import clock, duration
from sim.report.why import CHART, LINK, section
from sim.words.findings import headline, keeping_up
from sim.words.ladder import about_books, ledger_finding, rungs
from sim.words.ledger_table import HEADINGS, ledger_rows, ledger_values
from sim.words.opening import cells, columns, findings_of_groups, numbers
from sim.words.shown import about
from sim.words.timeline import resolution_s, timeline, when, whom
from sim.words.waits import acted, often, said, splits

if TYPE_CHECKING:
    from sim.charts.inline import Inline, Panel
    from sim.measure.tables import Tables

REPORT = "report.html"
"""Its name in the folder of a result."""
Row = Sequence[str]
OVERVIEW = "overview"
"""The chart with which the report opens."""
TIME_CHARTS = ("waits",)
"""Charts of the section on where the time went; those of `why` have one of their own, too."""
ELSEWHERE = (OVERVIEW, *TIME_CHARTS, CHART)
"""Charts that do not stand among the others."""
WAITS_LINK = '<li><a href="#waits">Time</a></li>\n'
BOOKS_LINK = '<li><a href="#books">Books</a></li>\n'


def page(
    tables: "Tables",
    about: Mapping[str, Any],
    charts: Sequence["Inline"] = (),
    *,
    label: str = "",
    why: Mapping[str, Any] | None = None,
) -> str:
    """The report of a run.

    Args:
        tables: of the run.
        about: its manifest.
        charts: from `sim.charts.inline`; without any, the page says how to draw them.
        label: ``scenario/run``, as commands name it.
        why: an explanation as plain data (`sim.causes.words.as_data`), whose chart is among the
            others; None: the run was not explained.
    """
    content = about["content"]
    title = content.get("about") or about["scenario"]
    return Template(_file("page.html")).substitute(
        title=escape(f"{about['scenario']}: {title}"),
        scenario=escape(about["scenario"]),
        about=escape(title),
        headline=escape(headline(tables.summary, tables.duration_s, tables.shown)),
        findings="\n".join(f"<p>{escape(words)}</p>" for words in _paragraphs(tables)),
        needs=_section("Needs", about.get("needs", ())),
        warnings=_section("Warnings", about.get("warnings", ())),
        why=section(why, "".join(_figure(one) for one in charts if one.name == CHART)),
        why_link=LINK if why is not None else "",
        summary=_summary(tables),
        waits=_waits(tables, charts),
        waits_link=WAITS_LINK if len(tables.waits) else "",
        limits=_limits(tables),
        overview="".join(_figure(one) for one in charts if one.name == OVERVIEW),
        charts=_charts([one for one in charts if one.name not in ELSEWHERE], label),
        timeline=_timeline(tables),
        books=_books(tables),
        books_link=BOOKS_LINK if len(tables.ledger) else "",
        command=escape(about["command"]),
        manifest=_manifest(about),
        content=escape(dumped(content)),
        style=_style(charts),
        script=_script(charts),
    )


def _file(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _style(charts: Sequence["Inline"]) -> str:
    zooms = _file("uplot/uPlot.min.css") if _numbered(charts) else ""
    return _file("page.css") + zooms + _colours(charts)


def _script(charts: Sequence["Inline"]) -> str:
    """With uPlot, which draws enlarged charts: 51 kB, where Vega-Lite has 770 and Plotly 4,600."""
    parts = ["uplot/uPlot.iife.min.js", "say.js", "charts.js"] if _numbered(charts) else []
    return "\n".join(map(_file, ["page.js", *parts]))


def _numbered(charts: Sequence["Inline"]) -> bool:
    return any(panel.plots for chart in charts for panel in chart.panels)


def _paragraphs(tables: "Tables") -> list[str]:
    """The findings, less the sentences that the headline has begun with; and the books."""
    first, *others = findings_of_groups(tables)
    said = about(tables.shown) or keeping_up(tables.summary, tables.duration_s)
    first = first.removeprefix(f"{said}. ")
    words = [first, *others]
    return [*words, f"{about_books(rungs(tables))}."] if len(tables.ledger) else words


def _section(heading: str, said: Sequence[str]) -> str:
    """A list under its heading; nothing, if there is nothing to say."""
    if not said:
        return ""
    name = heading.lower()
    lines = "".join(f"<li>{escape(words)}</li>\n" for words in said)
    return (
        f'<section aria-labelledby="{name}">\n<h2 id="{name}">{heading}</h2>\n'
        f"<ul>\n{lines}</ul>\n</section>\n"
    )


def _summary(tables: "Tables") -> str:
    rows = [[system, group, *texts] for system, group, texts in cells(tables)]
    caption = "Each group of each system. Numbers are messages unless they have a unit."
    headings = ["system", "group", *columns(tables)]
    return _table(caption, headings, rows, numbers(tables), heads=2)


def _books(tables: "Tables") -> str:
    if not len(tables.ledger):
        return ""
    caption = (
        "The books of each system, in the order of the scenario: messages, entities in a wrong "
        "final state, and money. Below a number is what it consists of."
    )
    table = _table(caption, ["system", *HEADINGS], ledger_rows(tables), ledger_values(tables))
    steps = "".join(f"<li>{escape(line)}</li>\n" for line in ledger_finding(tables).split("\n"))
    return (
        f'<section aria-labelledby="books">\n<h2 id="books">Books</h2>\n{table}\n'
        f'<ul class="steps">\n{steps}</ul>\n</section>'
    )


def _waits(tables: "Tables", charts: Sequence["Inline"]) -> str:
    if not len(tables.waits):
        return ""
    rows = [
        [
            split.system,
            split.group,
            *(
                text
                for parts_s in (split.mean_s, split.slowest_s)
                for text in (_whole(duration(sum(parts_s.values()))), said(parts_s))
            ),
        ]
        for split in splits(tables.waits)
    ]
    caption = (
        "From creation to first effect, of the messages that were processed; where there are many, "
        "of blocks of them from all of the run. Parts under 3 % are not named."
    )
    headings = ["system", "group", "mean", "its parts", "slowest 1 %", "parts of the slowest"]
    table = _table(caption, headings, rows, heads=2, words=True)
    figures = "\n".join(
        _figure(chart) for chart in charts if chart.name in TIME_CHARTS and chart.panels
    )
    return (
        '<section aria-labelledby="waits">\n<h2 id="waits">Where the time went</h2>\n'
        f"{figures}\n{table}\n</section>\n"
    )


def _whole(words: str) -> str:
    """Words that stay on one line."""
    return words.replace(" ", "\N{NO-BREAK SPACE}")


def _limits(tables: "Tables") -> str:
    if not len(tables.limits):
        return ""
    finest_s = resolution_s(tables)
    rows = [
        [
            limit.system,
            limit.group,
            limit.key,
            limit.value,
            limit.whom or "all",
            limit.what,
            _whole(often(limit.times)),
            clock(limit.first_s, finest_s),
            clock(limit.last_s, finest_s),
        ]
        for limit in acted(tables.limits)
    ]
    caption = "Each limit that held up, struck or ended anything, by when it first did."
    headings = ["system", "group", "limit", "value", "whom", "what it did", "how often"]
    table = _table(caption, [*headings, "first", "last"], rows, heads=2, words=True)
    return (
        '<section aria-labelledby="limits">\n<h2 id="limits">Limits that acted</h2>\n'
        f"{table}\n</section>\n"
    )


def _timeline(tables: "Tables") -> str:
    systems = [str(system) for system in tables.summary["system"].unique()]
    finest_s = resolution_s(tables)
    events = timeline(tables)
    rows = [[when(event, finest_s), whom(event, systems), event.what] for event in events]
    caption = "Times since the start. What was done to a system is in bold."
    faults = [event.fault for event in events]
    return _table(caption, ["time", "system", "what happened"], rows, bold=faults, words=True)


def _manifest(about: Mapping[str, Any]) -> str:
    took = about.get("wall_s", {})
    rows = [
        ["scenario", f"{about['scenario']}, content {about['hash']}"],
        ["seed", str(about["seed"])],
        ["scale", str(about["scale"])],
        ["finished", about["finished"]],
        ["took", ", ".join(f"{name} {duration(s)}" for name, s in took.items())],
        ["versions", ", ".join(f"{name} {v}" for name, v in about["versions"].items())],
    ]
    return _table("What identifies the run.", ["what", "value"], rows, words=True)


def _table(
    caption: str,
    headings: Row,
    rows: Sequence[Row],
    values: Sequence[Sequence[float]] = (),
    *,
    heads: int = 1,
    bold: Sequence[bool] = (),
    words: bool = False,
) -> str:
    """A table that scrolls sideways where it does not fit.

    The first `heads` columns name the rows. By `values`, those of the other columns, it can be
    sorted; a table of `words` has no numbers to line up.
    """
    kinds = {"sortable": len(values) > 0, "words": words, "pair": heads == 2}
    head = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in headings)
    body = []
    for i, row in enumerate(rows):
        numbers = [*[None] * heads, *values[i]] if len(values) else [None] * len(row)
        cells = [_cell(text, k < heads, numbers[k]) for k, text in enumerate(row)]
        mark = ' class="fault"' if i < len(bold) and bold[i] else ""
        body.append(f"<tr{mark}>{''.join(cells)}</tr>\n")
    name = f"about-{headings[-1].replace(' ', '-')}"
    classes = " ".join(kind for kind, on in kinds.items() if on)
    return (
        f'<p class="caption" id="{name}">{escape(caption)}</p>\n'
        f'<div class="scroll" tabindex="0" role="group" aria-labelledby="{name}">\n'
        f'<table class="{classes}" aria-labelledby="{name}">\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{''.join(body)}</tbody>\n</table>\n</div>"
    )


def _cell(text: str, head: bool, number: float | None) -> str:
    """The first line of `text`, the others in small letters below it; `number` is to sort by."""
    first, *rest = text.split("\n")
    words = escape(first) + "".join(f"<br><small>{escape(line)}</small>" for line in rest)
    if head:
        return f'<th scope="row">{words}</th>'
    none = ' class="none"' if number == 0 else ""
    sort = "" if number is None else f' data-v="{_for_script(number)}"'
    return f"<td{none}{sort}>{words}</td>"


def _for_script(number: float) -> str:
    return "Infinity" if math.isinf(number) else "NaN" if math.isnan(number) else f"{number:.12g}"


def _charts(charts: Sequence["Inline"], label: str) -> str:
    if not charts:
        return (
            f"<p>Not drawn; <code>sim report {escape(label)}</code> writes this page with them.</p>"
        )
    nothing = "".join(f"<li>{escape(chart.title)}.</li>\n" for chart in charts if not chart.panels)
    without = f"<p>Without a chart, as there is nothing to draw:</p>\n<ul>\n{nothing}</ul>"
    shown = [_figure(chart) for chart in charts if chart.panels]
    return "\n".join([*shown, without] if nothing else shown)


def _figure(chart: "Inline") -> str:
    """An element of a chart with its words; the overview's title is that of the report."""
    title = f"<h3>{escape(chart.title)}</h3>\n" if chart.name != OVERVIEW else ""
    words = f"{title}<p>{escape(chart.subtitle)}</p>"
    panels = "\n".join(
        f'<div class="{"wide" if panel.wide else "panel"}">{panel.svg}{_plots(panel)}</div>'
        for panel in chart.panels
    )
    note = f"\n<p class=note>{escape(chart.note)}</p>" if chart.note else ""
    return (
        f'<figure id="chart-{chart.name}">\n<figcaption>{words}{note}</figcaption>\n'
        f'<div class="panels">\n{panels}\n</div>\n</figure>'
    )


def _plots(panel: "Panel") -> str:
    """The numbers of a panel, for the script."""
    if not panel.plots:
        return ""
    text = json.dumps(panel.plots, separators=(",", ":")).replace("</", "<\\/")
    return f'<script type="application/json">{text}</script>'


def _colours(charts: Iterable["Inline"]) -> str:
    """The variables in which the charts name their colours, on white and on black."""
    if not charts:
        return ""
    from sim.charts.inline import colours

    known = colours(panel.svg for chart in charts for panel in chart.panels)
    light = "".join(f"{name}:{on_white};" for name, (on_white, _) in known.items())
    dark = "".join(f"{name}:{on_black};" for name, (_, on_black) in known.items())
    return f":root{{{light}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
