"""A dozen messages as boxes."""

import pytest
from matplotlib.patches import Rectangle

import sim
from sim.lessons import small
from sim.lessons.boxes import Boxes


@pytest.fixture(scope="module")
def boxes():
    return Boxes(sim.run(small.load("tiny")))


def said(ax):
    return [text.get_text() for text in ax.texts]


def test_each_message_has_a_box_with_its_offset_in_the_colour_of_its_key(boxes):
    (ax,) = boxes.appended()
    rectangles = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    assert len(rectangles) == len(boxes.messages) == 12
    assert [words for words in said(ax) if words.isdigit()] == [str(i) for i in range(12)]
    colours = {patch.get_facecolor() for patch in rectangles}
    assert len(colours) == len(boxes.keys) == 3
    first = boxes.messages["created_s"].iloc[0]
    assert f"{first:.1f} s" in said(ax)


def test_the_log_keeps_what_groups_have_read_and_the_queue_does_not(boxes):
    log, queue = boxes.at(4.0)
    there = int((boxes.messages["created_s"] <= 4.0).sum())
    offsets = [str(i) for i in range(there)]
    assert [words for words in said(log) if words.isdigit()] == offsets
    done = {
        group: int((boxes._of["log", group]["done_s"] <= 4.0).sum()) for group in ("bill", "mail")
    }
    for group, n in done.items():
        assert f"▲ {group} reads {n} next" in said(log)
    gone = int((boxes._of["queue", "work"]["done_s"] <= 4.0).sum())
    assert gone > 0
    assert len([words for words in said(queue) if words.isdigit()]) == there - gone


def test_before_the_first_message_there_is_none(boxes):
    log, queue = boxes.at(0.0)
    assert not log.patches and not queue.patches
    assert "▲ bill reads 0 next" in said(log)
