"""What a run did not do of what it was asked, in words."""

from dataclasses import replace

import pandas as pd

from helpers.tables import football
from sim.scenario.faults.processes import CrashFault
from sim.words.silence import (
    never_struck,
    none_was_poisonous,
    none_was_slow,
    poisoned_nothing,
    silences_table,
    warnings_of,
)

_AT = CrashFault(at=600, target="a.b.0")


def test_why_a_fault_never_struck():
    when = CrashFault(when={"lag_over": 5}, target="a.b.0")
    rate = CrashFault(rate=1, target="a.b.0")
    start = "'crash' never struck: "
    assert never_struck(_AT, [600.0], 60.0) == (
        f"{start}it was due at 10 min, and all was done at 1 min"
    )
    assert never_struck(_AT, [600.0], 601.0) == (
        f"{start}at its time, there was nothing for it to strike"
    )
    assert never_struck(when, [], 60.0) == f"{start}its condition never held"
    assert never_struck(rate, [], 60.0) == f"{start}at its rate, it came up at no time"
    assert never_struck(rate, [70.0, 80.0], 60.0) == (
        f"{start}all was done at 1 min, before the first time that came up"
    )
    assert "no such message" in poisoned_nothing(_AT)


def test_no_poisonous_message():
    assert none_was_poisonous(0.001, 800) == (
        "none of 800 messages drew this share, 0.001: no message was poisonous"
    )


def test_no_slow_message():
    assert none_was_slow(0.001, 800) == (
        "none of 800 messages drew this share, 0.001: no message was slow"
    )


def test_what_is_true_of_several_systems_is_said_once():
    tables = football()
    assert warnings_of(tables) == []
    a, b = tables.summary["system"].unique()[:2]
    said = pd.concat([silences_table(system, ["x", "x", "y"]) for system in (a, b)])
    told = warnings_of(replace(tables, silences=said))
    assert told == [f"x (in {a} and {b})", f"y (in {a} and {b})"]
    one = tables.summary[tables.summary["system"] == a]
    assert warnings_of(replace(tables, summary=one, silences=silences_table(a, ["x"]))) == ["x"]
