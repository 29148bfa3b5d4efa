"""What an explanation adds to a report."""

import pytest

from helpers.inlined import ABOUT, MAKERS
from sim.charts.remedies import inlined
from sim.report.page import page
from sim.report.why import section

CAUSE = {
    "kind": "setting", "what": "one message a call", "remedy": "with MaxNumberOfMessages 10",
    "left": 0.0, "left_said": "it keeps up", "said": "one message a call: with <10>, it keeps up",
}  # fmt: skip
HARM = {"kind": "late", "value": 60.0, "unit": "s", "said": "it drains late", "causes": [CAUSE]}
WHY = {
    "said": "incident: 6 runs.",
    "groups": [
        {"system": "s", "group": "g", "harms": [HARM]},
        {"system": "s", "group": "odd", "harms": [{**HARM, "causes": []}]},
        {"system": "s", "group": "fine", "harms": []},
    ],
}


def test_without_an_explanation_there_is_nothing():
    assert section(None, "") == ""
    assert 'id="why"' not in page(MAKERS["football"](), ABOUT)


def test_each_harm_has_its_causes_in_order_and_escaped():
    text = section(WHY, "")
    assert "<h3>s.g: it drains late</h3>" in text
    assert "<li>one message a call: with &lt;10&gt;, it keeps up</li>" in text
    assert "Nothing that was tried takes it away." in text
    assert "fine" not in text


@pytest.mark.parametrize("name", ["football", "explained"])
def test_the_picture_stands_in_its_section_and_nowhere_else(name):
    chart = inlined(WHY)
    text = page(MAKERS[name](), ABOUT, [chart], why=WHY)
    assert text.count('id="chart-remedies"') == 1
    assert text.index('id="why"') < text.index('id="chart-remedies"') < text.index('id="summary"')
    assert '<a href="#why">' in text


def test_where_no_cause_was_found_there_is_no_picture():
    assert inlined({**WHY, "groups": WHY["groups"][1:]}) is None
