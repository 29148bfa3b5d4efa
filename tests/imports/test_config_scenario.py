"""Pieces of files become a scenario that stands alone."""

from pathlib import Path

from sim.imports.config_file import Setting
from sim.imports.config_kafka import EVERY
from sim.imports.config_parts import CONSUMER, FileReading, Piece
from sim.imports.config_scenario import made_of


def test_a_piece_for_every_group_is_for_all_that_another_file_names():
    named = FileReading("a", [Piece(CONSUMER, ("kafka", "groups", g), []) for g in ("a", "b")])
    every = Piece(CONSUMER, ("kafka", "groups", EVERY), [Setting("max.poll.records", "9", 1)])
    made = made_of([(Path("a.x"), named), (Path("b.x"), FileReading("b", [every]))])
    assert made.yaml.count("max.poll.records: 9\n") == 2
    assert made.yaml.count("# From b.x:\n") == 2 and "base:" not in made.yaml
    alone = made_of([(Path("b.x"), FileReading("b", [every]))])
    assert "      readers:\n" in alone.yaml
    assert "how many partitions the topic has: 1, as many as consumers" in alone.unsaid


def test_no_name_of_a_file_breaks_out_of_its_comment():
    made = made_of([(Path("a\nname: x.yml"), FileReading("a", [Piece(CONSUMER, ("kafka",), [])]))])
    assert "\nname: x.yml" not in made.yaml
