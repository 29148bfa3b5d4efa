"""Bounds of a least number, narrowed by tries."""

import pytest

from sim.foundation.least import Least


def search(needed, top, exact=None):
    """The least of each that is enough, and how many tries it took."""
    least, tries = Least(needed), 0
    n = dict.fromkeys(needed, top)
    while n:
        tries += 1
        for name, its in {**least.found(), **n}.items():
            least.tried(name, its, its >= needed[name])
        n = least.middle(exact)
    return least.found(), tries


@pytest.mark.parametrize("needed", range(1, 65))
def test_bisection_finds_it_exactly(needed):
    assert search({"a": needed}, 64) == ({"a": needed}, pytest.approx(7, abs=1))


def test_all_are_narrowed_at_once():
    found, tries = search({"a": 3, "b": 40, "c": 1}, 64)
    assert found == {"a": 3, "b": 40, "c": 1}
    assert tries == 7


def test_beyond_what_is_exact_it_is_found_to_a_part():
    found, _ = search({"a": 51}, 64, exact=16)
    assert found == {"a": 52}
    assert search({"a": 13}, 16, exact=16)[0] == {"a": 13}


def test_none_is_found_where_none_was_enough():
    least = Least(["a"])
    least.tried("a", 8, False)
    assert (least.found(), least.middle(), least.low) == ({}, {}, {"a": 8})


def test_the_latest_of_two_that_contradict_counts():
    least = Least(["a"])
    least.tried("a", 8, True)
    least.tried("a", 8, False)
    assert (least.high, least.low) == ({"a": None}, {"a": 8})
    least.tried("a", 4, True)
    assert (least.high, least.low) == ({"a": 4}, {"a": 3})
