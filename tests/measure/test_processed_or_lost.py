"""Processed, lost, dead-lettered, unfinished: counted by hand."""

from hypothesis import given, settings

from helpers.random_outcome import WHO, cases
from sim.engine.outcome import Fate
from sim.measure.processed_or_lost import fates_table, sums


@settings(max_examples=100, deadline=None)
@given(cases())
def test_agrees_with_the_definitions(case):
    row = sums(case.counted.fates)
    assert row["produced"] == case.n
    assert row["processed"] == (case.fate == Fate.PROCESSED).sum()
    assert row["lost"] == (case.fate == Fate.LOST_RETENTION).sum()
    assert row["dead_lettered"] == (case.fate == Fate.DEAD_LETTERED).sum()
    assert row["unfinished"] == (case.fate == Fate.UNFINISHED).sum()
    assert fates_table(WHO, case.counted.fates)["messages"].sum() == case.n


def test_lost_is_lost_at_whatever_place_and_dead_lettered_is_not():
    fates = {fate: 10**n for n, fate in enumerate(Fate)}
    row = sums(fates)
    assert row["lost"] == sum(10**n for n, fate in enumerate(Fate) if fate.name.startswith("LOST"))
    table = fates_table(WHO, fates)
    assert table.loc[table["fate"] == "lost", "messages"].sum() == row["lost"]
    assert table[table["fate"] == "lost"].iloc[0].tolist() == [
        "s", "g", "lost", "producer buffer", 1_000
    ]  # fmt: skip
    assert table["place"].tolist()[:3] == ["", "", ""]
