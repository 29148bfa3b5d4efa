"""What a ledger does with what reaches it: the choice that a scenario makes."""

from typing import Literal

LedgerPolicy = Literal["naive", "idempotent", "strict"]
"""What a ledger does with an effect.

naive: applies what comes. idempotent: has a unique key (entity, seq), so that replays change
nothing; what is out of order is applied. strict: accepts seq = last + 1, parks later ones until
their predecessor comes, ignores those <= last.
"""
