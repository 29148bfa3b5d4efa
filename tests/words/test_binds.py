"""Whether a limit is stated only where it acted on what a group waited for, and is not excused."""

import pandas as pd
import pytest

from helpers.summaries import DURATION_S, row, summary
from sim.engine.waits import Limit, TimePart
from sim.measure.limits import limits_table
from sim.words.binds import _ON, BY_HARM, binding
from sim.words.findings import finding

LATE = {"drain_s": 900.0, "max_time_lag_s": 900.0}


def waits(system, group="all", **seconds):
    """The table of a group whose messages take so many seconds for each part."""
    parts = [
        {
            "system": system,
            "group": group,
            "part": part.label,
            "total_s": 0.0,
            "mean_s": seconds.get(part.name.lower(), 0.0),
            "slowest_s": 0.0,
            "messages": 0,
        }
        for part in TimePart
    ]
    return pd.DataFrame(parts)


def limits(*of):
    """The table of (system, key, value, times)."""
    return pd.concat(
        limits_table(
            {"system": system, "group": "all"},
            [Limit(key, f"queues.all.{key}", value, "", "did it", times, 1.0, 2.0)],
        )
        for system, key, value, times in of
    )


def said(rows, waited, acted):
    return list(binding(summary(*rows), DURATION_S, waited, acted))


def test_the_limit_is_stated_that_acted_on_what_most_of_the_time_goes_to():
    acted = limits(
        ("a", "prefetch_count", "50", 9),
        ("a", "workers", "4", 9_000),
        ("a", "MessageGroupId", "3 message groups", 100),
        ("a", "x-message-ttl", "5", 1),
    )
    held = waits("a", held=8.0, work=1.0, capacity=1.0)
    assert said([row("a", **LATE)], held, acted) == [
        "Where the time of a's messages goes: held behind others 80 %",
        "What binds in a.all is prefetch_count 50: did it, 9 times",
    ]
    both = said([row("a", **LATE)], waits("a", capacity=5.0, head_of_line=5.0), acted)
    assert both[1:] == ["What binds in a.all is MessageGroupId 3 message groups: did it, 100 times"]
    (_, team) = said([row("a", **LATE)], waits("a", capacity=9.0, work=1.0), acted)
    assert team == "What binds in a.all is workers 4: did it, 9,000 times"


def test_nothing_is_stated_of_work_of_a_delay_asked_for_and_of_who_keeps_up():
    acted = limits(("a", "workers", "4", 9_000))
    assert said([row("a", **LATE)], waits("a", work=9.0, delay=9.0, capacity=1.0), acted) == []
    assert said([row("a")], waits("a", capacity=9.0), acted) == []
    assert said([row("a", **LATE)], waits("a"), acted) == []
    assert said([row("a", **LATE)], pd.DataFrame(), acted) == []


def test_what_acted_alike_in_a_sibling_that_keeps_up_is_not_stated():
    acted = limits(("a", "MaxNumberOfMessages", "1", 90), ("b", "MaxNumberOfMessages", "1", 80))
    waited = waits("a", capacity=9.0)
    only_where = ["Where the time of a's messages goes: all consumers busy 100 %"]
    assert said([row("a", **LATE), row("b")], waited, acted) == only_where
    more = said([row("a", **LATE), row("b", consumers=5)], waited, acted)
    assert len(more) == 2 and "MaxNumberOfMessages 1" in more[1]
    assert len(said([row("a", **LATE), row("b", **LATE)], waited, acted)) == 2
    other = limits(("a", "MaxNumberOfMessages", "1", 90), ("b", "MaxNumberOfMessages", "10", 80))
    assert len(said([row("a", **LATE), row("b")], waited, other)) == 2


def test_a_team_that_is_as_small_elsewhere_and_keeps_up_is_not_too_small():
    acted = limits(("a", "workers", "4", 9_000))
    waited = waits("a", capacity=9.0)
    assert len(said([row("a", **LATE), row("b", consumers=4)], waited, acted)) == 1
    assert len(said([row("a", **LATE), row("b", consumers=5)], waited, acted)) == 2


@pytest.mark.parametrize(
    ("harm", "key"),
    [
        ("lost", "retention.ms"),
        ("dead_lettered", "maxReceiveCount"),
        ("double_effects", "VisibilityTimeout"),
    ],
)
def test_what_became_of_messages_is_put_down_to_a_limit_that_does_such_a_thing(harm, key):
    acted = limits(("a", key, "2", 726), ("a", "workers", "4", 9_000))
    stated = [f"What binds in a.all is {key} 2: did it, 726 times"]
    assert said([row("a", **{harm: 5})], pd.DataFrame(), acted) == stated
    assert said([row("a")], pd.DataFrame(), acted) == []
    acted = limits(("a", key, "2", 726), ("b", key, "2", 3))
    assert said([row("a", **{harm: 5}), row("b")], pd.DataFrame(), acted) == []
    assert said([row("a", **{harm: 5}), row("b", **{harm: 2})], pd.DataFrame(), acted) == stated


def test_the_finding_tells_what_binds_in_place_of_what_befell():
    rows = summary(row("a", "all", **LATE))
    faults = pd.DataFrame(
        {"system": ["a"], "t_s": [9.0], "until_s": [9.0], "text": ["crash all 0"]}
    )
    old = finding(rows, duration_s=DURATION_S, faults=faults)
    assert "What befell it: crash all 0" in old and "What binds" not in old
    acted = limits(("a", "workers", "4", 9_000))
    now = finding(
        rows, duration_s=DURATION_S, faults=faults, waits=waits("a", capacity=9.0), limits=acted
    )
    assert "befell" not in now
    assert " What binds in a.all is workers 4: did it, 9,000 times. " in now


def test_every_key_stands_once_for_each_thing():
    for keys in (*_ON.values(), *BY_HARM.values()):
        assert len(keys) == len(set(keys))
