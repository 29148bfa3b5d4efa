"""Which picture a sweep gets."""

import numpy as np
import pytest

from helpers.sweeps import CONSUMERS, WORK, made
from sim.studies.sweep_pictures import picture

P99 = "latency_p99_s"


def words(drawn):
    figure = drawn.figure
    return " ".join(
        [text.get_text() for text in figure.texts]
        + [text.get_text() for ax in figure.axes for text in ax.texts]
    )


def test_one_key_is_a_line():
    drawn = picture(made([[4.0, 6.0], [0.1, 0.3]], f"{CONSUMERS}=1,2", replications=2), P99)
    assert drawn is not None
    (ax,) = drawn
    assert ax.get_title(loc="left") == "kafka"
    assert ax.get_xlabel() == "consumers"
    assert len(ax.lines) == 1
    assert "falls from 5 s" in words(drawn)


def test_two_keys_in_a_grid_are_a_heat_map_with_figures():
    drawn = picture(
        made([1.0, 2.0, 3.0, 4.0, 5.0, np.inf], f"{CONSUMERS}=1,2,3", f"{WORK}=1ms,2ms"), P99
    )
    assert drawn is not None
    (ax,) = drawn
    assert [text.get_text() for text in ax.texts] == ["1 s", "3 s", "5 s", "2 s", "4 s", "never"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("consumers", "per_message")


@pytest.mark.parametrize("few", [True, False])
def test_more_keys_or_many_values_are_a_tornado(few):
    if few:
        texts = [f"{CONSUMERS}=1,2", f"{WORK}=1ms,2ms", "systems.kafka.topic.partitions=2,4"]
        drawn = picture(made(np.arange(8.0), *texts), P99)
    else:
        drawn = picture(made(np.arange(36.0), f"{CONSUMERS}=1,2", f"{WORK}=1ms..18ms:18"), P99)
    assert drawn is not None
    (ax,) = drawn
    assert len(ax.patches) == (3 if few else 2)
    assert "depends most on consumers" in words(drawn)


def test_where_nothing_changes_there_is_none():
    assert picture(made([3.0, 3.0], f"{CONSUMERS}=1,2"), P99) is None
