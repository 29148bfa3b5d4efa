"""How long the sentences are that a person is to read, over every shipped example."""

import re
from pathlib import Path

import pytest

from sim.results.store import read
from sim.words.findings import headline
from sim.words.opening import findings_of

RUNS = sorted((Path(__file__).parents[2] / "results").glob("*/example"))
MOST_WORDS = 25
"""Of a sentence, on average; names, numbers and units count."""


def sentences(run: Path) -> list[str]:
    words = " ".join(findings_of(read(run).tables))
    return [one for one in re.split(r"(?<=\.)\s+(?=\S)", words) if one]


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.parent.name)
def test_sentences_are_short(run):
    found = sentences(run)
    lengths = [len(one.split()) for one in found]
    assert len(found) >= 3
    assert sum(lengths) / len(lengths) <= MOST_WORDS, found
    assert max(lengths) <= 2 * MOST_WORDS, max(found, key=lambda one: len(one.split()))


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.parent.name)
def test_a_title_begins_with_what_the_scenario_is_about(run):
    tables = read(run).tables
    title = headline(tables.summary, tables.duration_s, tables.shown)
    assert "level" not in title
    if len(tables.shown):
        assert sentences(run)[0].removesuffix(".") == title.partition("; ")[0]


def test_every_example_is_there():
    assert len(RUNS) == 30
