"""Faults of one process: defaults, and for how long the timeline shows them."""

import pytest

from sim.scenario.faults.processes import (
    CrashFault,
    ExitFault,
    InterruptFault,
    PartitionFault,
    PauseFault,
    RestartFault,
    SlowFault,
    TerminateFault,
)

AT = {"at": 1, "target": "a.b.0"}


@pytest.mark.parametrize(
    ("fault", "more", "lasts_s"),
    [
        (CrashFault, {}, None),
        (CrashFault, {"restart_after": 5}, 5.0),
        (TerminateFault, {"restart_after": 0}, 0.0),
        (InterruptFault, {"restart_after": 2}, 2.0),
        (ExitFault, {}, None),
        (RestartFault, {}, 0.0),
        (PauseFault, {"for": 3}, 3.0),
        (SlowFault, {"factor": 2}, None),
        (SlowFault, {"factor": 2, "for": 4}, 4.0),
        (PartitionFault, {}, None),
        (PartitionFault, {"for": 6}, 6.0),
    ],
)
def test_a_fault_lasts_until_it_is_put_right(fault, more, lasts_s):
    assert fault.model_validate({**AT, **more}).lasts_s == lasts_s


def test_a_publisher_s_faults_are_told_by_their_signal():
    said = [f.signal for f in (CrashFault, TerminateFault, InterruptFault, ExitFault)]
    assert said == ["SIGKILL", "SIGTERM", "SIGINT", "exit"]


def test_sigterm_has_the_grace_of_a_kubernetes_pod():
    assert TerminateFault.model_validate(AT).grace == 30.0
    assert TerminateFault.model_validate({**AT, "grace": "5 s"}).grace == 5.0
