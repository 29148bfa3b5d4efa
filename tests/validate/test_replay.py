"""A plan in real time: the messages at their times, the faults at theirs."""

from math import inf
from types import SimpleNamespace

import numpy as np
import pytest

from helpers.real_plans import NoBroker, planned
from sim.foundation.errors import LabError
from sim.validate.replay import _deliveries, replay


def test_every_message_is_processed_at_its_time(tmp_path):
    plan = planned()
    seen = replay(plan, NoBroker(), tmp_path)
    done = seen.groups["g"].executions
    assert sorted(done["message"]) == list(range(len(plan.messages)))
    created_s = plan.messages.created_s[done["message"].to_numpy()]
    # Clocks of two processes, so no more than that nothing came before its time.
    assert (done["started_s"] >= created_s - 1e-4).all()
    assert (done["done_s"] - done["started_s"] >= 0.005 - 1e-4).all()
    assert np.allclose(seen.sent_s, plan.messages.created_s, atol=1e-5)
    assert np.allclose(seen.acked_s - seen.sent_s, 0.002, atol=1e-5)


def test_a_killed_member_leaves_its_share_until_another_takes_its_place(tmp_path):
    plan = planned(
        [{"at": 0.5, "fault": "crash", "target": "kafka.g.1", "restart_after": "500 ms"}]
    )
    seen = replay(plan, NoBroker(), tmp_path)
    done = seen.groups["g"].executions
    assert sorted(set(done["message"])) == list(range(len(plan.messages)))
    its = done[done["member"] == 1]["done_s"]
    assert not ((its > 0.5) & (its < 1.0)).any()
    assert (its > 1.0).any()
    assert any("crash g 1" in note for note in seen.notes)


def test_without_a_second_process_what_it_had_is_left(tmp_path):
    plan = planned([{"at": 0.5, "fault": "crash", "target": "kafka.g.1"}])
    done = replay(plan, NoBroker(), tmp_path).groups["g"].executions
    odd = np.flatnonzero((plan.messages.created_s > 0.6) & (np.arange(len(plan.messages)) % 2))
    assert odd.size
    assert not set(done["message"]) & set(odd.tolist())


def test_a_client_that_does_not_start_is_an_error_and_leaves_no_process(tmp_path):
    class Broken(NoBroker):
        def consumer(self, plan, group, work, log):
            return ["sh", "-c", "echo no such client >&2; exit 3"]

    with pytest.raises(LabError, match=r"a process of 'g' did not start.*\n.*no such client"):
        replay(planned(), Broken(), tmp_path)


def test_it_goes_on_while_the_broker_has_messages_that_will_come_again(tmp_path):
    asked = []

    class Full(NoBroker):
        def left(self, plan):
            asked.append(None)
            return 3 - min(3, len(asked))

    replay(planned(), Full(), tmp_path)
    assert len(asked) == 3


def test_a_scenario_says_for_how_long_one_waits(tmp_path):
    class Patient(NoBroker):
        quiet_s = limit_s = inf

    crash = [{"at": 0.5, "fault": "crash", "target": "kafka.g.1"}]
    done = replay(planned(crash, drain_limit=0.5), Patient(), tmp_path).groups["g"].executions
    assert len(done) < len(planned().messages)


def test_the_most_deliveries_count_also_of_what_failed():
    lines = [line.split() for line in ("r 0 1 2 2 -1 -1", "f 1 1 3", "f 1 1 2", "f 2 1", "x 1")]
    fleet = SimpleNamespace(clients=[SimpleNamespace(lines=lines)])
    assert _deliveries(fleet, 3).tolist() == [2, 3, 0]
