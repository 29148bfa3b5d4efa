"""The experiments that are kept: each can be loaded, and the page is that of their tables."""

import pytest

from sim.scenario.load import load
from sim.validate import record
from sim.validate.cut import cut, of_broker
from sim.validate.real import BROKERS, broker


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
