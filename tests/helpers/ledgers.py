"""Ledgers of entities with three states, from deliveries written by hand."""

import numpy as np
from hypothesis import strategies as st

from sim.ledger.book import Ledger, Verdict, book, histories

PENDING, PROCESSING, SETTLED = 0, 1, 2
POLICIES = ("naive", "idempotent", "strict")


def ledger(policy, deliveries, *, entities=1, amount_cents=100, grid_s=()):
    """Three states an entity, created at 0, 1, 2 s; deliveries (entity, seq) at 10, 11, … s."""
    declared = histories(
        np.repeat([0.0, 1.0, 2.0], entities),
        np.tile(np.arange(entities, dtype=np.int32), 3),
        entities,
        amount_cents=np.full(entities, amount_cents),
    )
    event = np.array([seq * entities + entity for entity, seq in deliveries], np.int32)
    at_s = 10.0 + np.arange(event.size)
    return book(declared, at_s, event, policy, np.array(grid_s, float))


def verdicts(result: Ledger) -> list[str]:
    return [Verdict(code).name for code in result.verdict]


def one(*states):
    return [(0, state) for state in states]


@st.composite
def schedules(draw):
    """Interleaved histories of unequal lengths; deliveries in any order, some twice, some never."""
    entities = draw(st.integers(1, 4))
    entity = draw(st.lists(st.integers(0, entities - 1), max_size=12))
    created = sorted(draw(st.lists(st.integers(0, 20), min_size=len(entity), max_size=len(entity))))
    each = draw(st.booleans())
    amounts = st.integers(-300, 300)
    size = len(entity) if each else entities
    cents = draw(st.lists(amounts, min_size=size, max_size=size))
    event = draw(st.lists(st.integers(0, len(entity) - 1), max_size=24)) if entity else []
    at = sorted(draw(st.lists(st.integers(0, 30), min_size=len(event), max_size=len(event))))
    return entities, entity, created, each, cents, event, at
