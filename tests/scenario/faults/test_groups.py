"""Faults of whole groups: what their keys come to."""

from math import inf

import pytest
from pydantic import ValidationError

from sim.scenario.faults.groups import (
    AutoscaleFault,
    BugFault,
    DatabaseFault,
    DeployFault,
    PoisonFault,
    ScaleFault,
    Scaler,
    SeekFault,
    SnapshotHeldFault,
)

AT = {"at": 1, "target": "a.g"}


@pytest.mark.parametrize(
    ("to", "place_s", "words"),
    [
        ("beginning", -inf, "seek g to beginning"),
        ("end", inf, "seek g to end"),
        ("1h30m", 5_400.0, "seek g to 1 h 30 min"),
        (0, 0.0, "seek g to 0 s"),
    ],
)
def test_a_seek_goes_to_an_end_or_to_a_time(to, place_s, words):
    fault = SeekFault.model_validate({**AT, "to": to})
    assert (fault.place_s, fault.words("g")) == (place_s, words)
    assert SeekFault.model_validate(fault.model_dump(mode="json")) == fault


@pytest.mark.parametrize("to", ["start", None, [], True])
def test_a_seek_to_nowhere_is_refused(to):
    with pytest.raises(ValidationError, match="expected"):
        SeekFault.model_validate({**AT, "to": to})


def test_PB_09_a_seek_goes_to_a_snapshot_that_was_taken_before():
    fault = SeekFault.model_validate({**AT, "at": 90, "snapshot": "1m"})
    assert (fault.snapshot, fault.words("g")) == (60.0, "seek g to the snapshot of 1 min")
    assert SeekFault.model_validate(fault.model_dump(mode="json")) == fault


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({}, "nothing is sought"),
        ({"to": "end", "snapshot": 0}, "two places"),
        ({"snapshot": "1 s"}, "before the seek"),
    ],
)
def test_a_seek_has_one_place_to_go_to(keys, words):
    with pytest.raises(ValidationError, match=words):
        SeekFault.model_validate({**AT, **keys})


def test_the_most_consumers_are_those_of_the_scale_or_the_scaler():
    assert ScaleFault.model_validate({**AT, "to": 7}).most == 7
    scaler = {"lagThreshold": 5, "maxReplicaCount": 9}
    assert AutoscaleFault.model_validate({**AT, "scaler": scaler}).most == 9


def test_a_scaler_divides_the_lag_or_the_depth():
    assert Scaler(lagThreshold=5).per_replica == 5
    assert Scaler(queueLength=7).per_replica == 7


def test_a_new_process_is_started_only_where_one_was_killed():
    kill = {**AT, "effect": "kill", "restart_after": 3}
    assert PoisonFault.model_validate(kill).restart_after == 3.0
    with pytest.raises(ValidationError, match="'restart_after' goes with the effect 'kill'"):
        PoisonFault.model_validate({**kill, "effect": "fail"})


def test_only_a_database_is_shared_by_all_groups_that_it_strikes():
    kinds = (DeployFault, ScaleFault, AutoscaleFault, DatabaseFault, PoisonFault, SeekFault)
    assert [fault for fault in (*kinds, BugFault) if fault.as_one] == [DatabaseFault]


def test_readers_can_be_missing_after_what_ends_processes():
    kinds = (DeployFault, ScaleFault, AutoscaleFault, DatabaseFault, PoisonFault, SeekFault)
    spared = [fault for fault in (*kinds, BugFault, SnapshotHeldFault) if not fault.takes_readers]
    assert spared == [DatabaseFault, SeekFault, BugFault, SnapshotHeldFault]


def test_a_snapshot_is_held_for_a_time_or_to_the_end():
    fault = SnapshotHeldFault.model_validate({**AT, "for": "5m"})
    assert (fault.until_s, fault.lasts_s) == (301.0, 300.0)
    fault = SnapshotHeldFault.model_validate(AT)
    assert (fault.until_s, fault.lasts_s) == (inf, None)
    assert fault.words("g") == "snapshot held, dead rows of g stay"
