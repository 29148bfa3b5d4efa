"""Which systems `sim advise` tries where somebody asks about some."""

import pytest

from helpers.advice import scenario
from sim.advice.advise import advise
from sim.advice.chosen import chosen, words_of
from sim.advice.data import presets
from sim.advice.own import own_systems
from sim.foundation.errors import LabError

ALL = {**presets(), **dict(own_systems(scenario()))}


def test_without_a_word_all_are_tried_that_apply():
    assert chosen(ALL, {}) == list(ALL)
    assert chosen(ALL, {"kafka": "why"}) == [name for name in ALL if name != "kafka"]


@pytest.mark.parametrize(
    ("only", "names"),
    [
        (["kafka"], ["share_group", "kafka", "kafka_flushed", "kafka_retry_topics"]),
        (["kinesis,rabbitmq_quorum"], ["rabbitmq_quorum", "kinesis", "kinesis_lambda"]),
        (["kinesis", "RabbitMQ_quorum"], ["rabbitmq_quorum", "kinesis", "kinesis_lambda"]),
        (
            [" redis , yours"],
            [
                "celery_defaults",
                "celery_late",
                "bullmq",
                "bullmq_concurrent",
                "redis_streams",
                "yours.old",
            ],
        ),
        (["old"], ["yours.old"]),
        (["*fifo*"], ["sqs_fifo", "sqs_fifo_lambda"]),
        (["postgres_r*"], ["postgres_river"]),
    ],
)
def test_only_those_that_are_named_are_tried(only, names):
    assert chosen(ALL, {}, only=only) == names


def test_a_product_is_also_that_of_a_system_of_ones_own():
    assert "yours.old" in chosen(ALL, {}, only=["sqs"])
    assert words_of("yours.old", ALL["yours.old"]) == {"yours.old", "yours", "old", "sqs"}


def test_some_are_left_out():
    left = chosen(ALL, {}, without=["aws,yours", "kafka"])
    gone = {"share_group", "yours.old"} | {
        name for name in ALL if name.startswith(("sqs", "kafka", "kinesis", "celery_on_sqs"))
    }
    assert left == [name for name in ALL if name not in gone]
    assert chosen(ALL, {}, only=["kinesis"], without=["lambda"]) == ["kinesis"]


def test_a_word_that_names_nothing_is_told_with_the_nearest():
    with pytest.raises(LabError, match=r"--only: unknown system 'kafak'; did you mean 'kafka'\?"):
        chosen(ALL, {}, only=["kafak"])
    with pytest.raises(LabError, match="--without: unknown system 'mqtt'"):
        chosen(ALL, {}, without=["mqtt"])


def test_what_does_not_apply_is_told_with_the_reason_and_none_left_is_an_error():
    why = {"kafka_retry_topics": "nothing makes a handler raise"}
    with pytest.raises(
        LabError,
        match="--only kafka_retry_topics: does not apply here: nothing makes a handler raise",
    ):
        chosen(ALL, why, only=["kinesis,kafka_retry_topics"])
    assert "kafka_retry_topics" not in chosen(ALL, why, only=["kafka"])
    with pytest.raises(LabError, match="--without leaves no system to try"):
        chosen(ALL, {}, only=["kinesis"], without=["aws"])


def test_advice_is_of_those_alone():
    advice = advise(scenario(), 4, only=["sqs_batched", "yours"])
    assert {row.preset for row in advice.rows} == {"sqs_batched", "yours.old"}
