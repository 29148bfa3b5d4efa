"""Offsets of a group that is not there, by hand; the plain model has them in `test_group`."""

import numpy as np
import pytest

from helpers.group_lab import Lab
from sim.log import group_state as k
from sim.log.fates import told
from sim.log.kafka_offsets import OffsetRetention


def lab(protocol, reset, kept_s=30.0):
    """A message a second in turn to two partitions; offsets are looked at at 5, 15, 25, ... s."""
    its = Lab(np.arange(120.0), np.arange(120) % 2, 0.01, protocol=protocol, reset=reset)
    by_commit = protocol == "consumer"
    kept = OffsetRetention(kept_s, 10.0, 5.0, by_commit=by_commit)
    its.env.process(kept.run(its.env, its.coordinator))
    return its


def gone(its):
    return [at_s for at_s, text in its.said if "offsets are deleted" in text]


@pytest.mark.parametrize("protocol", ["eager", "cooperative", "consumer"])
def test_KB_15_a_group_that_left_in_order_has_lost_its_place_when_it_is_back(protocol):
    its = lab(protocol, k.LATEST)
    for m in (0, 1):
        its.at(20.5, "terminate", m, 30.0).at(60.5, "restart", m)
    its.run(60.0)
    assert gone(its) == [55.0]
    assert its.committed() == [-1, -1]
    done_s = its.run(130.0)
    assert np.isfinite(done_s[:21]).all() and np.isinf(done_s[21:61]).all()
    assert np.isfinite(done_s[67:]).all() and max(its.effects()) == 1
    skipped = int(np.isinf(done_s).sum())
    (words,) = [text for _, _, text in told(its.group, "g", 300.0)]
    assert words == f"g: 0 gone before they were read, {skipped} skipped"


@pytest.mark.parametrize("protocol", ["eager", "consumer"])
def test_KB_15_earliest_reads_everything_again(protocol):
    its = lab(protocol, k.EARLIEST)
    for m in (0, 1):
        its.at(20.5, "terminate", m, 30.0).at(60.5, "restart", m)
    its.run(130.0)
    assert its.effects() == [2] * 21 + [1] * 99
    assert its.committed() == [60, 60]


@pytest.mark.parametrize("protocol", ["eager", "consumer"])
def test_KB_15_a_group_that_is_back_in_time_has_its_place(protocol):
    its = lab(protocol, k.LATEST)
    for m in (0, 1):
        its.at(20.5, "terminate", m, 30.0).at(49.5, "restart", m)
    its.run(130.0)
    assert gone(its) == [] and its.effects() == [1] * 120


def test_KB_15_by_the_consumer_protocol_what_counts_is_when_an_offset_was_committed():
    """Killed at 20.5 s, members are counted in to the end of their sessions, 45 s later at most.

    The classic group is then without members, and keeps its offsets for another 30 s; by KIP-848
    they are older than that already.
    """
    for protocol, first_s, last_s in (("eager", 95.0, 95.0), ("consumer", 65.0, 75.0)):
        its = lab(protocol, k.LATEST)
        for m in (0, 1):
            its.at(20.5, "crash", m)
        its.run(119.0)
        (at_s,) = gone(its)
        assert first_s <= at_s <= last_s, protocol


def test_KB_15_while_a_member_is_there_nothing_goes():
    its = lab("eager", k.LATEST, kept_s=1.0)
    its.at(20.5, "terminate", 0, 30.0).at(30.0, "pause", 1, 40.0)
    its.run(130.0)
    assert gone(its) == [] and min(its.effects()) == 1
