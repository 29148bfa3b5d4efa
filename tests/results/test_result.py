"""A result: what a notebook holds."""

import pandas as pd
import pytest
from matplotlib.axes import Axes

import sim
from helpers.exports import EXPORTS
from helpers.tables import Group, build, with_limits, with_waits
from sim.engine.waits import Limit, TimePart
from sim.measure.tables import Tables
from sim.results.result import Result

LIMIT = Limit("prefetch", "queues.g.prefetch", "1", "", "kept others waiting", 3, 1.0, 2.0)


def test_a_result_takes_an_overlay_by_its_path():
    result = sim.run(sim.load("tournament_spike").with_({"scale": 0.01}))
    for draw in (result.plot.lag, result.plot.time_lag):
        drawn = draw(overlay=EXPORTS / "cloudwatch.csv", start="2024-05-01 19:55")
        assert "cloudwatch.csv" in " ".join(text.get_text() for text in drawn.figure.texts)
    drawn = result.plot.latency(overlay=EXPORTS / "omb_result.json")
    assert "omb_result.json" in " ".join(text.get_text() for text in drawn.figure.texts)
    assert "omb" not in " ".join(text.get_text() for text in result.plot.latency().figure.texts)


@pytest.fixture(scope="module")
def ledger():
    return sim.run(sim.load("ledger_ordering").with_(scale=0.01))


def test_tables_are_tidy_and_agree_with_each_other(result):
    groups = result.summary.set_index(["system", "group"])
    last = result.violations.groupby(["system", "group"])["violations"].last()
    assert (last.reindex(groups.index) == groups["violations"]).all()
    worst = result.lag.groupby(["system", "group"])["lag"].max()
    assert (worst.reindex(groups.index) == groups["max_lag"]).all()
    fates = result.fates.groupby(["system", "group"])["messages"].sum()
    assert (fates.reindex(groups.index) == groups["produced"]).all()
    done = result.messages.groupby(["system", "group"])["done_s"].count()
    assert (done > 0).all()
    for name in Tables.FRAMES:
        assert isinstance(getattr(result, name), pd.DataFrame)
        assert name in dir(result)


def test_a_wrong_name_is_answered_with_the_nearest(result):
    with pytest.raises(AttributeError, match="did you mean 'fates'"):
        result.fate  # noqa: B018
    with pytest.raises(AttributeError, match="has no ledger"):
        result.plot.harms()


def test_words_come_first(result, ledger):
    assert "kafka" in result.finding
    for text in (repr(result), result._repr_html_()):
        assert "twelve consumer processes" in text
        flat = " ".join(text.split())
        assert result.finding.split(":")[0] in flat and "everything" in flat
    assert "misstat" in ledger.finding
    assert "books of" in repr(ledger) and "books of" in ledger._repr_html_()
    assert max(map(len, repr(ledger).splitlines())) <= 100


def test_long_names_are_broken_and_numbers_stay_whole():
    rows = {"a_system_with_a_rather_long_name_indeed": {"and_a_group_whose_name_is_long": Group()}}
    text = repr(Result(build(rows, duration_s=60.0), {}, manifest={"scenario": "x"}))
    assert "…" not in text and "order\n" in text
    assert max(map(len, text.splitlines())) <= 100
    lines = [line.split()[0] for line in text.splitlines()[5:9] if line.split()]
    assert "".join(lines).startswith("a_system_with_a_rather_long_name_indeed")


def test_html_escapes_what_a_scenario_says(spike):
    html = sim.run(spike.with_({"about": "<b>&"}))._repr_html_()
    assert "&lt;b&gt;&amp;" in html and "<b>" not in html


CHARTS = (
    "overview", "throughput", "lag", "time_lag", "status", "latency", "order", "loss", "duplicates",
)  # fmt: skip


@pytest.mark.parametrize("chart", CHARTS)
def test_charts_are_axes_and_pictures(result, chart):
    drawn = getattr(result.plot, chart)()
    assert drawn and all(isinstance(ax, Axes) for ax in drawn)
    assert drawn.figure is drawn[-1].figure


def test_waits_and_limits_are_tables_and_a_chart():
    tables = with_limits(with_waits(build({"s": {"g": Group()}})), {"s.g": [LIMIT]})
    made = Result(tables, {}, manifest={"scenario": "x"})
    assert made.waits["part"].tolist() == [part.label for part in TimePart]
    assert made.limits["key"].tolist() == ["prefetch"]
    assert len(made.plot.waits()) == 2


def test_without_waits_there_is_no_chart_of_them():
    made = Result(build({"s": {"g": Group()}}), {}, manifest={"scenario": "x"})
    assert not len(made.waits) and not len(made.limits)
    with pytest.raises(AttributeError, match="no waits"):
        made.plot.waits()


def test_charts_of_a_ledger(ledger):
    for chart in ("buffer", "books", "harms", "price"):
        assert getattr(ledger.plot, chart)()


def test_charts_draw_on_given_axes(result):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 3))
    axes = list(figure.subplots(1, 3))
    assert list(result.plot.lag(axes)) == axes
    assert all(ax.lines for ax in axes)
