"""Errors that a person can act on: each names what is wrong, where, and the way out."""

import pytest

from sim.foundation.errors import nearest


@pytest.mark.parametrize(
    ("word", "candidates", "expected"),
    [
        ("consumer", ["consumers", "does", "topic"], "consumers"),
        ("max_poll_records", ["max.poll.records", "max.poll.interval.ms"], "max.poll.records"),
        ("visibilitytimeout", ["VisibilityTimeout", "DelaySeconds"], "VisibilityTimeout"),
        ("pulsar", ["kafka", "sqs"], None),
        ("x", [], None),
    ],
)
def test_nearest(word, candidates, expected):
    assert nearest(word, candidates) == expected
