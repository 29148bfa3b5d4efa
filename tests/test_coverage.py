"""The tool that counts how often intervals hold the truth: a few batches of it."""

import pytest

from tools.coverage import QUESTIONS, held


@pytest.mark.parametrize(("of", "holds"), [(0, 2), (1, 3), (2, 3)])
def test_intervals_hold_what_theory_knows(of, holds):
    assert held(QUESTIONS[of], 3, jobs=1)["holds"].sum() == holds


def test_they_would_not_hold_another_truth():
    wrong = QUESTIONS[0]._replace(truth=1.2 * QUESTIONS[0].truth)
    assert held(wrong, 3, jobs=1)["holds"].sum() == 0
