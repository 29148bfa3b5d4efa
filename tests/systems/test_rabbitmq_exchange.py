"""Exchanges and bindings, against the definitions followed message by message."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.producer.partitioners import jump_hash, murmur2
from sim.scenario.products.rabbitmq_exchange import Binding, Exchange
from sim.systems.rabbitmq_exchange import routed
from sim.traffic.messages import Messages, Numbered

REGIONS, KINDS = ["eu", "us", "ap.south"], ["order", "refund", "fraud"]


def messages_of(entity, dims=None):
    entity = np.asarray(entity, np.int32)
    dims = {"region": REGIONS, "kind": KINDS} if dims is None else dims
    return Messages(np.arange(entity.size) * 1.0, entity, np.array([300], np.int32), dims, 100.0)


def values_of(messages, row):
    region, kind = divmod(int(messages.entity[row]), len(KINDS))
    return {"region": REGIONS[region], "kind": KINDS[kind]}


@cache
def topic_matches(pattern, words):
    """The definition, word by word."""
    if not pattern:
        return not words
    if pattern[0] == "#":
        return any(topic_matches(pattern[1:], words[skipped:]) for skipped in range(len(words) + 1))
    return bool(words) and pattern[0] in ("*", words[0]) and topic_matches(pattern[1:], words[1:])


def words_of(key):
    return tuple(key.split(".")) if key else ()


def gets_it(kind, binding, key, headers):
    if kind == "fanout":
        return True
    if kind == "direct":
        return binding.routing_key == key
    if kind == "topic":
        return topic_matches(words_of(binding.routing_key), words_of(key))
    given = [(k, v) for k, v in binding.arguments.items() if k != "x-match"]
    equal = [headers.get(k) == v for k, v in given]
    return any(equal) if binding.arguments.get("x-match") == "any" else all(equal)


WORD = st.sampled_from(["eu", "us", "ap", "south", "order", "refund", "*", "#"])
# Words of a real key, some of them hidden by wildcards, so that many patterns match.
NEAR = st.tuples(
    st.sampled_from(["", "#"]),
    st.sampled_from(["eu", "us", "ap.south", "*", "#", "*.*"]),
    st.sampled_from(["", "#", "*"]),
    st.sampled_from(["order", "refund", "*", "#", ""]),
    st.sampled_from(["", "#"]),
).map(lambda words: ".".join(word for word in words if word))
VALUE = st.sampled_from([*REGIONS, *KINDS, "none"])
BINDINGS = st.builds(
    Binding,
    routing_key=st.one_of(NEAR, NEAR, st.lists(WORD, max_size=4).map(".".join)),
    arguments=st.dictionaries(
        st.sampled_from(["region", "kind", "colour"]), VALUE, max_size=2
    ).flatmap(
        lambda arguments: st.sampled_from(
            [arguments, {**arguments, "x-match": "any"}, {**arguments, "x-match": "all"}]
        )
    ),
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    kind=st.sampled_from(["direct", "fanout", "headers", "topic"]),
    dims=st.sampled_from([[], ["kind"], ["region", "kind"], ["kind", "region"]]),
    bindings=st.dictionaries(
        st.sampled_from(["a", "b", "c"]), st.lists(BINDINGS, min_size=1, max_size=3), min_size=1
    ),
    entity=st.lists(st.integers(0, 8), max_size=20),
)
def test_RQ_10_each_message_goes_where_a_binding_matches(kind, dims, bindings, entity):
    messages = messages_of(entity)
    found = routed(Exchange(type=kind, routing_key=dims), bindings, messages)
    for queue, bound in bindings.items():
        slow = [
            row
            for row in range(len(messages))
            if any(
                gets_it(
                    kind,
                    binding,
                    ".".join(values_of(messages, row)[dim] for dim in dims),
                    values_of(messages, row),
                )
                for binding in bound
            )
        ]
        assert found[queue].tolist() == slow


def test_RQ_10_topics_by_the_examples_of_the_tutorial():
    """https://www.rabbitmq.com/tutorials/tutorial-five-python: speed.colour.species."""
    dims = {"animal": ["quick.orange.rabbit", "lazy.orange.elephant", "quick.orange.fox",
                       "lazy.brown.fox", "lazy.pink.rabbit", "quick.brown.fox", "orange",
                       "quick.orange.new.rabbit", "lazy.orange.new.rabbit"]}  # fmt: skip
    messages = messages_of(np.arange(9), dims)
    bindings = {
        "q1": [Binding(routing_key="*.orange.*")],
        "q2": [Binding(routing_key="*.*.rabbit"), Binding(routing_key="lazy.#")],
    }
    found = routed(Exchange(type="topic", routing_key=["animal"]), bindings, messages)
    assert {q: rows.tolist() for q, rows in found.items()} == {
        "q1": [0, 1, 2],
        "q2": [0, 1, 3, 4, 8],
    }


def jump(key, buckets):
    """Lamping and Veach's listing, one key at a time."""
    b, j = -1, 0
    while j < buckets:
        b = j
        key = (key * 2862933555777941757 + 1) % 2**64
        j = int((b + 1) * (2.0**31 / ((key >> 33) + 1)))
    return b


def test_RQ_10_consistent_hash_shares_by_weight_and_moves_few_keys():
    keys = murmur2([f"user-{i}".encode() for i in range(2_000)]).astype(np.uint64)
    assert jump_hash(keys, 7).tolist() == [jump(int(key), 7) for key in keys]

    n = 20_000
    messages = messages_of(np.arange(n), {"user": Numbered("user", n)})
    exchange = Exchange(type="x-consistent-hash", routing_key=["user"])
    before = routed(
        exchange, {"a": [Binding(routing_key="1")], "b": [Binding(routing_key="3")]}, messages
    )
    assert np.array_equal(np.sort(np.concatenate(list(before.values()))), np.arange(n))
    assert len(before["b"]) / n == pytest.approx(0.75, abs=0.01)
    after = routed(
        exchange,
        {
            "a": [Binding(routing_key="1")],
            "b": [Binding(routing_key="3")],
            "c": [Binding(routing_key="1")],
        },
        messages,
    )
    assert len(after["c"]) / n == pytest.approx(0.2, abs=0.01)
    for queue in ("a", "b"):
        assert np.isin(after[queue], before[queue]).all(), "only the new queue gains keys"
