"""The numbers of systems that keep books, as a table for a terminal."""

import re

import pandas as pd
from rich import box
from rich.table import Table
from rich.text import Text

from sim.foundation.text import count, duration, money, rate
from sim.measure.tables import Tables
from sim.words.ladder import places_lost, rungs

HEADINGS = (
    "produced", "acked", "lost", "repeats", "violations", "wrong", "misstated", "msg/s", "p99"
)  # fmt: skip
"""Messages but for the last four: entities in a wrong final state, money, and two of speed.

Below the messages lost is where, below repeats how many were posted again, and below violations of
order how many transitions were illegal.
"""
PLACES = {
    "producer buffer": "buffer",
    "send expired": "expired",
    "broker failover": "failover",
    "acked before processing": "acked early",
}
"""Shorter names of places, to fit; the others are short."""
NAME_WIDTH = 12
"""Least room to leave for names, if need be by breaking lines of the cells."""


def ledger_table(tables: Tables, width: int) -> Table:
    """A row per system that keeps books, in at most `width` columns of the terminal."""
    steps = rungs(tables)
    for gap, between in ((2, " "), (1, " "), (1, "\n")):
        rows = _cells(tables, steps, between)
        columns = zip(HEADINGS, *rows, strict=True)
        wide = sum(max(map(len, "\n".join(column).split("\n"))) + gap for column in columns)
        if width - wide >= NAME_WIDTH:
            break
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, gap - 1, 0, 0), show_edge=False)
    table.add_column("books of", no_wrap=True)
    for heading in HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    for system, row in zip(steps["system"], rows, strict=True):
        name = "\n".join(broken(system, max(width - wide, len("books of"))))
        table.add_row(Text(name, style="bold"), *row)
    return table


def ledger_rows(tables: Tables) -> list[list[str]]:
    """The table for a page that is wide enough: the system, then a text per `HEADINGS`."""
    steps = rungs(tables)
    rows = _cells(tables, steps, " ")
    return [[str(system), *row] for system, row in zip(steps["system"], rows, strict=True)]


def ledger_values(tables: Tables) -> list[list[float]]:
    """The first number in each cell of `ledger_rows`, less the system."""
    return rungs(tables)[list(_NUMBERS)].astype(float).to_numpy().tolist()


_NUMBERS = (
    "produced", "acked", "lost", "double_effects", "violations", "entities_wrong",
    "misstatement_cents", "throughput", "latency_p99_s",
)  # fmt: skip


def _cells(tables: Tables, steps: pd.DataFrame, between: str) -> list[list[str]]:
    """The cells below `HEADINGS`; `between` stands between a number and what it counts."""

    def number(total: int, *parts: tuple[int, str]) -> str:
        said = [f"{count(n)}{between}{words}" for n, words in parts if n]
        return "\n".join([count(total), *said])

    places = places_lost(tables)
    out = []
    for i, row in enumerate(steps.to_dict("records")):
        where = [(int(places[place][i]), PLACES.get(place, place)) for place in places]
        where += [(row["dead_lettered"], "dead"), (row["unfinished"], "left")]
        out.append(
            [
                count(row["produced"]),
                count(row["acked"]),
                number(row["lost"], *where),
                number(row["double_effects"], (row["double_postings"], "posted")),
                number(row["violations"], (row["illegal_transitions"], "illegal")),
                count(row["entities_wrong"]),
                money(row["misstatement_cents"]),
                rate(row["throughput"]).removesuffix(" msg/s"),
                duration(row["latency_p99_s"]),
            ]
        )
    return out


def broken(name: str, width: int) -> list[str]:
    """`name` in lines of at most `width` letters, broken after its punctuation where it can be."""
    lines = [""]
    for piece in re.split(r"(?<=[_.-])", name):
        if len(lines[-1]) + len(piece) > width and lines[-1]:
            lines.append("")
        lines[-1] += piece
        while len(lines[-1]) > width:
            lines[-1:] = [lines[-1][:width], lines[-1][width:]]
    return lines
