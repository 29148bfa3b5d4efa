"""The small scenarios of the notebooks, and their tables in words."""

import pandas as pd
import pytest

import sim
from sim.foundation.errors import LabError
from sim.lessons import small


@pytest.mark.parametrize("name", ["tiny", "jobs"])
def test_each_lesson_is_a_scenario_and_its_text_is_that_of_its_file(name):
    scenario = small.load(name)
    assert scenario.name == name and not scenario.warnings
    assert f"name: {name}\n" in small.text(name)


def test_a_lesson_that_is_not_there_is_answered_with_those_that_are():
    with pytest.raises(LabError, match="unknown lesson 'x'; known: jobs, tiny"):
        small.load("x")


def test_columns_are_told_a_row_per_system_with_times_in_words():
    told = small.told(sim.run(small.load("tiny").with_({"systems.log": None})), "lost", "drain_s")
    assert told.index.tolist() == ["queue"]
    assert told["lost"].tolist() == [0] and told["drain_s"].tolist() == ["315 ms"]


def test_pairs_that_were_finished_the_wrong_way_round_are_counted():
    class Ran:
        messages = pd.DataFrame(
            {
                "system": ["s"] * 4 + ["t"] * 2,
                "group": ["g"] * 6,
                "key": ["a", "b", "a", "b", "a", "a"],
                "done_s": [3.0, 4.0, 1.0, 2.0, 1.0, 1.0],
            }
        )

    found = small.wrong_pairs(Ran())
    # Of s: (0, 2), (0, 3), (1, 2) and (1, 3); keys are alike in the first and the last.
    assert found.loc["s.g"].tolist() == [4, 2]
    # Of t: at the same time is not the wrong way round.
    assert found.loc["t.g"].tolist() == [0, 0]
