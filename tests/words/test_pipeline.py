"""What is said of a pipeline."""

import pandas as pd

from sim.measure.tables import no_rows
from sim.words.pipeline import about_pipeline, end_to_end, ways


def row(system, behind, mean_s, **more):
    its = {"system": system, "group": "g", "behind": behind, "stage": int(bool(behind))}
    its |= {"produced": 100, "processed": 98, "duplicates": 0, "out_of_order": 0}
    return its | {"mean_s": mean_s, "p50_s": mean_s, "p99_s": 2 * mean_s, "max_s": 9.0} | more


def test_the_last_stage_is_told_with_the_stage_in_which_most_of_the_time_is():
    rows = pd.DataFrame([row("a", "", 1.0), row("b", "a.g", 4.0, duplicates=3)])
    assert list(end_to_end(rows)) == [
        "End to end, a.g > b.g: 98 of 100 messages get through, half of them within 4 s, 99 % "
        "within 8 s.",
        "Of the mean time end to end, 75 % is in b.g.",
        "At the end, 3 effects are duplicates, and 0 messages are out of order.",
    ]


def test_the_stage_that_another_waits_for_is_the_bottleneck():
    rows = [row("a", "", 4.0, held_up=1200, held_up_s=150.0), row("b", "a.g", 5.0, held_up=0)]
    assert list(end_to_end(pd.DataFrame(rows)))[2] == (
        "b.g is the bottleneck: at 1,200 messages a.g waited until it took what came of them, for "
        "2 min 30 s in all."
    )


def test_pipelines_of_a_run_are_told_apart_and_each_by_where_most_waits():
    rows = [row("a", "", 1.0), row("b", "a.g", 4.0), row("c", "", 1.0), row("d", "c.g", 2.0)]
    assert ways(pd.DataFrame(rows)) == [[("a", "g"), ("b", "g")], [("c", "g"), ("d", "g")]]
    assert ways(no_rows()) == []
    summary = pd.DataFrame({"system": [*"abcd"], "group": ["g"] * 4, "max_lag": [5, 1200, 7, 3]})
    assert about_pipeline(pd.DataFrame(rows), summary) == (
        "Where most messages wait at one time: b.g (1,200), c.g (7)"
    )


def test_nothing_is_told_without_a_pipeline():
    assert list(end_to_end(no_rows())) == []
    assert list(end_to_end(pd.DataFrame([row("a", "", 1.0)]))) == []
