"""The consumer protocol: members follow the broker one by one (KC-07). Hand-computed times."""

import numpy as np

from helpers.group_lab import Lab


def test_KC_04_partitions_of_a_dead_member_wait_for_its_session_and_a_heartbeat():
    # Heard at 7.5, killed at 10.2 and missed at 52.5: commits do not count. Consumer 0 is told at
    # its heartbeat at 55.
    lab = Lab([20.0, 30.0], [1, 0], 0.1, protocol="consumer").at(10.2, "crash", 1)
    np.testing.assert_allclose(lab.run(100.0), [55.1, 30.1])
    assert lab.owners() == [[0, 1], []]


def test_KC_09_the_broker_refuses_a_static_member_s_successor_until_its_session_ends():
    lab = Lab([20.0], [1], 0.1, protocol="consumer", terms={"static": True})
    np.testing.assert_allclose(lab.at(10.0, "crash", 1).at(30.0, "restart", 1).run(200.0), [52.6])
