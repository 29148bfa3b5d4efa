"""The picture of a size: what more or less would come to."""

import pytest

from sim.charts.knee import knee
from sim.charts.page import PALETTE, style


def row(n, met, median, runs=6):
    goal = {"goal": "p99 < 2 s", "median": median, "low": median, "high": median}
    return {"set": {"systems.sqs.queues.q.workers": n}, "runs": runs, "met": met, "goals": [goal]}


DATA = {
    "answer": {"systems.sqs.queues.q.workers": 3},
    "goals": [{"said": "p99 < 2 s", "name": "p99", "limit": 2.0, "unit": "s"}],
    "shown": 0,
    "share_of_runs": 0.9,
    "settings": [
        row(1, 0, None, 2), row(2, 0, 40.0), row(3, 6, 1.5), row(4, 6, 0.5), row(9, 0, None, 0),
    ],
}  # fmt: skip


def test_settings_that_meet_the_goals_are_of_another_colour():
    with style():
        (ax,) = knee(DATA, title="It takes 3")
    dots = [
        (line.get_xdata()[0], line.get_color()) for line in ax.lines if line.get_marker() in "o^"
    ]
    assert dots == [(1, PALETTE[1]), (2, PALETTE[1]), (3, PALETTE[0]), (4, PALETTE[0])]
    assert "3: 1.5 s" in [text.get_text() for text in ax.texts]
    assert "goal: p99 < 2 s" in [text.get_text() for text in ax.texts]
    assert ax.get_yscale() == "log"


def test_messages_stand_on_a_scale_from_zero():
    data = {
        **DATA,
        "goals": [{"said": "lag <= 9", "name": "lag", "limit": 9.0, "unit": "messages"}],
    }
    with style():
        (ax,) = knee(data, title="It takes 3")
    assert ax.get_yscale() == "linear"
    assert ax.get_ylim()[0] == 0.0


@pytest.mark.parametrize("answer", [None, {"a.partitions": 2, "a.consumers": 1}])
def test_each_key_has_a_panel(answer):
    rows = [
        {**row(1, 6, 1.0), "set": {"a.consumers": x, "a.partitions": y}}
        for x, y in ((1, 2), (2, 2))
    ]
    with style():
        axes = knee({**DATA, "answer": answer, "settings": rows}, title="It takes 3")
    assert [ax.get_xlabel() for ax in axes] == ["a.consumers", "a.partitions"]
