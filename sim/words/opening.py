"""What is said first of a run: a row per group, and what the numbers come to in words.

The same columns for a terminal, a notebook and a page.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from html import escape
from math import isinf
from textwrap import fill
from typing import Any

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sim.foundation.text import count, duration
from sim.measure.tables import Tables
from sim.words.findings import about_busy_key, finding
from sim.words.ladder import ledger_finding
from sim.words.ledger_table import HEADINGS, broken, ledger_rows, ledger_table
from sim.words.timeline import resolution_s
from sim.words.waits import limits_that_acted, where_time_went

Row = Mapping[Hashable, Any]
COLUMNS: Mapping[str, tuple[Callable[[Row], float], Callable[[float], str]]] = {
    "processed": (lambda row: row["processed"], count),
    "lost": (lambda row: row["lost"] + row["dead_lettered"], count),
    "max lag": (lambda row: row["max_lag"], count),
    "behind by": (lambda row: row["max_time_lag_s"], duration),
    "drained in": (lambda row: row["drain_s"], lambda s: "never" if isinf(s) else duration(s)),
    "p99": (lambda row: row["latency_p99_s"], duration),
    "twice": (lambda row: row["double_effects"], count),
    "violations": (lambda row: row["violations"], count),
}
"""Heading -> its number, from a row of the summary, and how to say it."""


def findings_of(tables: Tables) -> list[str]:
    """What the numbers say, in paragraphs: of every group, then of the books if there are any."""
    words = findings_of_groups(tables)
    return [*words, ledger_finding(tables)] if len(tables.ledger) else words


def findings_of_groups(tables: Tables) -> list[str]:
    """What the numbers say of every group, in paragraphs."""
    words = (
        finding(tables.summary, duration_s=tables.duration_s, faults=tables.faults),
        about_busy_key(tables.messages),
    )
    return [paragraph for paragraph in words if paragraph]


def numbers(summary: pd.DataFrame) -> list[list[float]]:
    """A number per `COLUMNS`, for each row of the summary."""
    rows = summary.to_dict("records")
    return [[float(number(row)) for number, _ in COLUMNS.values()] for row in rows]


def cells(summary: pd.DataFrame) -> Iterator[tuple[str, str, list[str]]]:
    """System, group, and a text per `COLUMNS`, for each row of the summary."""
    who = zip(summary["system"], summary["group"], numbers(summary), strict=True)
    for system, group, row in who:
        texts = [say(n) for n, (_, say) in zip(row, COLUMNS.values(), strict=True)]
        yield str(system), str(group), texts


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
    rows = list(cells(tables.summary))
    columns = zip(COLUMNS, *(row for _, _, row in rows), strict=True)
    wide = {heading: max(map(len, [heading, *texts])) for heading, *texts in columns}
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
            table.add_column(heading, justify="right", no_wrap=True, min_width=wide[heading])
        at = [list(COLUMNS).index(heading) for heading in headings]
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
    rows = [(f"{system}.{group}", row) for system, group, row in cells(tables.summary)]
    parts = [f"<p><strong>{escape(title)}</strong></p>"]
    parts += [f"<p>{escape(words)}</p>" for words in [*findings_of(tables), *needs]]
    parts.append(html_table(["", *COLUMNS], [[name, *row] for name, row in rows]))
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
