"""Exchanges and bindings, as they are written."""

import pytest
from pydantic import ValidationError

from sim.scenario.products.rabbitmq_exchange import Binding, Exchange


def test_a_bare_string_is_a_binding_key_and_keys_of_the_definitions_file_are_taken():
    assert Binding.model_validate("orders.#").routing_key == "orders.#"
    exported = {"destination": "q", "destination_type": "queue", "vhost": "/"}
    assert Binding.model_validate({**exported, "routing_key": "a"}) == Binding(routing_key="a")
    assert Binding.model_validate({**exported, "source": "x"}).source == "x"
    assert Exchange.model_validate({"name": "x", "durable": True}) == Exchange()
    assert Exchange().type == "fanout" and Exchange().routing_key == []


def test_headers_match_all_or_any():
    for known in ("all", "any"):
        Binding.model_validate({"arguments": {"x-match": known, "kind": "a"}})
    with pytest.raises(ValidationError, match="'x-match' is 'all' or 'any', not 'some'"):
        Binding.model_validate({"arguments": {"x-match": "some"}})
    with pytest.raises(ValidationError, match=r"'direct', 'fanout', 'headers', 'topic' or"):
        Exchange.model_validate({"type": "fan-out"})
