"""What is said first of a run: a row per group, and what the numbers come to in words.

The same columns for a terminal, a notebook and a page.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from math import isinf, nan
from textwrap import fill
from typing import NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sim.foundation.text import count, duration
from sim.measure.tables import Tables
from sim.words.findings import about_busy_key, finding
from sim.words.ladder import ledger_finding
from sim.words.ledger_table import HEADINGS, broken, ledger_rows, ledger_table
from sim.words.limits import limits_that_acted
from sim.words.pipeline import end_to_end
from sim.words.shown import column_of, of_some
from sim.words.shown import heading as heading_of
from sim.words.shown import say as how_to_say
from sim.words.timeline import resolution_s
from sim.words.waits import where_time_went

COLUMNS: Mapping[str, tuple[str, Callable[[float], str]]] = {
    "processed": ("processed", count),
    "lost": ("lost", count),
    "dead-lettered": ("dead_lettered", count),
    "unfinished": ("unfinished", count),
    "lag or depth": ("max_lag", count),
    "age of oldest": ("max_time_lag_s", duration),
    "time to drain": ("drain_s", lambda s: "never" if isinf(s) else duration(s)),
    "p99": ("latency_p99_s", duration),
    "duplicates applied": ("double_effects", count),
    "out of order": ("violations", count),
}
"""Heading -> column of the summary, and how to say it; `results/glossary.md` explains the terms."""
SELDOM = ("dead-lettered", "unfinished")
"""Columns that stand there only where one of the groups has some."""


class SummaryColumn(NamedTuple):
    """A column of the table: a number for each group."""

    values: list[float]
    """[groups]"""
    say: Callable[[float], str]


def columns(tables: Tables, *, alike: bool = False) -> dict[str, SummaryColumn]:
    """The columns of the table by their headings; what the scenario is about is the first.

    ``alike``: those that every run has, for several in one table.
    """
    summary, shown = tables.summary, tables.shown
    out = {
        heading: SummaryColumn([float(value) for value in summary[column]], say)
        for heading, (column, say) in COLUMNS.items()
        if alike or heading not in SELDOM or summary[column].any()
    }
    if alike or not len(shown):
        return out
    same = {column: heading for heading, (column, _) in COLUMNS.items()}
    heading = same.get(column_of(shown), heading_of(shown))
    if heading in out:
        return {heading: out[heading], **out}
    by_group = shown.set_index(["system", "group"])["value"].to_dict()
    whose = zip(summary["system"], summary["group"], strict=True)
    values = [float(by_group.get(group, nan)) for group in whose]
    return {heading: SummaryColumn(values, how_to_say(shown)), **out}


def findings_of(tables: Tables) -> list[str]:
    """What the numbers say, in paragraphs: of every group, then of the books if there are any."""
    words = findings_of_groups(tables)
    return [*words, ledger_finding(tables)] if len(tables.ledger) else words


def findings_of_groups(tables: Tables) -> list[str]:
    """What the numbers say of every group, in paragraphs."""
    words = (
        finding(
            tables.summary,
            duration_s=tables.duration_s,
            faults=tables.faults,
            shown=tables.shown,
            waits=tables.waits,
            limits=tables.limits,
        ),
        # Of the latency of some, the scenario says it exactly; this is from a sample.
        "" if of_some(tables.shown) else about_busy_key(tables.messages),
        " ".join(end_to_end(tables.pipeline)),
    )
    return [paragraph for paragraph in words if paragraph]


def numbers(tables: Tables) -> list[list[float]]:
    """A number per column, for each group."""
    return [
        list(row) for row in zip(*(its.values for its in columns(tables).values()), strict=True)
    ]


def cells(tables: Tables, *, alike: bool = False) -> Iterator[tuple[str, str, list[str]]]:
    """System, group, and a text per column, for each group; see `columns`."""
    found = columns(tables, alike=alike).values()
    texts = [[its.say(value) for value in its.values] for its in found]
    who = zip(tables.summary["system"], tables.summary["group"], strict=True)
    for (system, group), row in zip(who, zip(*texts, strict=True), strict=True):
        yield str(system), str(group), list(row)


NAMES = "system / group"


def _beside(wide: Mapping[str, int], room: int) -> list[list[str]]:
    """Which columns stand beside each other, and which below them.

    Args:
        wide: letters that each column needs.
        room: for columns and the two spaces in front of each.
    """
    blocks: list[list[str]] = [[]]
    left = room
    for heading, width in wide.items():
        if blocks[-1] and width + 2 > left:
            blocks.append([])
            left = room
        blocks[-1].append(heading)
        left -= width + 2
    return blocks


def print_summary(tables: Tables, title: str, page: Console) -> None:
    """Print the summary, the books' table if there are any, and the findings, to fit `page`.

    Where the page is too narrow for all columns, the others follow below: no number is cut.
    """
    rows = list(cells(tables))
    said = dict(zip(columns(tables), zip(*(row for _, _, row in rows), strict=True), strict=True))
    wide = {name: max(map(len, [*name.split(), *texts])) for name, texts in said.items()}
    for block, headings in enumerate(_beside(wide, page.width - len(NAMES))):
        if block:
            page.print()
        table = Table(
            box=box.SIMPLE_HEAD,
            title=None if block else Text(title),
            title_justify="left",
            pad_edge=False,
            padding=(0, 0, 0, 1),
            show_edge=False,
        )
        room = max(page.width - sum(wide[heading] + 2 for heading in headings), len(NAMES))
        table.add_column(NAMES, no_wrap=True)
        for heading in headings:
            lines = Text(heading.replace(" ", "\n"))
            table.add_column(lines, justify="right", no_wrap=True, min_width=wide[heading])
        at = [list(said).index(heading) for heading in headings]
        before = None
        for system, group, row in rows:
            if system != before:
                table.add_row(Text("\n".join(broken(system, room)), style="bold"))
            name = Text("\n".join(f"  {part}" for part in broken(group, room - 2)))
            table.add_row(name, *(row[i] for i in at))
            before = system
        page.print(table)
    _print_why(tables, page)
    for words in findings_of_groups(tables):
        page.print()
        page.print(words)
    if len(tables.ledger):
        page.print()
        page.print(ledger_table(tables, page.width))
        page.print()
        page.print(ledger_finding(tables))


_HTML_WIDTH = 120
"""Letters of a line that a browser breaks where it likes."""
INDENT = 2
"""Spaces before lines below a heading."""


def _why(tables: Tables, width: int) -> Iterator[tuple[str, list[str]]]:
    """Headings and lines: where the time of systems that fall behind went, which limits acted."""
    yield "Where the time went:", where_time_went(tables, width)
    yield "Limits that acted:", limits_that_acted(tables, resolution_s(tables))


def _print_why(tables: Tables, page: Console) -> None:
    for heading, lines in _why(tables, page.width - INDENT):
        if lines:
            page.print(f"\n{heading}")
        for line in lines:
            page.print(
                fill(
                    line,
                    page.width,
                    initial_indent=" " * INDENT,
                    subsequent_indent=" " * 2 * INDENT,
                    break_long_words=False,
                    break_on_hyphens=False,
                )
            )


def html_summary(
    tables: Tables, title: str, warnings: Sequence[str] = (), needs: Sequence[str] = ()
) -> str:
    """Findings, needs, summary, books if there are any, and warnings, as HTML without colours."""
    rows = [(f"{system}.{group}", row) for system, group, row in cells(tables)]
    parts = [f"<p><strong>{escape(title)}</strong></p>"]
    parts += [f"<p>{escape(words)}</p>" for words in [*findings_of(tables), *needs]]
    parts.append(html_table(["", *columns(tables)], [[name, *row] for name, row in rows]))
    for heading, lines in _why(tables, _HTML_WIDTH):
        if lines:
            parts.append(f"<p>{'<br>'.join(map(escape, [heading, *lines]))}</p>")
    if len(tables.ledger):
        parts.append(html_table(["books of", *HEADINGS], ledger_rows(tables)))
    parts += [f"<p>Warning: {escape(words)}</p>" for words in warnings]
    return "\n".join(parts)


def html_table(headings: list[str], rows: list[list[str]]) -> str:
    """A table whose first column names the rows; the others are flush right."""

    def line(texts: list[str], tag: str) -> str:
        first, *others = (escape(text).replace("\n", "<br>") for text in texts)
        right = "".join(f'<{tag} style="text-align:right">{text}</{tag}>' for text in others)
        return f'<tr><th style="text-align:left">{first}</th>{right}</tr>'

    body = "\n".join(line(row, "td") for row in rows)
    return f"<table>\n<thead>{line(headings, 'th')}</thead>\n<tbody>\n{body}\n</tbody>\n</table>"
