"""What is said of tables with a ledger."""

from sim.measure.tables import Tables
from sim.words import ladder as words


def said(tables: Tables) -> list[str]:
    return words.ledger_finding(tables).split("\n")
