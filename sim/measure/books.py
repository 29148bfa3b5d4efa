"""The books of a group that keeps some, and their errors: the tables ``ledger`` and ``books``.

What an error of books is, `sim.ledger.book` says.
"""

from collections.abc import Mapping
from dataclasses import asdict

import pandas as pd

from sim.engine.outcome import GroupOutcome
from sim.ledger.book import Ledger, book, histories
from sim.ledger.policy import LedgerPolicy
from sim.traffic.messages import Messages


def keep_books(
    messages: Messages, outcome: GroupOutcome, policy: LedgerPolicy | None
) -> Ledger | None:
    """Let a ledger take the effects of a group, at the grid times of its gauges.

    Args:
        messages: what should happen: the first dimension of their keys is what is booked on.
        outcome: with every effect of the group, if it keeps books.
        policy: what the ledger does with an effect; None: the group keeps no books.
    """
    if policy is None or outcome.history is None:
        return None
    entities = len(next(iter(messages.dims.values())))
    due = histories(
        messages.created_s, messages.entity, entities, posting_cents=messages.posting_cents
    )
    effects = outcome.history
    return book(due, effects.at_s, effects.message, policy, outcome.gauges_t_s)


def ledger_table(who: Mapping[str, str], kept: Ledger) -> pd.DataFrame:
    """One row: the ``policy``, and the numbers of `sim.ledger.book.Report`."""
    return pd.DataFrame([{**who, "policy": kept.policy, **asdict(kept.report)}])


def books_table(who: Mapping[str, str], kept: Ledger) -> pd.DataFrame:
    """A row per grid time: `sim.ledger.book.Ledger.series`."""
    return kept.series.assign(**who)
