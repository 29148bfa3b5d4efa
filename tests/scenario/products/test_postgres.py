"""A queue in PostgreSQL: its keys, and the library that it names."""

import pytest

from helpers.incidents import incident
from sim.foundation.errors import LabError


def system(**queue):
    return {"product": "postgres", "queues": {"g": {"workers": 3, "does": ["w"], **queue}}}


def test_a_queue_names_the_library_that_its_workers_use():
    queue = incident(system(**{"pg-boss": {"batchSize": 5}})).systems["s"].queues["g"]
    assert (queue.library_key, queue.library.batch_size, queue.members) == ("pg-boss", 5, 3)


@pytest.mark.parametrize(
    ("queue", "says"),
    [
        ({}, "give exactly one of skip_locked, for_update, pg-boss, river"),
        ({"river": {}, "oban": {}}, "not river and oban"),
        (
            {"river": {"pollInterval": 5}},
            "river.pollInterval: unknown key; did you mean 'FetchPollInterval'?",
        ),
        ({"pg-boss": {"pollingIntervalSeconds": 0.1}}, "must be at least 0.5, not 0.1"),
        ({"pgmq": {"vt": 0}}, "vt"),
    ],
)
def test_a_wrong_value_has_one_clear_message(queue, says):
    with pytest.raises(LabError) as error:
        incident(system(**queue))
    assert says in str(error.value)
    assert str(error.value).count("systems.s.queues.g") == 1


def test_keys_without_effect_are_told():
    config = incident(system(oban={"interval": 5000})).systems["s"]
    assert list(config.without_effect()) == [
        (
            ("queues", "g", "oban", "interval"),
            "has no effect: without 'rescue_after' there is no Lifeline",
        )
    ]
    config = incident(system(**{"pg-boss": {"retryDelayMax": 5}})).systems["s"]
    assert [path[-1] for path, _ in config.without_effect()] == ["retryDelayMax"]
    config = incident(system(**{"pg-boss": {"notifyPollingIntervalSeconds": 5}})).systems["s"]
    assert [path[-1] for path, _ in config.without_effect()] == ["notifyPollingIntervalSeconds"]
    config = incident(system(river={}) | {"latency": {"locked_row": 0}}).systems["s"]
    assert list(config.without_effect()) == [
        (("latency", "locked_row"), "has no effect: no queue is of 'skip_locked' without a lease")
    ]
    config = incident(system(pgmq={}) | {"latency": {"leased_row": 0}}).systems["s"]
    assert not list(config.without_effect())
