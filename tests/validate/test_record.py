"""The experiments that are kept: each can be loaded, and the page is that of their tables."""

import pytest

from sim.foundation.errors import LabError
from sim.scenario.load import load
from sim.validate import record
from sim.validate.cut import cut, of_broker
from sim.validate.real import BROKERS, BrokerMissingError, broker


@pytest.mark.parametrize("name", record.names())
def test_an_experiment_has_a_system_for_its_broker_and_is_short(name):
    scenario = load(record.EXPERIMENTS / f"{name}.yaml")
    assert record.against(name) in BROKERS
    systems = list(of_broker(scenario, broker(record.against(name)).takes))
    assert systems == list(scenario.systems)
    assert cut(scenario, systems).said == []


def test_a_figure_outside_what_was_measured_is_in_bold():
    def row(figure, real, lab, inside):
        return {
            "system": "a", "group": "g", "figure": figure, "inside": inside, "default": 0.3,
            "real_least": real[0], "real_median": real[1], "real_most": real[2],
            "lab_least": lab[0], "lab_median": lab[1], "lab_most": lab[2],
        }  # fmt: skip

    figures = ("unprocessed", "dead_lettered", "out_of_order")
    rows = [row(figure, (0, 0, 0), (0, 0, 0), True) for figure in figures]
    rows += [
        row("twice", (1, 2, 3), (5, 5, 5), False),
        row("peak", (10, 11, 12), (11, 11, 11), True),
        row("drain_s", (1.0, 1.1, 1.2), (1.05, 1.05, 1.05), True),
        row("p99_s", (1.0, 1.1, 1.2), (2.0, 2.0, 2.0), False),
        row("rms", (0.01, 0.02, 0.03), (0.02, 0.021, 0.09), True),
    ]
    about = {"versions": {"Kafka": "4"}, "when": "today", "machine": "this", "said": ["cut"]}
    lines = list(record.page({"kafka_kill": {**about, "rows": rows}}, "Remarks."))
    assert lines[-3] == (
        "| a | 1 to 3; **5** | 10 to 12; 11 | 1.00 to 1.20; 1.05 | 1.00 to 1.20; **2.00** "
        "| 30.0%; 2.1% |"
    )
    assert "Remarks." in lines
    assert "today; Kafka 4; this." in lines


def test_the_page_in_the_repository_is_that_of_the_tables():
    remarks = record.REMARKS.read_text("utf-8") if record.REMARKS.exists() else ""
    written = "\n".join(record.page(record.kept(), remarks)) + "\n"
    if not record.kept():
        pytest.skip("nothing was measured yet")
    assert record.PAGE.read_text("utf-8") == written, "run: python -m sim.validate.record --page"


def test_counts_that_are_off_are_named_and_those_within_a_tenth_are_not():
    def row(figure, real, lab):
        return {
            "system": "a", "group": "g", "figure": figure, "real_most": real, "default": lab
        }  # fmt: skip

    rows = [
        row("dead_lettered", 5, 4), row("unprocessed", 3, 3), row("redelivered", 55, 60),
        row("twice", 3, 5), row("out_of_order", 3, 6), row("drain_s", 1.0, 9.0),
    ]  # fmt: skip
    assert list(record.off(rows)) == [
        "a.g: dead-lettered: real 5, lab 4", "a.g: out of order: real 3, lab 6",
    ]  # fmt: skip


def test_the_short_form_leaves_out_a_broker_that_is_not_there(monkeypatch, capsys):
    def absent(*_):
        raise BrokerMissingError("Redis is not installed: `make brokers`")

    monkeypatch.setattr(record, "validate", absent)
    assert record.short() == 0
    assert capsys.readouterr().out.count("left out: Redis is not installed") == len(record.SHORT)


def test_the_short_form_does_what_failed_once_more_and_then_says_so(monkeypatch, capsys):
    asked = []

    def fails(scenario, *_):
        asked.append(scenario.name)
        raise LabError("it stood still")

    monkeypatch.setattr(record, "validate", fails)
    assert record.short() == 1
    assert asked == [name for name in record.SHORT for _ in range(2)]
    assert "not done: it stood still" in capsys.readouterr().out


@pytest.mark.parametrize("name", record.SHORT)
def test_an_experiment_of_the_short_form_has_its_system(name):
    assert record.SHORT[name] in load(record.EXPERIMENTS / f"{name}.yaml").systems
