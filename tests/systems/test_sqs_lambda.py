"""SQS queues that Lambda empties (SS-15): pollers, throttles and failures, with hand numbers.

Calls to SQS take 20 ms, and reach it half-way; an invocation takes 100 ms to begin, and 500 ms
more in a new environment.
"""

import numpy as np
import pytest

from helpers.incidents import incident
from sim import lab
from sim.engine.system import Setup
from sim.engine.waits import TimePart
from sim.queue import broker_codes as codes
from sim.queue.broker_waits import BrokerWaits
from sim.scenario.load import Scenario
from sim.systems.sqs import Sqs
from sim.systems.sqs_lambda import Pollers, PollerScaler
from sim.traffic.messages import Messages, Numbered

LATENCY = {"send": 0, "receive": "20 ms", "delete": "20 ms"}
TIMES = {"invoke": "100 ms", "cold_start": "500 ms"}


def emptied(function, **queue):
    """A queue ``g`` that Lambda empties."""
    return {
        "product": "sqs",
        "latency": LATENCY,
        "producer": {"threads": 100, "batch": 1},
        "queues": {"g": {"lambda": {**TIMES, **function}, "does": ["w"], **queue}},
    }


def consume(system, came_s, work_s, until_s, keys=None):
    """Messages through the queue ``g``, by the five pollers that there are at first."""
    scenario = incident(system)
    n = len(came_s)
    messages = Messages(
        np.asarray(came_s, float),
        np.asarray(keys or [0] * n, np.int32),
        np.array([300], np.int32),
        {"k": Numbered("k", 200)},
        10.0,
    )
    built = Sqs(Setup("s", scenario, messages, np.zeros(0)), scenario.systems["s"])
    broker = built.queues["g"]
    np.asarray(broker.state.messages.service_s)[:] = work_s
    built.senders.advance(until_s)
    broker.advance(until_s)
    return built, broker


def parts(built, broker):
    """[messages] the parts of each message's time that are not zero."""
    split = BrokerWaits(broker, built.sent["g"]).parts_s(0, broker.total)
    return [
        {
            part.name: round(float(split[part, i]), 6)
            for part in TimePart
            if abs(split[part, i]) > 1e-9
        }
        for i in range(broker.total)
    ]


def test_SS_15_the_first_invocation_in_an_environment_is_cold():
    built, broker = consume(emptied({"BatchSize": 1}), [1.0, 5.0], [1.0, 1.0], 20.0)
    # Received at 1.01; cold until 1.61. The second one finds the environment warm.
    np.testing.assert_allclose(broker.queue.done_s, [2.61, 6.11], atol=1e-6)
    assert parts(built, broker) == [{"CALL": 0.61, "WORK": 1.0}, {"CALL": 0.11, "WORK": 1.0}]
    assert (broker.state.function.invocations, broker.state.function.colds) == (2, 1)


def test_SS_15_a_throttled_batch_is_tried_again_and_let_in_when_one_has_ended():
    function = {"BatchSize": 1, "ReservedConcurrentExecutions": 1}
    built, broker = consume(emptied(function), [1.0, 1.0], [3.0, 1.0], 20.0)
    # The first runs from 1.61 to 4.61. The second is tried at 1.01, 2.01, 3.01, 4.01 and 5.01.
    np.testing.assert_allclose(broker.queue.done_s, [4.61, 6.11], atol=1e-6)
    assert parts(built, broker)[1] == {"CEILING": 4.0, "CALL": 0.11, "WORK": 1.0}
    function = broker.state.function
    assert (function.throttles, function.throttled_batches, function.given_up) == (4, 1, 0)
    assert function.peak == 1
    assert broker.state.limits.times[codes.LIMIT_THROTTLED] == 4
    assert broker.queue.receives.tolist() == [1, 1]


def test_SS_15_a_good_message_that_was_only_throttled_gets_into_the_dead_letter_queue():
    function = {"BatchSize": 1, "ReservedConcurrentExecutions": 1}
    system = emptied(function, VisibilityTimeout=20, RedrivePolicy={"maxReceiveCount": 1})
    _, broker = consume(system, [1.0, 1.0], [18.0, 0.5], 60.0)
    # The first runs until 19.61. The second is tried at 1.01, 2.01, …, and let in at 20.01.
    assert broker.queue.state.tolist() == [codes.ACKED, codes.ACKED]
    _, broker = consume(system, [1.0, 1.0], [19.0, 1.0], 60.0)
    # It runs until 20.61; the visibility timeout of the second ends at 21.0, before the next try.
    assert broker.queue.state.tolist() == [codes.ACKED, codes.DEAD]
    assert broker.queue.effects.tolist() == [1, 0]
    assert broker.state.function.given_up == 1


def test_SS_15_what_a_throttled_receive_has_cost_is_the_ceiling():
    function = {"BatchSize": 1, "ReservedConcurrentExecutions": 1}
    built, broker = consume(emptied(function, VisibilityTimeout=20), [1.0, 1.0], [19.0, 1.0], 60.0)
    # Given up at 21.0, received again, let in at once, and done at 22.11.
    np.testing.assert_allclose(broker.queue.done_s[1], 22.11, atol=1e-6)
    assert parts(built, broker)[1] == {
        "ATTEMPT": 0.01, "CEILING": 19.99, "CALL": 0.11, "WORK": 1.0
    }  # fmt: skip


def test_SS_15_a_batch_is_gathered_from_several_receives_until_its_window_ends():
    function = {
        "BatchSize": 25, "MaximumBatchingWindowInSeconds": 5, "MaximumConcurrency": 2
    }  # fmt: skip
    _, broker = consume(emptied(function), [0.0] * 50, [0.1] * 50, 30.0)
    # Two pollers receive 10, 10 and 5 each: at 0.01, 0.03 and 0.05.
    assert (broker.state.function.invocations, broker.state.consumers.found) == (2, 6)
    np.testing.assert_allclose(broker.queue.done_s[0], 0.06 + 0.6 + 0.1, atol=1e-6)
    # With 12, both ask for more, and the long poll waits for 20 s though the window is over (as
    # AWS says of queues with little traffic).
    built, broker = consume(emptied(function), [0.0] * 12, [0.1] * 12, 30.0)
    np.testing.assert_allclose(broker.queue.done_s[0], 0.03 + 20.0 + 0.01 + 0.6 + 0.1, atol=1e-6)
    assert parts(built, broker)[0] == {"CALL": 0.62, "HELD": 20.02, "WORK": 0.1}


def test_SS_15_nothing_is_gathered_without_a_window():
    built, broker = consume(emptied({}), [0.0] * 15, [0.1] * 15, 30.0)
    assert broker.state.function.invocations == 2
    # Behind the others of its batch, while other pollers have nothing to do.
    last = parts(built, broker)[9]
    assert last == {"CALL": 0.62, "HELD": 0.9, "WORK": 0.1}


def test_SS_15_an_invocation_that_takes_too_long_is_ended_and_its_batch_comes_back():
    function = {"Timeout": 3, "BatchSize": 3}
    _, broker = consume(emptied(function, VisibilityTimeout=10), [0.0] * 3, [1.4] * 3, 9.9)
    # It begins at 0.62 and is ended at 3.62, in the third message; two have had their effect.
    assert broker.queue.effects.tolist() == [1, 1, 0]
    assert broker.queue.state.tolist() == [codes.IN_FLIGHT] * 3
    assert broker.state.limits.times[codes.LIMIT_TIMEOUT] == 1
    assert broker.state.function.running == 0
    _, broker = consume(emptied(function, VisibilityTimeout=10), [0.0] * 3, [1.4] * 3, 19.0)
    assert broker.queue.effects.tolist() == [2, 2, 0]


POISON = {"fault": "poison", "target": "s.g", "at": "5 s", "effect": "fail", "count": 1}


def run(system, **more):
    """What came of ``incident``, and the pollers of ``g`` at its end."""
    seen = []
    told_in = Pollers.told_in

    def told(self, outcome):
        seen.append(self)
        return told_in(self, outcome)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Pollers, "told_in", told)
        tables = lab.run(incident(system, **more))
    return tables, seen[0]


def summary(tables):
    return tables.summary.iloc[0]


def test_SS_15_a_failure_is_of_the_whole_batch_unless_the_function_reports_which():
    redrive = {"RedrivePolicy": {"maxReceiveCount": 2}, "VisibilityTimeout": 30}
    system = emptied({"MaximumConcurrency": 2}, **redrive)
    whole, pollers = run(system, rate=40, minutes=1, work=0.1, faults=[POISON])
    assert pollers.state.function.failed == 2
    assert summary(whole)["dead_lettered"] >= 1
    assert summary(whole)["extra_deliveries"] > 1
    reports = {"FunctionResponseTypes": ["ReportBatchItemFailures"], "MaximumConcurrency": 2}
    system = emptied(reports, **redrive)
    single, pollers = run(system, rate=40, minutes=1, work=0.1, faults=[POISON])
    assert pollers.state.function.failed == 0
    assert (summary(single)["dead_lettered"], summary(single)["extra_deliveries"]) == (1, 1)


def test_SS_15_pollers_become_more_by_300_a_minute_up_to_1_250():
    scaler = PollerScaler(5, 1_250, 5.0, 0.1)
    assert [scaler.decide(0, 1, 0) for _ in range(60)][-1] == 305
    assert [scaler.decide(0, 1, 0) for _ in range(300)][-1] == 1_250
    assert scaler.decide(1, 1, 0) == 1_125
    assert scaler.decide(2, 1, 0) == 911  # 1,250 x 0.9^3 is 911.25
    assert scaler.decide(0, 0, 3) == 908
    assert scaler.decide(0, 0, 900) == 903
    assert scaler.decide(100, 0, 0) == 5


def test_SS_15_no_more_run_than_the_cap_and_than_are_reserved():
    _, pollers = run(emptied({"MaximumConcurrency": 25, "BatchSize": 1}), rate=100, work=1)
    assert (pollers.state.function.peak, pollers.alive_most) == (25, 25)
    assert pollers.state.function.throttles == 0
    cap = {"ScalingConfig": {"MaximumConcurrency": 2}}
    _, pollers = run(emptied(cap), rate=10, minutes=1, work=1)
    assert (pollers.state.function.peak, pollers.alive_most) == (2, 2)
    _, pollers = run(
        emptied({"ReservedConcurrentExecutions": 25, "BatchSize": 1}), rate=100, work=1
    )
    assert pollers.state.function.peak == 25
    assert pollers.alive_most > 25


MEASURED = (
    # Function, ramp-up, invocations in it: batch size 1, messages at a constant rate.
    # https://rehanvdm.com/blog/sqs-lambda-esm-scaling-behaviour--experiment-lambda-time-vs-batch-size
    ("100 ms", 70, 50_871),
    ("200 ms", 80, 55_734),
)


@pytest.mark.parametrize(("work", "for_s", "invocations"), MEASURED)
def test_SS_15_measured_ramps_come_out_within_15_percent(work, for_s, invocations):
    """With the defaults, whose `invoke` is from ramps of other functions (400 and 600 ms)."""
    system = {
        "product": "sqs",
        "producer": {"threads": 200},
        "queues": {"g": {"lambda": {"BatchSize": 1}, "does": ["w"], "VisibilityTimeout": 60}},
    }
    tables = lab.run(incident(system, rate=1_400, minutes=for_s / 60, work=work))
    series = tables.series
    there = np.interp(for_s, series["t_s"], series["processed"])
    assert there == pytest.approx(invocations, rel=0.15)


def test_c03_reserved_concurrency_below_the_pollers_is_what_binds():
    redrive = {"VisibilityTimeout": 30, "RedrivePolicy": {"maxReceiveCount": 3}}
    function = {"ReservedConcurrentExecutions": 5}
    tables, _ = run(emptied(function, **redrive), rate=10, minutes=5, work=1)
    assert summary(tables)["dead_lettered"] > 100
    capped, pollers = run(
        emptied({**function, "MaximumConcurrency": 5}, **redrive), rate=10, minutes=5, work=1
    )
    assert summary(capped)["dead_lettered"] == 0
    assert pollers.state.function.throttles == 0


def test_nothing_strikes_the_pollers_but_the_function_can_be_slow():
    crash = {"fault": "crash", "target": "s.g.0", "at": "5 s", "restart_after": "1 s"}
    with pytest.raises(Exception, match="is emptied by Lambda, whose pollers AWS runs"):
        Scenario.from_mapping(
            {**incident(emptied({})).model_dump(mode="json", by_alias=True), "faults": [crash]}
        )
    slow = {"fault": "slow", "target": "s.g.*", "at": "10 s", "factor": 5.0}
    tables, pollers = run(emptied({"BatchSize": 1}), minutes=1, work=0.5, faults=[slow])
    assert summary(tables)["processed"] == pollers.total
    assert pollers.state.consumers.factor[0] == 5.0
