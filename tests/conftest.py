"""Small runs that the tests of several rooms read."""

import os

import pytest
from hypothesis import HealthCheck, settings

import sim

# How long an example takes says how busy the machine is, and nothing of the code. In CI, examples
# are the same each time; elsewhere, tests that do not say otherwise look for new ones.
settings.register_profile(
    "lab",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("lab")


@pytest.fixture(scope="session")
def spike():
    return sim.load("tournament_spike").with_({"scale": 0.01})


@pytest.fixture(scope="session")
def result(spike):
    return sim.run(spike)
