"""Small runs that the tests of several rooms read."""

import pytest

import sim


@pytest.fixture(scope="session")
def spike():
    return sim.load("tournament_spike").with_({"scale": 0.01})


@pytest.fixture(scope="session")
def result(spike):
    return sim.run(spike)
