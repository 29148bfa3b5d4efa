"""A broker is found by its name."""

import pytest

from sim.foundation.errors import LabError
from sim.validate.real import broker


def test_a_broker_that_is_not_known_is_an_error_with_those_that_are():
    with pytest.raises(LabError, match=r"--against takes .*, not 'kafak'"):
        broker("kafak")
