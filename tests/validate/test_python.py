"""Packages that are missing, and programs that are there."""

from pathlib import Path

import pytest

from sim.validate.python import client_program, have
from sim.validate.real import BrokerMissingError


def test_a_missing_package_is_one_clear_line():
    have("json", "json")
    with pytest.raises(BrokerMissingError, match=r"there is no confluent-thing: `pip install"):
        have("no_such_module_here", "confluent-thing")


@pytest.mark.parametrize("name", ["rdkafka_consumer", "rdkafka_producer"])
def test_programs_are_files_of_the_room(name):
    assert Path(client_program(name)[1]).is_file()
