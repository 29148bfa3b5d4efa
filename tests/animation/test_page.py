"""Whether the moving picture shows what the tables say, and moves in a real browser."""

import json
import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from helpers import browser
from helpers.tables import Fault, Group, brief, build, football
from sim.animation.page import cell, page, scene
from sim.foundation.errors import LabError
from sim.foundation.text import count
from sim.words.findings import headline


def plain(text: str) -> dict[str, list[dict[str, object]]]:
    found = re.search(r'<script type="application/json" id="scene">(.*?)</script>', text, re.S)
    assert found
    return json.loads(unescape(found[1]))


def test_a_queue_loses_from_the_front_what_the_tables_say_is_done() -> None:
    tables = football()
    shown = scene(tables, 3_000.0, 4_500.0)
    queue = next(q for q in shown.queues if q.name == "analytics")
    rows = tables.series.query("system == 'sqs_fanout' and group == 'analytics'")
    rows = rows.set_index("t_s").loc[shown.t_s]
    np.testing.assert_array_equal(queue.ready + queue.in_flight, rows["lag"])
    np.testing.assert_array_equal(queue.end, rows["arrived"])
    assert (np.diff(queue.gone) >= 0).all()


def test_a_log_keeps_everything_and_its_groups_are_as_far_behind_as_the_tables_say() -> None:
    tables = football()
    shown = scene(tables, 3_000.0, 4_500.0)
    (log,) = shown.logs
    assert (log.start == 0).all() and (np.diff(log.end, axis=0) >= 0).all()
    for group in log.groups:
        rows = tables.series.query(f"system == 'kafka' and group == '{group.name}'")
        rows = rows.set_index("t_s").loc[shown.t_s]
        np.testing.assert_array_equal((log.end - group.committed).sum(axis=1), rows["lag"])


def test_each_partition_is_where_its_samples_are() -> None:
    tables = football()
    t_s = np.sort(tables.series.query("system == 'kafka'")["t_s"].unique())[::5]
    rows = [
        {
            "system": "kafka", "group": group, "partition": p, "t_s": t, "log_start": 10 * p,
            "log_end": 50 + (p + 1) * i, "position": 40 + (p + 1) * i,
            "committed": 30 + p * i if i > 3 else -1,
        }
        for group in ("counters", "leaderboard", "analytics")
        for p in range(3)
        for i, t in enumerate(t_s)
    ]  # fmt: skip
    (log,) = scene(replace(tables, partitions=pd.DataFrame(rows)), 3_000.0, 4_500.0).logs
    seen = pd.DataFrame(rows).query("group == 'counters' and t_s >= 3000 and t_s <= 4500")
    wanted = seen.pivot(index="t_s", columns="partition", values="committed")
    frames = np.searchsorted(scene(tables, 3_000.0, 4_500.0).t_s, wanted.index)
    np.testing.assert_array_equal(log.groups[0].committed[frames], wanted)
    assert log.end.shape[1] == 3 and (log.start == [0, 10, 20]).all()
    assert (log.groups[0].position <= log.end).all()
    few = scene(replace(tables, partitions=pd.DataFrame(rows[::40])), 3_000.0, 4_500.0)
    assert few.logs[0].end.shape[1] == 1


def test_all_rows_show_the_same_messages() -> None:
    shown = scene(football(), 3_000.0, 4_500.0)
    (log,) = shown.logs
    ends = {int(queue.end[0]) - shown.first for queue in shown.queues}
    ends.add(int((log.end[0] - shown.origin(log)).sum()))
    assert len(ends) == 1
    widest = max(int(queue.end[-1]) - shown.first for queue in shown.queues)
    assert shown.messages >= widest
    assert min(int(queue.gone[0]) for queue in shown.queues) >= shown.first


def test_the_whole_run_is_shown_on_one_scale_unless_said() -> None:
    tables = football()
    shown = scene(tables)
    assert shown.t_s[0] == tables.series["t_s"].min()
    assert shown.t_s[-1] == tables.series["t_s"].max()
    assert shown.first == 0 and all(log.parts == 1 for log in shown.logs)
    assert {shown.width(row) for row in (*shown.queues, *shown.logs)} == {shown.messages}
    assert scene(tables, 600.0).t_s[-1] - 600 == pytest.approx(7_200 / 6, rel=0.1)
    assert scene(tables, until_s=600.0).t_s[0] == 0
    with pytest.raises(LabError, match="nothing to see from 27:46:40"):
        scene(tables, 100_000.0, 100_001.0)


def test_the_story_has_faults_and_of_a_whole_run_each_backlog_and_the_finding() -> None:
    tables = football()
    shown = scene(tables)
    assert shown.end == headline(tables.summary, tables.duration_s, tables.shown)
    assert [t for t, _ in shown.story] == sorted(t for t, _ in shown.story)
    told = dict(map(reversed, shown.story))  # type: ignore[arg-type]
    assert told["arrivals end"] == tables.duration_s
    for _, fault in tables.faults.iterrows():
        assert told[f"{fault['system']}: {fault['text']}"] == fault["t_s"]
    worst = tables.summary.loc[tables.summary["max_lag"].idxmax()]
    height = f"{count(worst['max_lag'])} messages wait in {worst['group']}, the most"
    assert told[f"{worst['system']}: {height}"] == worst["max_lag_at_s"]
    late = tables.summary[tables.summary["drain_s"].between(100, np.inf, inclusive="left")]
    for system, rows in late.groupby("system"):
        drain_s = rows["drain_s"].max()
        assert any(t == tables.duration_s + drain_s and str(system) in w for t, w in shown.story)
    part = scene(tables, 3_000.0, 4_500.0)
    assert part.end == "" and len(part.story) == tables.faults["t_s"].between(3_000, 4_500).sum()


@pytest.mark.parametrize("messages", [1, 59, 60, 61, 1_234, 10**7])
def test_a_cell_is_a_round_number_and_there_are_some_sixty(messages: int) -> None:
    size = cell(messages)
    assert re.fullmatch(r"[125]0*", str(size))
    assert messages / size <= 60 and (size == 1 or messages / size > 60 / 2.6)


def test_the_page_needs_nothing_else_and_quotes_safely() -> None:
    faults = [Fault("kafka", 1.0, 1.0, "crash </script> & <b>")]
    tables = build({"kafka": {"counters": Group(kind="log")}}, duration_s=3.0, faults=faults)
    text = page(scene(tables, 0.0, 3.0), "a <title>")
    assert plain(text)["story"] == [[1.0, "kafka: crash </script> & <b>"]]
    assert text.count("</script>") == 2 and "a <title>" not in text
    assert not re.search(r"https?:|@import", text)
    assert page(scene(brief()), "x")


WATCH = """
  const canvases = [...document.querySelectorAll("canvas")];
  const paint = () => canvases.map((canvas) => {
    const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    let sum = 0;
    for (let i = 3; i < data.length; i += 4) sum += data[i] > 0 ? 1 : 0;
    return sum;
  });
  const words = () => canvases.map((canvas) => canvas.getAttribute("aria-label"));
  const slider = document.getElementById("at");
  const move = (to) => {
    slider.value = to;
    slider.dispatchEvent(new window.Event("input"));
    return {paint: paint(), words: words(), time: document.getElementById("time").textContent,
            numbers: [...document.querySelectorAll("#numbers tr")].map((row) =>
              [...row.cells].map((cell) => cell.textContent)),
            happened: document.getElementById("happened").textContent};
  };
  const boxes = canvases.map((canvas) => canvas.getBoundingClientRect().toJSON());
  const seen = {first: move(0), last: move(slider.max), boxes,
                wide: document.documentElement.scrollWidth};
  const play = document.getElementById("play");
  seen.stopped = play.textContent;
  play.click();
  seen.playing = document.getElementById("play").textContent;
  return seen;
"""


@browser.needs_browser
@pytest.mark.parametrize("width", [390, 1280])
def test_the_slider_moves_what_is_shown(tmp_path: Path, width: int) -> None:
    shown = scene(football(), 2_940.0, 4_500.0)
    (tmp_path / "a.html").write_text(page(shown, "football"), encoding="utf-8")
    with browser.site(tmp_path) as site:
        seen = site.see("a.html", width, WATCH)
    said = [line for line in site.said if "willReadFrequently" not in line]  # of the test itself
    assert said == []
    assert seen["wide"] <= width and len(seen["boxes"]) == 6
    for box in seen["boxes"]:
        assert box["width"] > 300 and box["height"] >= 46 and box["right"] <= width
    assert all(a > 0 for a in seen["last"]["paint"])
    assert seen["first"]["paint"] != seen["last"]["paint"]
    assert "crash analytics 0" in seen["last"]["happened"] or "kafka" in seen["last"]["happened"]
    queue = shown.queues[0]
    row = seen["last"]["numbers"][0]
    assert row[:2] == ["sqs_single", "all"]
    assert [int(n.replace(",", "")) for n in row[2:5]] == [
        int(values[-1]) for values in (queue.ready, queue.in_flight, queue.gone)
    ]
    assert seen["stopped"] == "Play" and seen["playing"] == "Pause"


@browser.needs_browser
@pytest.mark.parametrize("flags", [(), browser.DARK])
def test_it_plays_by_itself_and_stops_at_what_is_told(
    tmp_path: Path, flags: tuple[str, ...]
) -> None:
    shown = scene(football())
    (tmp_path / "a.html").write_text(page(shown, "football", "What it asks"), encoding="utf-8")
    script = """
      const play = document.getElementById("play"), slider = document.getElementById("at");
      const seen = {playing: play.textContent, title: document.querySelector("h1").textContent};
      play.click();
      position = TO;
      draw();
      seen.told = document.getElementById("happened").textContent;
      return seen;
    """
    ends = next(t for t, words in shown.story if words == "arrivals end")
    at = int(np.searchsorted(shown.t_s, ends))
    with browser.site(tmp_path) as site:
        look = script.replace(
            "position = TO;\n      draw();", "window.eval('position = TO; draw()');"
        )
        seen = site.see("a.html", 1280, look.replace("TO", str(at)), *flags)
        last = site.see("a.html", 1280, look.replace("TO", str(len(shown.t_s) - 1)), *flags)
    assert seen["playing"] == "Pause" and seen["title"] == "What it asks"
    assert "arrivals end" in seen["told"]
    assert last["told"] == shown.end


def test_the_command_writes_where_the_result_is(tmp_path: Path) -> None:
    from sim.cli.commands import app

    run = ["run", "tournament_spike", "--set", "scale=0.01", "--no-charts", "--name", "small"]
    assert CliRunner().invoke(app, [*run, "--out", str(tmp_path)]).exit_code == 0
    animate = ["animate", "tournament_spike/small", "--out", str(tmp_path)]
    done = CliRunner().invoke(app, [*animate, "--from", "20m", "--until", "22m", "--gif"])
    assert done.exit_code == 0, done.output
    folder = tmp_path / "tournament_spike" / "small"
    assert (folder / "animation.gif").stat().st_size > 1_000
    assert "20:00 to 22:00" in (folder / "animation.html").read_text()
    for wrong in (["--from", "soon"], ["--from", "40h"]):
        done = CliRunner().invoke(app, [*animate, *wrong])
        assert done.exit_code == 2
