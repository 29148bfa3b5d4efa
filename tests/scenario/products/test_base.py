"""What readers of all products have in common, and what a system says that has no publisher."""

import pytest
from pydantic import TypeAdapter, ValidationError

from sim.scenario.products.base import LogReaders, Name, OnFailure
from sim.scenario.products.sqs import SqsSystem


def test_a_name_has_no_dots_which_separate_names():
    assert TypeAdapter(Name).validate_python("sqs_fan-out2") == "sqs_fan-out2"
    for wrong in ("a.b", "", "a b", "ä"):
        with pytest.raises(ValidationError, match="letters, digits, '_' and '-'"):
            TypeAdapter(Name).validate_python(wrong)


def test_readers_do_something_and_want_everything_unless_they_say_so():
    readers = LogReaders(does=["count"])
    assert readers.only is None and readers.ledger is None and readers.discard == 0.00001
    with pytest.raises(ValidationError, match="does"):
        LogReaders(does=[])
    with pytest.raises(ValidationError, match="'naive', 'idempotent' or 'strict'"):
        LogReaders.model_validate({"does": ["count"], "ledger": "neat"})


def test_a_handler_is_tried_for_ever_unless_attempts_are_limited():
    assert OnFailure().attempts is None and OnFailure(attempts=3).then == "skip"
    with pytest.raises(ValidationError, match="attempts"):
        OnFailure.model_validate({"attempts": 0})


def test_a_system_without_a_publisher_says_so():
    queue = {"workers": 1, "does": ["work"]}
    system = SqsSystem.model_validate({"product": "sqs", "queues": {"q": queue}})
    assert system.place_of("q") == ("queues", "q")
    assert system.no_seek("q") is None
    assert system.publishing is None
    assert system.ahead == {}
    assert not list(system.without_effect())
    assert not list(system.too_small_for(1 << 30))
