"""The systems of a scenario, judged beside the presets."""

from helpers.advice import scenario
from sim.advice.advise import advise
from sim.advice.own import own_systems
from sim.advice.words import closing

FASTER = {"product": "sqs", "queues": {"q": {"workers": 4, "does": ["job"]}}}
SLOW = {"product": "sqs", "queues": {"q": {"workers": 1, "does": ["job"]}}}
KAFKA = {
    "product": "kafka",
    "topic": {"partitions": 6},
    "partition_key": ["order"],
    "groups": {"g": {"consumers": 6, "does": ["job"]}},
}
FIFO = {
    "product": "sqs",
    "queues": {
        "q": {"workers": 4, "does": ["job"], "FifoQueue": True, "MessageGroupId": ["order"]}
    },
}


def test_yours_are_taken_as_they_are():
    its = scenario(systems={"a": FASTER, "k": KAFKA, "f": FIFO}, scale=1)
    found = dict(own_systems(its))
    assert list(found) == ["yours.a", "yours.k", "yours.f"]
    assert found["yours.a"].members == {"q": 4} and found["yours.k"].members == {"g": 6}
    assert (found["yours.a"].partitions, found["yours.k"].partitions) == (1, 6)
    more = found["yours.k"].with_workers({"g": 8})
    assert more["groups"]["g"]["consumers"] == 8 and more["topic"]["partitions"] == 6
    assert found["yours.k"].system["groups"]["g"]["consumers"] == 6
    assert found["yours.a"].with_workers({"q": 6})["queues"]["q"]["workers"] == 6


def test_yours_are_judged_and_told_what_two_more_workers_buy():
    # 30/s of 50 ms and a call of 50 ms for each: one worker is too slow, three are not.
    its = scenario(systems={"slow": SLOW, "fine": FASTER}, needs={"max_delay": "5 s"})
    found = advise(its, catalogue={})
    rows = {row.preset: row for row in found.rows}
    assert list(rows) == ["yours.fine", "yours.slow"] and all(row.own for row in found.rows)
    slow, fine = rows["yours.slow"], rows["yours.fine"]
    assert not fine.unmet and fine.trial.workers == {"q": 4}
    assert [j.need for j in slow.unmet] == ["nothing is left", "max_delay: 5 s"]
    assert slow.more.workers == {"q": 3} and slow.trial.workers == {"q": 1}
    words = closing(found)
    assert "Of yours, fine meets every need. Yours, slow: " in words
    assert "Two more workers would leave" in words or ", which is enough." in words
    assert advise(its, catalogue={}, own=False).rows == []


def test_faults_strike_a_system_under_its_own_name():
    its = scenario(systems={"slow": SLOW, "fine": FASTER}, needs={"max_delay": "5 s"})
    crash = {"at": "10s", "fault": "crash", "target": "fine.q.*"}
    rows = {row.preset: row for row in advise(its.with_(faults=[crash]), catalogue={}).rows}
    assert rows["yours.fine"].made.faults[0].target == "fine.q.*"
    assert rows["yours.fine"].trial.sum("unfinished") > 2_000
    assert rows["yours.slow"].made.faults == []


def test_numbers_of_yours_grow_with_the_scale_of_the_scenario():
    its = scenario(systems={"fine": FASTER}, needs={"max_delay": "5 s"})
    (one,), (two,) = (advise(its.with_(scale=n), catalogue={}).rows for n in (1, 2))
    assert two.trial.seen[0].produced > 1.8 * one.trial.seen[0].produced
    assert not one.unmet and not two.unmet


def test_a_lambda_function_of_yours_is_judged_as_it_is():
    its = {"product": "sqs", "queues": {"q": {"lambda": {"BatchSize": 10}, "does": ["job"]}}}
    found = advise(scenario(systems={"f": its}, needs={"max_delay": "5 s"}), catalogue={})
    (row,) = found.rows
    assert not row.unmet and row.more is None and row.workers == 0
    assert "worker" not in closing(found)
