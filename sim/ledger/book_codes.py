"""Policies of a ledger, and what became of one delivery, as numbers."""

NAIVE = 0
IDEMPOTENT = 1
STRICT = 2

APPLIED = 0
ILLEGAL = 1
DUPLICATE = 2
DUPLICATE_ILLEGAL = 3
RELEASED = 4
DUPLICATE_IGNORED = 5
STALE_IGNORED = 6
PARKED = 7

BOOKED = 4
"""Up to here a delivery moved its entity and was posted."""
