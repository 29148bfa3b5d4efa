"""Keys of a part: taken over, left out with a reason, or refused."""

from pathlib import Path

import pytest

from sim.foundation.errors import ScenarioError
from sim.imports.config_file import Setting
from sim.imports.config_parts import ARGUMENTS, CELERY, CONSUMER, FileReading, Piece, Sorted


def test_of_a_mapping_only_what_the_lab_reads_is_kept():
    reading = FileReading("x")
    options = {"visibility_timeout": 60, "sentinel_kwargs": {"password": "secret"}}
    settings = [Setting("broker_transport_options", options, 3)]
    piece = Piece(CELERY, ("celery", "config"), settings)
    typed = Sorted(Path("f"), piece, reading).typed()
    assert typed == {"broker_transport_options": {"visibility_timeout": 60}}
    assert list(reading.told()) == [
        "broker_transport_options.sentinel_kwargs (line 3): who may connect, and how they "
        "prove it, changes neither lag nor loss nor order"
    ]


def test_keys_that_do_not_go_together_are_an_error_of_the_file():
    settings = [Setting("x-delivery-limit", 5, 2), Setting("x-queue-type", "classic", 3)]
    piece = Piece(ARGUMENTS, ("rabbitmq", "queues", "q", "arguments"), settings)
    with pytest.raises(ScenarioError, match="'x-delivery-limit' is of quorum queues"):
        Sorted(Path("f"), piece, FileReading("x")).typed()


def test_a_misspelt_key_is_an_error_with_the_nearest_one():
    piece = Piece(CONSUMER, (), [Setting("max.pol.records", "1", 4, "as.said")])
    with pytest.raises(ScenarioError, match=r"f:4: as\.said: unknown key; did you mean 'max\.poll"):
        Sorted(Path("f"), piece, FileReading("x")).typed()
