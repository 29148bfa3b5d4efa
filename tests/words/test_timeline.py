"""What happened when, in words."""

import re

import numpy as np
import pytest

from helpers.tables import Fault, Group, build, football, three_groups, with_limits
from sim.engine.waits import Limit
from sim.foundation.text import clock
from sim.words.timeline import MOST, timeline, when, whom


def test_the_timeline_tells_faults_peaks_and_drains_in_order() -> None:
    tables = football()
    systems = list(tables.summary["system"].unique())
    told = [(when(e, 1.0), whom(e, systems), e.what) for e in timeline(tables)]
    assert ("50:00 to 50:45", "kafka", "crash analytics 0") in told
    assert ("2:00:00", "every system", "arrivals end") in told
    assert [e.at_s for e in timeline(tables)] == sorted(e.at_s for e in timeline(tables))
    worst = tables.summary.set_index(["system", "group"]).loc[("sqs_single", "all")]
    peak = clock(worst["max_lag_at_s"])
    assert (peak, "sqs_single", f"most waiting: {worst['max_lag']:,}") in told
    end = clock(round(tables.duration_s + worst["drain_s"]))
    assert (end, "sqs_single", "drained, 1 h 41 min after arrivals end") in told
    assert any("first message processed out of order" in what for *_, what in told)


def test_what_happens_alike_is_told_once() -> None:
    faults = [Fault(s, 60.0, 80.0, f"unreachable: broker {k}") for s in "ab" for k in range(3)]
    faults += [Fault("c", 60.0, np.inf, "slow counters x4")]
    tables = build(dict.fromkeys("abc", three_groups(kind="log")), faults=faults)
    told = [(when(e, 1.0), whom(e, list("abc")), e.what) for e in timeline(tables) if e.fault]
    assert told == [
        ("1:00 to 1:20", "a and b", "unreachable: broker 0, 1 and 2"),
        ("1:00 to the end", "c", "slow counters x4"),
    ]


@pytest.mark.parametrize("n", [10, 61, 1_000])
def test_hundreds_of_faults_are_counted_and_none_is_dropped(n: int) -> None:
    rng = np.random.default_rng(n)
    faults = [
        Fault(system, t, t + 30.0, f"{verb} counters {int(t) % 7}")
        for verb in ("crash", "pause")
        for system in ("a", "b")
        for t in rng.uniform(0, 7_000, n)
    ]
    tables = build({"a": three_groups(), "b": three_groups(kind="log")}, faults=faults)
    told = [e for e in timeline(tables) if e.fault]
    assert len(told) <= MOST or n == 10

    def counted(words: str) -> int:
        many = re.search(r": ([\d,]+) times", words)
        return int(many[1].replace(",", "")) if many else 1

    for verb in ("crash", "pause"):
        assert (
            sum(counted(e.what) * len(e.systems) for e in told if e.what.startswith(verb)) == 2 * n
        )
    assert all(e.until_s >= e.at_s for e in told)


def test_limits_stand_in_it_once_each_in_order_of_time() -> None:
    full = Limit("buffer.memory", "", "32MB", "", "held up send()", 40, 70.0, 3_600.4)
    put_out = Limit("max.poll.interval.ms", "", "5min", "all.3", "put it out", 1, 360.0, 360.0)
    tables = with_limits(
        build({"s": {"g": Group()}, "t": three_groups()}),
        {"s.g": [put_out, full, put_out._replace(target="all.4", first_s=400.0, last_s=400.0)],
         "t.analytics": [full]},
    )  # fmt: skip
    told = [(when(e, 1.0), e.systems, e.what) for e in timeline(tables) if "arrivals" not in e.what]
    limits = [line for line in told if "buffer" in line[2] or "max.poll" in line[2]]
    assert limits == [
        ("1:10 to 1:00:00", ("s",), "buffer.memory 32MB: held up send(), 40 times"),
        ("1:10 to 1:00:00", ("t",), "buffer.memory 32MB (analytics): held up send(), 40 times"),
        (
            "6:00 to 6:40",
            ("s",),
            "max.poll.interval.ms 5min (all.3 and all.4): put it out, 2 times",
        ),
    ]
    assert not any(e.fault for e in timeline(tables) if "buffer" in e.what)
