"""When an alarm is on: by hand, and by a rule evaluated sample by sample."""

from math import inf, isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.measure.alarms import alarms
from sim.measure.openmetrics import Gauge, Series, alarm

T_S = np.arange(8) * 0.5


@pytest.mark.parametrize(
    ("value", "for_s", "expected"),
    [
        ([0, 1, 2, 3, 2, 1, 0, 0], 0, [(1.0, 2.5)]),
        ([3, 3, 0, 3, 0, 0, 3, 3], 0, [(0.0, 1.0), (1.5, 2.0), (3.0, inf)]),
        ([3, 3, 0, 3, 0, 0, 3, 3], 0.5, [(0.5, 1.0), (3.5, inf)]),
        ([3, 3, 3, 3, 3, 3, 3, 3], 1.2, [(1.5, inf)]),
        ([3, 3, nan, 3, inf, 3, 0, 0], 1, [(2.5, 3.0)]),
        ([1, 1, 1, 1, 1, 1, 1, 1], 0, []),
    ],
)
def test_an_alarm_is_on_from_the_sample_that_fulfils_it_to_the_first_that_is_not_over(
    value, for_s, expected
):
    assert alarms(T_S, np.array(value), 1, for_s) == expected


def test_an_alarm_of_no_samples_is_never_on():
    assert alarms(np.zeros(0), np.zeros(0), 1) == []


def test_a_grid_whose_times_do_not_add_up_in_floats_delays_no_alarm():
    t_s = np.arange(12) * 0.1
    assert t_s[9] - t_s[6] < 0.3
    value = np.where(t_s < t_s[6], 0, 5)
    assert alarms(t_s, value, 1, for_s=0.3) == [(t_s[9], inf)]


@given(
    steps=st.lists(st.integers(1, 5), min_size=1, max_size=20),
    data=st.data(),
    threshold=st.integers(0, 3),
    for_s=st.integers(0, 8),
)
def test_alarms_are_those_of_a_rule_evaluated_sample_by_sample(steps, data, threshold, for_s):
    t_s = np.cumsum(steps).astype(float)
    value = data.draw(
        st.lists(st.sampled_from([0, 1, 2, 3, 4, nan]), min_size=t_s.size, max_size=t_s.size)
    )
    expected, since, firing = [], None, None
    for at, v in zip(t_s.tolist(), value, strict=True):
        if isnan(v) or v <= threshold:
            if firing is not None:
                expected.append((firing, at))
            since = firing = None
            continue
        since = at if since is None else since
        if firing is None and at - since >= for_s:
            firing = at
    if firing is not None:
        expected.append((firing, inf))
    assert alarms(t_s, np.array(value), threshold, for_s) == expected

    gauge = Gauge("x", "X.", (Series({}, t_s, np.array(value)),))
    (series,) = alarm(gauge, threshold, for_s).series
    assert series.value.tolist() == [
        int(any(from_s <= at < until_s for from_s, until_s in expected)) for at in t_s
    ]
