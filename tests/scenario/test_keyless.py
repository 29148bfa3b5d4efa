"""Messages without a key."""

import pytest

from sim.foundation.errors import ScenarioError
from sim.lab import run
from sim.scenario.load import load

TEXT = """
name: keyless
duration: 10s
workload:
  arrivals: {rate: 50/s}
  service: {work: 4 ms}
systems:
  kafka:
    product: kafka
    topic: {partitions: 4}
    groups: {g: {does: work, consumers: 2}}
  sqs:
    product: sqs
    queues: {q: {does: work, workers: 3}}
"""


@pytest.fixture
def loaded(tmp_path):
    """From the text of a file to its scenario."""

    def of(text):
        path = tmp_path / "keyless.yaml"
        path.write_text(text)
        return load(path)

    return of


@pytest.fixture
def refused(loaded):
    """From the text of a file to what is wrong with it."""

    def of(text):
        with pytest.raises(ScenarioError) as error:
            loaded(text)
        return str(error.value)

    return of


@pytest.mark.parametrize("keys", ["", "  keys: {}\n"])
def test_a_first_guess_without_keys_is_a_scenario(loaded, keys):
    its = loaded(TEXT.replace("  service:", f"{keys}  service:"))
    assert dict(its.workload.keys) == {}
    assert its.workload.ordered_by is None
    assert not its.warnings


def test_all_in_one_order_needs_no_key(loaded):
    its = loaded(TEXT.replace("  service:", "  order_by: []\n  service:"))
    assert its.workload.ordered_by == []


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("topic:", "partition_key: [a]\n    topic:", "systems.kafka.partition_key"),
        ("  service:", "  order_by: [a]\n  service:", "workload.order_by"),
        ("consumers: 2", "consumers: 2, only: {a: [x]}", "systems.kafka.groups.g.only.a"),
        (
            "workers: 3",
            "workers: 3, FifoQueue: true, MessageGroupId: [a]",
            "systems.sqs.queues.q.MessageGroupId",
        ),
    ],
)
def test_a_dimension_of_no_key_is_answered_with_how_to_give_one(refused, old, new, place):
    said = refused(TEXT.replace(old, new))
    assert place in said
    assert "messages have no key; for 'a' to be one of a thousand values, write" in said
    assert "workload.keys: {a: {count: 1_000}}" in said


def test_a_fifo_queue_still_needs_a_group(refused):
    said = refused(TEXT.replace("workers: 3", "workers: 3, FifoQueue: true"))
    assert "needs a 'MessageGroupId': dimensions of 'workload.keys', or [] for one group" in said


@pytest.mark.parametrize(
    "asks", ["needs: {order: per_key}", "needs: {order: total}", "shows: {measure: out_of_order}"]
)
def test_who_asks_for_an_order_has_to_say_of_what(loaded, refused, asks):
    assert "messages without a key have no order that could be counted" in refused(TEXT + asks)
    loaded(TEXT.replace("  service:", "  order_by: []\n  service:") + asks)


def test_histories_have_a_key(refused):
    said = refused(TEXT.replace("  arrivals: {rate: 50/s}", "  arrivals: {rate: 50/s}\n  cases: x"))
    assert "'cases' need 'keys' of one dimension" in said


def test_a_run_counts_no_order_and_all_else_as_with_keys_that_nobody_uses(loaded):
    """Keys are drawn from a stream of their own, and without `partition_key` no one reads them."""
    without = run(loaded(TEXT)).tables
    keys = "  keys: {account: {count: 100}}\n  service:"
    beside = run(loaded(TEXT.replace("  service:", keys))).tables
    unknown = ["violations", "keys_violated"]
    assert without.summary[unknown].isna().all(axis=None)
    assert beside.summary["violations"].sum() > 0
    assert without.summary.drop(columns=unknown).equals(beside.summary.drop(columns=unknown))
    assert without.series["violations"].isna().all()
    assert without.series.drop(columns="violations").equals(
        beside.series.drop(columns="violations")
    )


def test_in_one_order_the_messages_out_of_it_are_counted(loaded):
    """Three workers of a queue, whose calls take unequal times, overtake each other."""
    its = loaded(TEXT.replace("  service:", "  order_by: []\n  service:"))
    summary = run(its).tables.summary.set_index("system")
    assert summary.loc["sqs", "violations"] > 0
    assert summary.loc["sqs", "keys_violated"] == 1
