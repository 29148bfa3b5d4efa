"""Where a consumer begins, and how old a segment may get, as RabbitMQ writes it."""

import pytest
from pydantic import ValidationError

from sim.scenario.products.rabbitmq_stream import (
    RabbitmqStreamConsumers,
    RabbitmqSuperStream,
    age_s,
    specification,
)


def test_RQ_12_ages_as_rabbitmq_writes_them():
    ages = [age_s(text) for text in ("1Y", "2M", "7D", "1h", "30m", "5s")]
    assert ages == [31_536_000.0, 5_184_000.0, 604_800.0, 3_600.0, 1_800.0, 5.0]
    for wrong in ("7d", "1 h", "h", "-1h", "1h30m"):
        with pytest.raises(ValueError, match="Y, M, D, h, m, s"):
            age_s(wrong)


@pytest.mark.parametrize(
    ("text", "where", "number"),
    [
        ("first", "first", 0.0),
        ("17", "offset", 17.0),
        ("10m", "interval", 600.0),
        ("timestamp:90s", "timestamp", 90.0),
    ],
)
def test_RQ_12_an_offset_is_a_word_a_number_an_age_or_a_time(text, where, number):
    assert specification(text) == (where, number)
    group = {"consumers": 2, "does": ["x"], "x-stream-offset": text}
    assert RabbitmqStreamConsumers.model_validate(group).stream_offset == text


@pytest.mark.parametrize("wrong", ["latest", "-1", "10 m", "timestamp:noon", True, 1.5])
def test_RQ_12_another_offset_is_refused(wrong):
    with pytest.raises(ValidationError):
        RabbitmqStreamConsumers.model_validate(
            {"consumers": 2, "does": ["x"], "x-stream-offset": wrong}
        )


def test_defaults_of_a_super_stream_are_those_of_its_documentation():
    stream = RabbitmqSuperStream()
    assert stream.model_dump(by_alias=True) == {
        "partitions": 1,
        "x-max-length-bytes": -1,
        "x-stream-max-segment-size-bytes": 500_000_000,
    }
    with pytest.raises(ValidationError, match="expected a number and one of Y, M, D, h, m, s"):
        RabbitmqSuperStream.model_validate({"x-max-age": "7d"})
