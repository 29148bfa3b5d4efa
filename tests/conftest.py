"""Small runs that the tests of several rooms read."""

import pytest
from hypothesis import HealthCheck, settings

import sim

# How long an example takes says how busy the machine is, and nothing of the code.
settings.register_profile("lab", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("lab")


@pytest.fixture(scope="session")
def spike():
    return sim.load("tournament_spike").with_({"scale": 0.01})


@pytest.fixture(scope="session")
def result(spike):
    return sim.run(spike)
