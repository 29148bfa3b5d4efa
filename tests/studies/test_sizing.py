"""The cheapest setting: the number that theory gives, and the one that trying all of them gives."""

from itertools import product
from math import exp, factorial

import numpy as np
import pytest

from helpers.sized import Confirmed
from helpers.sizing import CONSUMERS, PARTITIONS, WORKERS, ideal_log, ideal_queue, sized
from sim.foundation.errors import LabError
from sim.scenario.load import load
from sim.studies.dials import alone, read_dials
from sim.studies.goals import Goal
from sim.studies.sizing import Staircase
from sim.studies.trials import Outcomes, Trials


def erlang_c(offered, servers):
    """The probability that a message waits in M/M/c."""
    last = offered**servers / factorial(servers) * servers / (servers - offered)
    return last / (sum(offered**k / factorial(k) for k in range(servers)) + last)


def m_m_c_mean_s(rate, work_s, servers):
    if rate * work_s >= servers:
        return np.inf
    return work_s + erlang_c(rate * work_s, servers) * work_s / (servers - rate * work_s)


def m_m_c_quantile_s(q, rate, work_s, servers):
    """Of the sojourn time: work, and with Erlang's probability an exponential wait before it."""
    if rate * work_s >= servers:
        return np.inf
    wait, theta, mu = erlang_c(rate * work_s, servers), servers / work_s - rate, 1 / work_s

    def longer(t):
        if theta == mu:
            return (1 - wait) * exp(-mu * t) + wait * (1 + mu * t) * exp(-mu * t)
        both = (theta * exp(-mu * t) - mu * exp(-theta * t)) / (theta - mu)
        return (1 - wait) * exp(-mu * t) + wait * both

    low, high = 0.0, 1e5
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if longer(middle) > 1 - q else (low, middle)
    return high


def m_g_1_mean_s(rate, work_s, scv, servers):
    """Pollaczek and Khinchine, of one of so many servers with a share of the messages each."""
    rho = rate / servers * work_s
    return np.inf if rho >= 1 else work_s + rho * work_s * (1 + scv) / 2 / (1 - rho)


EXPONENTIAL = {"exponential": "4 s"}
CASES = {
    "M/M/c, p99": (
        ideal_queue(EXPONENTIAL), WORKERS, "p99", lambda c: m_m_c_quantile_s(0.99, 1, 4, c),
    ),
    "M/M/c, mean": (ideal_queue(EXPONENTIAL), WORKERS, "mean", lambda c: m_m_c_mean_s(1, 4, c)),
    "M/M/c of many, p90": (
        ideal_queue(EXPONENTIAL, rate="3/s"), WORKERS, "p90",
        lambda c: m_m_c_quantile_s(0.9, 3, 4, c),
    ),
    "M/D/1 each, mean": (ideal_log("2 s"), CONSUMERS, "mean", lambda c: m_g_1_mean_s(1, 2, 0, c)),
    "M/G/1 each, mean": (
        ideal_log({"gamma": {"mean": "2 s", "cv": 2}}), CONSUMERS, "mean",
        lambda c: m_g_1_mean_s(1, 2, 4, c),
    ),
}  # fmt: skip
ANSWERS = {"M/M/c, p99": 6, "M/M/c, mean": 6, "M/M/c of many, p90": 14, "M/D/1 each, mean": 4,
           "M/G/1 each, mean": 6}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_number_is_that_of_theory(case, tmp_path):
    scenario, path, measure, theory = CASES[case]
    values = range(1, 33) if path == WORKERS else (1, 2, 3, 4, 6, 12)
    answer = ANSWERS[case]
    fewer = max(n for n in values if n < answer)
    # Between what theory says of the two: near neither, for runs are finite.
    limit_s = (theory(answer) + min(theory(fewer), 4 * theory(answer))) / 2
    assert min(n for n in values if theory(n) < limit_s) == answer
    vary = f"{path}={','.join(map(str, values))}"
    found = sized(scenario, [f"{measure} < {limit_s}"], [vary], tmp_path, share=0.5)
    assert found.answer == (answer,)
    assert found.verdicts == {(fewer,): False, (answer,): True}


SMALL = {
    "workload.arrivals.multiply": 0.02,
    "workload.service.analytics.per_message": "200 ms",
}
SCENARIOS = {
    "tournament_spike": (
        SMALL, "p99 < 350s",
        ["systems.kafka.groups.analytics.consumers=1..4", "systems.kafka.topic.partitions=2,4,8"],
        (2, 2),  # with 4 or 8 partitions, 2 consumers are too few: the hot videos fall together
    ),
    "head_of_line": (
        {}, "p90 < 5s",
        ["systems.kafka_share_group_3_partitions.share_groups.lookup.consumers=4..7"], (6,),
    ),
    "celery_jobs": (
        {"workload.arrivals.multiply": 6}, "p99 < 30s",
        ["systems.celery.queues.jobs.workers=1..4"], (3,),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_answer_is_that_of_trying_every_setting(name, tmp_path):
    changes, goal, vary, answer = SCENARIOS[name]
    scenario = load(name).with_(changes)
    found = sized(scenario, [goal, "drained"], vary, tmp_path, share=0.5)
    dials = read_dials(vary, scenario)
    of_one = alone(scenario, dials[0].system)
    trials = Trials(of_one, dials, found.goals, found.groups, tmp_path, jobs=1)
    settings = [v for v in product(*(dial.values for dial in dials)) if v[0] <= v[-1]]
    met = {values: trials.run(values, 4).met() for values in settings}
    assert set(met.values()) <= {0, 4}, met  # else it is the seeds that decide
    assert min(values for values in settings if met[values]) == answer
    assert found.answer == answer


class Made(Trials):
    """Runs that are made up: of each setting, in how many of ten its groups do."""

    def __init__(self, scenario, vary, does):
        dials = read_dials(vary, scenario)
        groups = list(dict.fromkeys(dial.group for dial in dials if dial.group))
        super().__init__(scenario, dials, [Goal("lost", 0.0)], groups, None)
        self.does = does

    def run(self, values, runs):
        n = max(runs, self.tried[values].runs if values in self.tried else 0)
        lost = [[[i % 10 >= self.does(values, group)] for group in self.groups] for i in range(n)]
        self.tried[values] = Outcomes(self.groups, self.goals, np.array(lost, float))
        return self.tried[values]


def search(vary, does, scenario=None, share=0.9, most=400):
    made = Made(scenario or ideal_log("1 s", partitions=64), vary, does)
    found = Staircase(made, share, 0.95, most)
    return found.answer(), made, found


@pytest.mark.parametrize("needed", [1, 2, 3, 31, 32, 33, 64])
def test_doubling_and_bisection_find_the_least(needed):
    answer, made, found = search([CONSUMERS], lambda v, _: 10 * (v[0] >= needed))
    assert answer == (needed,)
    assert len(made.tried) <= 13
    assert found.verdicts == {(needed,): True, **({(needed - 1,): False} if needed > 1 else {})}


def test_members_beyond_the_partitions_are_not_tried():
    log_of_3 = ideal_log("1 s", partitions=3)
    answer, made, _ = search([CONSUMERS], lambda v, _: 10 * (v[0] >= 4), log_of_3)
    assert answer is None
    assert max(made.tried) == (3,)
    path = "systems.kafka_share_group_3_partitions.share_groups.lookup.consumers"
    assert search([path], lambda v, _: 10 * (v[0] >= 4), load("head_of_line"))[0] == (4,)


@pytest.mark.parametrize(("consumers", "partitions"), [(1, 1), (3, 3), (3, 7), (5, 64)])
def test_consumers_and_partitions_are_found_together(consumers, partitions):
    enough = lambda v, _: 10 * (v[0] >= consumers and v[1] >= partitions)  # noqa: E731
    answer, made, _ = search([CONSUMERS, PARTITIONS], enough)
    assert answer == (consumers, partitions)
    assert all(v[0] <= v[1] for v in made.tried)


def test_fewer_partitions_may_do_with_fewer_consumers():
    # With 2 partitions, 2 consumers; with more, as keys fall, it takes 3.
    answer, _, _ = search(
        [CONSUMERS, f"{PARTITIONS}=2,4,8"], lambda v, _: 10 * (v[0] >= 3 or v == (2, 2))
    )
    assert answer == (2, 2)


def test_each_group_is_narrowed_by_its_own_goals():
    scenario = load("tournament_spike").with_({PARTITIONS: 64})
    vary = [f"systems.kafka.groups.{group}.consumers" for group in ("counters", "analytics")]
    needed, place = {"counters": 5, "analytics": 23}, {"counters": 0, "analytics": 1}
    answer, made, _ = search(vary, lambda v, g: 10 * (v[place[g]] >= needed[g]), scenario)
    assert answer == (5, 23)
    assert len(made.tried) <= 20


def test_what_only_looked_enough_is_not_the_answer():
    # In four runs 5 do, but in no more than half of all.
    answer, _, found = search([CONSUMERS], lambda v, _: 10 if v[0] > 5 else 5 * (v[0] == 5))
    assert answer == (6,)
    assert found.verdicts[5,] is False


def test_what_is_too_close_to_say_is_open():
    answer, _, found = search(
        [CONSUMERS], lambda v, _: 10 if v[0] > 5 else 9 * (v[0] == 5), most=64
    )
    assert answer == (6,)
    # What is below the open one is decided, too.
    assert found.verdicts == {(4,): False, (5,): None, (6,): True}


@pytest.mark.parametrize(
    ("answer", "still", "met", "holds"),
    [
        (3, [], {1: 0, 2: 35, 3: 36}, True),
        (3, [], {1: 0, 2: 36, 3: 40}, False),
        (3, [2], {1: 0, 2: 36, 3: 40}, False),  # that it says so itself is no excuse
        (3, [], {1: 0, 2: 0, 3: 35}, False),
        (None, [], {1: 0, 2: 35}, True),
        (None, [], {1: 0, 2: 36}, False),
    ],
)
def test_a_sweep_confirms_an_answer_below_which_nothing_does(answer, still, met, holds):
    its = Confirmed(answer, still, 100, met, 40)
    assert its.holds is holds
    assert [n for n in its.close if met[n] in (0, 40)] == []


class Drawn(Made):
    """Runs of which each setting meets the goal with a probability, the same seeds in all."""

    def __init__(self, probability, seed, usd=None, vary=(CONSUMERS,), scenario=None):
        super().__init__(scenario or ideal_log("1 s", partitions=64), list(vary), None)
        self.probability, self.usd = probability, usd
        self.luck = np.random.default_rng(seed).random(10_000)

    def run(self, values, runs):
        n = max(runs, self.tried[values].runs if values in self.tried else 0)
        lost = (self.luck[:n] >= self.probability(values)).astype(float)
        months = np.full(n, self.usd(values)) if self.usd else np.zeros(0)
        self.tried[values] = Outcomes(self.groups, self.goals, lost[:, None, None], "", months)
        return self.tried[values]


def test_runs_are_spent_where_it_is_open():
    # With 8 and 9 some 95 % of the runs do, which 100 runs do not tell from 90 %; with 10 all do.
    def probability(values):
        return {8: 0.96, 9: 0.97}.get(values[0], float(values[0] > 9))

    made = Drawn(probability, 4)
    few = Staircase(made, 0.9, 0.95, 100)
    assert few.answer() == (10,)
    assert few.verdicts == {(7,): False, (8,): None, (9,): None, (10,): True}
    found = Staircase(Drawn(probability, 4), 0.9, 0.95, 400)
    assert found.answer() == (8,)
    assert found.verdicts[7,] is False


def test_of_many_that_are_open_the_best_gets_the_runs():
    # Three consumers do; of two, whatever the partitions, some 90 % of the runs do.
    made = Drawn(lambda v: float(v[0] > 2) or 0.9 * (v[0] == 2), 5, vary=[CONSUMERS, PARTITIONS])
    search = Staircase(made, 0.9, 0.95, 400)
    assert search.answer() == (3, 3)
    still = [v for v, verdict in search.verdicts.items() if verdict is None]
    assert {v[0] for v in still} == {2}
    assert sorted(made.tried[v].runs for v in still)[-2:] == [100, 400]


def test_what_is_decided_is_wrong_no_more_often_than_stated():
    """Whatever the shares below and above: those of a steep and of a flat curve, some at 90 %."""
    wrong = searches = 0
    for curve in ((0.5, 0.85, 0.89, 0.9, 0.95, 1.0), (0.8, 0.86, 0.88, 0.89, 0.895, 0.96, 1.0)):

        def probability(values, curve=curve):
            return curve[min(values[0], len(curve)) - 1]

        for seed in range(150):
            search = Staircase(Drawn(probability, seed), 0.9, 0.8, 160)
            search.answer()
            searches += 1
            wrong += any(
                verdict is not None and verdict != (probability(values) >= 0.9)
                for values, verdict in search.verdicts.items()
            )
    # 60 may be; what each decision may be wrong with, all together never are. 20 would be if each
    # might be wrong with all of it.
    assert (wrong, searches) == (2, 300)


@pytest.mark.parametrize(
    ("member", "partition", "answer"),
    [
        (10.0, 0.0, (2, 8)),  # partitions are free: the fewest members
        (100.0, 10.0, (2, 8)),  # 280, 340, 510
        (30.0, 10.0, (3, 4)),  # 140, 130, 170
        (5.0, 10.0, (5, 2)),  # 90, 55, 45
    ],
)
def test_the_least_money_is_looked_for_where_partitions_have_a_price(member, partition, answer):
    # A share group, whose members may be more than the partitions.
    share_group = "systems.kafka_share_group_3_partitions.share_groups.lookup.consumers"
    partitions = "systems.kafka_share_group_3_partitions.topic.partitions"
    needed = {1: 99, 2: 5, 4: 3, 8: 2, 16: 2}
    made = Drawn(
        lambda v: float(v[0] >= needed[v[1]]),
        1,
        lambda v: member * v[0] + partition * v[1],
        [share_group, f"{partitions}=1,2,4,8,16"],
        load("head_of_line"),
    )
    search = Staircase(made, 0.9, 0.95, 400)
    assert search.answer() == answer
    for values, verdict in search.verdicts.items():
        assert verdict is (values[0] >= needed[values[1]])


def test_more_messages_a_call_are_cheaper_than_fewer(tmp_path):
    """One worker does with any number of messages a receive: with ten, the bill is the least."""
    queue = ideal_queue("50 ms", rate="18/s", duration="600 s")
    at = "systems.sqs.queues.q.MaxNumberOfMessages"
    found = sized(queue, ["p99 < 5s"], [f"{WORKERS}=1..3", f"{at}=1,2,10"], tmp_path, share=0.5)
    assert found.answer == (1, 10)
    # One message a call, 18 a second, each sent, received and deleted for 0.40 USD a million; a
    # worker for 0.0123425 USD an hour; and 730 hours a month: 56.76 + 9.01, and some idle polls.
    by_hand = 730 * (3 * 18 * 3600 * 0.40 / 1e6 + 0.0123425)
    assert by_hand == pytest.approx(65.77, abs=0.005)
    assert found.tried[1, 1].usd_per_month == pytest.approx(by_hand, rel=0.01)
    assert found.tried[1, 10].usd_per_month < 43.1  # a message is sent, the rest is shared


def test_a_member_more_costs_what_a_worker_costs(tmp_path):
    found = sized(ideal_log("1 ms", duration="200 s"), ["drained"], [f"{CONSUMERS}=1..2"], tmp_path,
                  share=0.5)  # fmt: skip
    months = [found.tried[n,].usd_per_month for n in (1, 2)]
    # Three brokers for 0.204 USD an hour, which traffic and storage of a message a second add to.
    assert months[1] - months[0] == pytest.approx(730 * 0.0123425)
    assert months[0] == pytest.approx(730 * (3 * 0.204 + 0.0123425), rel=0.01)


def test_a_setting_that_cannot_be_is_passed_over(tmp_path):
    crash = {"at": "10 s", "fault": "crash", "target": "kafka.g.2", "restart_after": "1 s"}
    scenario = ideal_log("1 ms", duration="30 s").with_(
        {CONSUMERS: 3, "faults": [crash], "drain_limit": "1h"}
    )
    found = sized(scenario, ["drained"], [f"{CONSUMERS}=1..4"], tmp_path, share=0.5)
    assert found.answer == (3,)
    assert "kafka.g.2" in found.tried[2,].refused


def test_without_a_goal_there_is_nothing_to_look_for(tmp_path):
    with pytest.raises(LabError, match="no goal is given, and the scenario states no `needs`"):
        sized(ideal_queue("1 s"), [], [WORKERS], tmp_path)
