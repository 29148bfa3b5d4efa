"""Where the time went, summed exactly."""

import math
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.engine import waits as engine_waits
from sim.engine.waits import TimePart
from sim.measure import waits
from sim.measure.waits import Spent, waits_table

WHO = {"system": "s", "group": "g"}


class _Known(NamedTuple):
    """Waits that a test gives: each message works 1 s, and waits the rest of its latency."""

    latency_s: np.ndarray

    def parts_s(self, first, last):
        out = np.zeros((len(TimePart), last - first))
        out[TimePart.WORK] = 1.0
        out[TimePart.CAPACITY] = self.latency_s[first:last] - 1.0
        return out


class _Became(NamedTuple):
    done_s: np.ndarray
    waits: object


def _spent(created_s, latency_s, pieces=(None,)):
    created_s, latency_s = np.asarray(created_s, float), np.asarray(latency_s, float)
    spent, before = Spent(), 0
    for last in pieces:
        here = slice(before, last)
        its = _Became((created_s + latency_s)[here], _Known(latency_s[here]))
        spent.add(created_s[here], its, its.done_s.size)
        before = last
    return spent


def test_a_row_per_part_with_sums_means_and_the_slowest():
    spent = _spent(range(200), [3.0] * 198 + [101.0, 201.0])
    table = waits_table(WHO, spent).set_index("part")
    busy = table.loc["all consumers busy"]
    assert busy.to_dict() == {
        "system": "s", "group": "g", "total_s": 198 * 2.0 + 300.0, "mean_s": 696.0 / 200,
        "slowest_s": 150.0, "messages": 200,
    }  # fmt: skip
    assert table.loc["work", "total_s"] == 200.0
    assert table["total_s"].sum() == 896.0


def test_a_message_that_was_never_processed_is_in_no_sum():
    spent = _spent([0.0, 1.0], [4.0, np.inf])
    assert (spent.processed, spent.total_s.sum()) == (1, 4.0)


def test_pieces_give_what_all_at_once_gives_to_the_bit(monkeypatch):
    rng = np.random.default_rng(1)
    latency_s = 1.0 + rng.exponential(5.0, 1_000)
    whole = _spent(range(1_000), latency_s)
    monkeypatch.setattr(waits, "BLOCK", 64)
    pieces = _spent(range(1_000), latency_s, pieces=(10, 500, 1_000))
    assert pieces.total_s.tolist() == whole.total_s.tolist()
    assert pieces.messages.tolist() == whole.messages.tolist()
    assert pieces.slowest_s().tolist() == whole.slowest_s().tolist()
    assert whole.total_s.sum() == pytest.approx(latency_s.sum(), rel=1e-8)


def test_the_slowest_are_one_in_a_hundred_whatever_their_latencies():
    latency_s = np.random.default_rng(2).permutation(np.arange(1.0, 5_001.0))
    busy_s = _spent(np.zeros(5_000), latency_s).slowest_s()[TimePart.CAPACITY]
    assert busy_s == pytest.approx(np.arange(4_951, 5_001).mean() - 1.0, rel=5e-3)


class _Given(NamedTuple):
    """Parts that a test gives."""

    all_s: np.ndarray

    def parts_s(self, first, last):
        return self.all_s[:, first:last]


@given(st.integers(0, 2**32 - 1), st.integers(1, 300))
def test_sums_are_those_of_adding_one_by_one(seed, n):
    rng = np.random.default_rng(seed)
    all_s = rng.exponential(1.0, (len(TimePart), n)) * (rng.random((len(TimePart), n)) < 0.3)
    done = rng.random(n) < 0.8
    latency_s = np.where(done, all_s.sum(axis=0), np.inf)
    all_s[:, ~done] = np.nan
    spent = Spent()
    spent.add(np.zeros(n), _Became(latency_s, _Given(all_s)), n)
    its = all_s[:, done]
    assert spent.processed == done.sum()
    assert spent.total_s.tolist() == pytest.approx(its.sum(axis=1).tolist(), abs=n * 6e-8)
    assert spent.messages.tolist() == (its > 1e-6).sum(axis=1).tolist()
    order = np.argsort(-latency_s[done], kind="stable")
    if order.size:
        wanted = max(1, math.ceil(0.01 * order.size))
        slow = latency_s[done][order[:wanted]]
        # Whole bins, of which one is at most 0.8 % wide, and there is rounding.
        at_most = slow.mean() * (1 + 1e-6)
        assert slow[-1] * (1 - 1 / 128) <= spent.slowest_s().sum() <= at_most


def test_sums_may_be_more_than_64_bits_hold(monkeypatch):
    """Of months, of which 36,000 are 2**63 units, and of a million years."""
    months, years = np.full(200_000, 1.6e7), np.full(40_000, 1e6 * 365 * 86_400.0)
    summed = _spent(np.zeros(200_000), months)
    assert summed.total_s[TimePart.CAPACITY] == 200_000 * (1.6e7 - 1)
    latency_s = np.concatenate([years, np.full(20_000, 1_000.25)])
    spent = _spent(np.zeros(60_000), latency_s)
    assert spent.total_s[TimePart.WORK] == 60_000
    assert spent.total_s.sum() == pytest.approx(latency_s.sum(), rel=1e-15)
    assert spent.slowest_s().sum() == pytest.approx(latency_s[0], rel=1e-15)
    monkeypatch.setattr(waits, "MOST_S", 0.0)  # emptied after each block
    few = _spent(np.zeros(30_000), latency_s[-30_000:])
    monkeypatch.setattr(waits, "MOST_S", np.inf)
    never = _spent(np.zeros(20_000), latency_s[-20_000:])
    assert few.total_s[TimePart.CAPACITY] == 10_000 * (latency_s[0] - 1) + 20_000 * 999.25
    assert never.total_s[TimePart.CAPACITY] == 20_000 * 999.25


@pytest.mark.parametrize("part", [TimePart.BUFFER, TimePart.WORK])
def test_what_is_no_number_is_a_bug_of_the_lab(part):
    all_s = np.ones((len(TimePart), 3))
    all_s[part, 1] = np.nan
    with pytest.raises(AssertionError, match=r"do not sum to its latency: latency 15 s"):
        Spent().add(np.zeros(3), _Became(np.full(3, 15.0), _Given(all_s)), 3)


def test_the_message_that_is_wrong_is_told_by_its_parts():
    all_s = np.zeros((len(TimePart), 100))
    all_s[TimePart.CALL], all_s[TimePart.WORK] = 0.25, 1.0
    all_s[TimePart.WORK, 77] = 2.0
    told = "latency 1.25 s, of it calls 0.25, work 2"
    with pytest.raises(AssertionError, match=told):
        Spent().add(np.zeros(100), _Became(np.full(100, 1.25), _Given(all_s)), 100)


def test_parts_that_do_not_sum_to_the_latency_are_a_bug_of_the_lab():
    wrong = _Became(np.array([5.0]), _Known(np.array([4.0])))
    with pytest.raises(AssertionError, match="do not sum"):
        Spent().add(np.array([0.0]), wrong, 1)


def test_a_negative_part_is_a_bug_of_the_lab():
    wrong = _Became(np.array([0.5]), _Known(np.array([0.5])))
    with pytest.raises(AssertionError, match="less than no time"):
        Spent().add(np.array([0.0]), wrong, 1)


def test_of_many_messages_every_so_manieth_block_is_split_whatever_the_pieces(monkeypatch):
    monkeypatch.setattr(waits, "BLOCK", 10)
    monkeypatch.setattr(engine_waits, "ENOUGH", 100)
    latency_s = np.arange(1_000) + 2.0
    created_s, chosen = np.zeros(1_000), np.arange(1_000) // 10 % 10 == 0

    def summed(*pieces):
        spent, before = Spent(1_000), 0
        for last in (*pieces, 1_000):
            its = latency_s[before:last]
            spent.add(created_s[before:last], _Became(its, _Known(its)), last - before)
            before = last
        return spent

    whole, pieces = summed(), summed(3, 105, 107, 650)
    assert whole.processed == pieces.processed == 100
    assert whole.total_s.tolist() == pieces.total_s.tolist()
    assert whole.total_s.sum() == pytest.approx(latency_s[chosen].sum())
