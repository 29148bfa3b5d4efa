"""Bars: loss, duplicates, and what a replay put right."""

from dataclasses import replace

import numpy as np

from helpers.pages import page_of, title_of
from helpers.run_tables import tables_of
from helpers.tables import (
    Group,
    build,
)
from sim import charts
from sim.charts import bars, files


def test_titles_when_nothing_is_lost() -> None:
    figure = page_of(charts.loss(tables_of("calm")))
    assert title_of(figure) == "No message is lost in any system"


def test_bars_are_the_counts_and_say_them() -> None:
    tables = tables_of("hopeless")
    axes = charts.loss(tables)
    counts = bars.loss_counts(tables)
    assert (
        [ax.get_title(loc="left") for ax in axes]
        == list(counts)
        == [
            "lost: retention",
            "lost: producer buffer",
            "dead-lettered",
            "unfinished",
        ]
    )
    for ax, values in zip(axes, counts.values(), strict=True):
        assert [bar.get_width() for bar in ax.patches] == list(values)  # type: ignore[attr-defined]
        assert ax.get_xlim() == axes[0].get_xlim()
    lost = counts["lost: retention"] + counts["lost: producer buffer"]
    np.testing.assert_array_equal(lost, tables.summary["lost"])


def test_what_a_replay_put_right_is_drawn_only_if_there_was_a_bug(tmp_path):
    made = build({"kafka": {"a": Group(kind="log")}, "sqs": {"a": Group()}})
    calm = {"righted_effects": 0, "wrong_effects": 0, "unrecoverable": 0}
    assert "replay" not in files.names(made)
    assert "replay" not in files.names(replace(made, summary=made.summary.assign(**calm)))
    told = {"righted_effects": [70, 0], "wrong_effects": [0, 69], "unrecoverable": [0, 500]}
    spoilt = replace(made, summary=made.summary.assign(**told))
    assert "replay" in files.names(spoilt)
    axes = charts.replay(spoilt)
    assert title_of(page_of(axes)).startswith("The log replays, the queue cannot")
    assert [ax.get_title("left") for ax in axes] == [
        "put right by reading again",
        "still wrong",
        "gone when asked for again",
    ]
    widths = [[bar.get_width() for bar in ax.patches] for ax in axes]
    assert widths == [[70, 0], [0, 69], [0, 500]]
