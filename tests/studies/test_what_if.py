"""Pages with sliders: which runs they need, and that each position shows its own."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers import browser
from sim.foundation.errors import LabError, ScenarioError
from sim.foundation.text import count, duration
from sim.lab import run
from sim.report.what_if import what_if_page
from sim.scenario.load import Scenario, load, override
from sim.studies.design import read
from sim.studies.what_if import (
    NUMBERS,
    Knob,
    WhatIf,
    compute,
    data,
    knobs_of,
    of_varied,
    read_knobs,
    settings,
)

RUN = "sim run tournament_spike"
RESULTS = Path(__file__).parents[2] / "results"


def small() -> Scenario:
    return load("tournament_spike", ["scale=0.02"])


def asked(scenario: Scenario) -> WhatIf:
    knobs = [
        Knob(
            "messages a receive",
            ("one", "ten"),
            {
                f"systems.sqs_fanout.queues.{job}.MaxNumberOfMessages": ("1", "10")
                for job in ("counters", "analytics")
            },
        ),
        *of_varied(read(["workload.arrivals.multiply=0.5,1"], scenario)),
    ]
    return settings(scenario, knobs)


def test_every_position_with_every_other_is_a_run_and_the_scenario_is_one_of_them() -> None:
    scenario = small()
    found = asked(scenario)
    assert [knob.says for knob in found.knobs] == [("one", "ten"), ("0.5", "1")]
    assert len(found.runs) == 4 and found.at == (0, 1)
    assert found.runs[1].hash == scenario.hash
    queues = "systems.sqs_fanout.queues"
    both = [f"{queues}.{job}.MaxNumberOfMessages=10" for job in ("counters", "analytics")]
    other = override(scenario, [*both, "workload.arrivals.multiply=0.5"])
    assert found.runs[2].hash == other.hash
    away = settings(scenario, of_varied(read(["workload.arrivals.multiply=2,3"], scenario)))
    assert away.at == (0,)


def test_what_cannot_be_turned_is_refused_before_any_run(tmp_path: Path) -> None:
    scenario = small()
    with pytest.raises(LabError, match="nothing to turn"):
        settings(scenario, [])
    many = Knob("seed", tuple(map(str, range(401))), {"seed": tuple(map(str, range(401)))})
    with pytest.raises(LabError, match="401 settings are more than 400"):
        settings(scenario, [many])
    with pytest.raises(ScenarioError, match="did you mean 'workers'"):
        wrong = {"systems.sqs_single.queues.everything.worker": ("1", "2")}
        settings(scenario, [Knob("w", ("1", "2"), wrong)])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[]", "expected keys and values"),
        ("{}", "expected knobs by name"),
        ("a: 3", "1: a: expected {says"),
        ("a: {says: [1, 2], set: {b: }}", "did you mean 'sets'"),
        ("a: {says: [1], sets: {b: }}", "a.says: expected a list of two or more"),
        ("a: {says: [1, 2]}", "a.sets: expected the paths"),
        ("a:\n  says: [1, 2]\n  sets:\n    b.c: [1, 2, 3]", "4: a.sets.b.c: expected 2 values"),
    ],
)
def test_a_file_of_another_form_is_told_where(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "knobs.yaml"
    path.write_text(text)
    with pytest.raises(ScenarioError, match=re.escape(says)):
        read_knobs(path)


@pytest.mark.parametrize("name", ["tournament_spike", "ledger_ordering"])
def test_the_shipped_pages_stand_at_the_scenario_and_show_its_example(name: str) -> None:
    scenario = load(name)
    file = knobs_of(scenario)
    assert file is not None
    found = settings(scenario, read_knobs(file))
    text = (RESULTS / name / "page.html").read_text(encoding="utf-8")
    (json_text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text)
    shipped = json.loads(json_text)
    assert text == what_if_page(shipped), "run `sim page` again, with -o results/NAME/page.html"
    assert tuple(shipped["at"]) == found.at
    assert [tuple(knob["says"]) for knob in shipped["knobs"]] == [k.says for k in found.knobs]
    assert len(shipped["runs"]) == len(found.runs)
    here = int(np.ravel_multi_index(found.at, [len(knob.says) for knob in found.knobs]))
    assert found.runs[here].hash == scenario.hash
    example = pd.read_parquet(RESULTS / name / "example" / "summary.parquet")
    for row, (_, its) in zip(shipped["runs"][here]["rows"], example.iterrows(), strict=True):
        assert row[:2] == [its["system"], its["group"]]
        for number, value in zip(NUMBERS, row[2:], strict=True):
            assert _same(value, float(its[number])), (row[:2], number)


def _same(shown: float | str | None, value: float) -> bool:
    if shown is None or isinstance(shown, str):
        return bool(np.isnan(value) if shown is None else np.isinf(value))
    return abs(shown - value) <= 5e-4 * abs(value)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[WhatIf, Path]]:
    folder = tmp_path_factory.mktemp("what_if")
    its = asked(small())
    assert [*compute(its, folder, 1)] == [0, 1, 2, 3, 4]
    assert [*compute(its, folder, 1)] == [4]
    (folder / "page.html").write_text(what_if_page(data(its, folder, RUN)), encoding="utf-8")
    yield its, folder


def test_a_position_has_the_numbers_of_its_run(made: tuple[WhatIf, Path]) -> None:
    its, folder = made
    shown = data(its, folder, RUN)
    assert json.loads(json.dumps(shown, allow_nan=False))["scenario"] == "tournament_spike"
    tables = run(its.runs[2]).tables
    there = shown["runs"][2]
    for row, (_, own) in zip(there["rows"], tables.summary.iterrows(), strict=True):
        assert all(_same(v, float(own[n])) for n, v in zip(NUMBERS, row[2:], strict=True))
        mine = tables.series[(tables.series[["system", "group"]] == row[:2]).all(axis=1)]
        at = there["rows"].index(row)
        assert max(v for v in there["lag"][at] if v is not None) == mine["lag"].max()
        assert len(there["lag"][at]) == len(there["t"]) <= 60


TURNED = """
  const knobs = [...document.querySelectorAll("#knobs input")];
  const look = () => ({
    title: document.getElementById("title").textContent,
    same: document.getElementById("same").textContent,
    says: [...document.querySelectorAll("#knobs output")].map((one) => one.textContent),
    rows: [...document.querySelectorAll("#table tbody tr")].map((row) =>
      [...row.cells].map((cell) => cell.textContent)),
    command: document.getElementById("command").textContent,
    drawn: document.querySelectorAll("canvas").length,
    address: window.location.hash,
    wide: document.documentElement.scrollWidth,
  });
  const before = look();
  const turn = (k, to) => {
    knobs[k].value = to;
    knobs[k].dispatchEvent(new window.Event("input"));
  };
  turn(0, 1);
  turn(1, 0);
  return {before, after: look()};
"""


@browser.needs_browser
@pytest.mark.parametrize(("width", "flags"), [(1280, ()), (1280, browser.DARK), (390, ())])
def test_a_slider_that_is_moved_shows_the_run_of_its_position(
    made: tuple[WhatIf, Path], width: int, flags: tuple[str, ...]
) -> None:
    its, folder = made
    with browser.site(folder) as served:
        seen = served.see("page.html", width, TURNED, *flags)
        shared = served.see("page.html#1.0", width, TURNED.replace("turn(0, 1);", ""), *flags)
    assert served.said == []
    before, after = seen["before"], seen["after"]
    assert before["says"] == ["one", "1"] and before["same"] == "The scenario as it stands."
    assert after["says"] == ["ten", "0.5"] and after["same"] == "" and after["address"] == "#1.0"
    assert before["wide"] <= width >= after["wide"]
    for look, at in ((before, 1), (after, 2)):
        summary = run(its.runs[at]).tables.summary
        assert look["drawn"] == 2 * summary["system"].nunique()
        p99, drain, lag = (NUMBERS.index(n) + 2 for n in ("latency_p99_s", "drain_s", "max_lag"))
        for row, (_, own) in zip(look["rows"], summary.iterrows(), strict=True):
            assert row[:2] == [own["system"], own["group"]]
            assert row[p99] == duration(float(f"{own['latency_p99_s']:.4g}"))
            assert row[drain] == duration(float(f"{own['drain_s']:.4g}"))
            assert row[lag] == count(own["max_lag"])
    words = after["command"].replace("\\\n", "").replace("'", "").split()
    assert words[:3] == ["sim", "run", "tournament_spike"]
    turned = override(small(), [word for word in words[3:] if word != "--set"])
    assert turned.hash == its.runs[2].hash
    assert shared["before"]["says"] == ["ten", "0.5"] and "#1.0" in shared["before"]["address"]


BILL = """
  const text = (id) => document.getElementById(id).textContent;
  const heads = [...document.querySelectorAll("#table thead th")].map((one) => one.textContent);
  const colon = window.getComputedStyle(
    document.querySelector(".u-legend th"), "::after").content;
  return {bill: text("bill"), heads, colon};
"""


@browser.needs_browser
def test_a_bill_that_no_slider_changes_is_said_once(made: tuple[WhatIf, Path]) -> None:
    its, folder = made
    shown = data(its, folder, RUN)
    flat = {
        **shown,
        "runs": [{**one, "usd": {"kafka": 575.2, "sqs": None}} for one in shown["runs"]],
    }
    moves = [
        {**one, "usd": {"kafka": 575.2 + i, "sqs": None}} for i, one in enumerate(flat["runs"])
    ]
    (folder / "flat.html").write_text(what_if_page(flat), encoding="utf-8")
    (folder / "moves.html").write_text(what_if_page({**flat, "runs": moves}), encoding="utf-8")
    with browser.site(folder) as served:
        level, moving = (served.see(f"{name}.html", 1280, BILL) for name in ("flat", "moves"))
    assert served.said == []
    assert level["bill"] == "At every position, USD a month: kafka 575, sqs n/a."
    assert "USD a month" not in level["heads"]
    assert moving["bill"] == "" and moving["heads"][-1] == "USD a month"
    assert level["colon"] == "none"
