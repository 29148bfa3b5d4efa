"""The messages that wait at the start: how many, how old, and whose."""

import numpy as np

from helpers.traffic import scenario
from sim.traffic.backlog import backlog_s, backlog_size, done_before
from sim.traffic.generate import generate
from sim.traffic.windows import WindowPlan, Windows


def test_they_are_spread_evenly_over_their_age():
    its = scenario(start={"backlog": 5, "age": "10 s"})
    assert backlog_s(its).tolist() == [-10.0, -8.0, -6.0, -4.0, -2.0]
    messages = generate(its)
    assert messages.waiting == 5 and messages.created_s[5] >= 0.0
    assert messages.created_s[:5].tolist() == backlog_s(its).tolist()
    np.testing.assert_array_equal(messages.created_s[5:], generate(scenario()).created_s)
    assert backlog_s(scenario()).size == 0 and generate(scenario()).waiting == 0


def test_where_ages_differ_the_newest_are_within_the_least():
    start = {"backlog": {"kafka.g": 2, "kafka.h": 4}, "age": {"kafka.g": "1 s", "kafka.h": "9 s"}}
    services = {"job": {"per_message": "1 ms"}, "other": {"per_message": "1 ms"}}
    groups = {
        "g": {"consumers": 1, "does": ["job"]},
        "h": {"consumers": 1, "does": ["other"]},
    }
    its = scenario(**{"workload.service": services, "systems.kafka.groups": groups, "start": start})
    assert backlog_s(its).tolist() == [-9.0, -5.0, -1.0, -0.5]
    assert done_before(its, "kafka", "g") == 2 and done_before(its, "kafka", "h") == 0


def test_the_scale_scales_them_and_not_their_age():
    its = scenario(start={"backlog": 5, "age": "10 s"}, scale=0.5)
    assert backlog_size(its) == 3
    assert backlog_s(its)[0] == -10.0
    assert backlog_size(scenario(scale=3.0, start={"backlog": 5, "age": "10 s"})) == 15


def test_the_first_window_has_all_of_them():
    its = scenario(start={"backlog": 300, "age": "10 s"})
    plan = WindowPlan(its, 100)
    windows = Windows(plan)
    first = windows.following()
    assert first.waiting == 300 and len(first) > 300
    assert plan.total == len(generate(its))
    assert windows.following().waiting == 0
