import pytest

from helpers.pages import page_of, title_of
from sim.charts.page import style
from sim.charts.remedies import finding, remedies, shown


def cause(remedy, left, said):
    return {
        "kind": "setting",
        "what": "one message a call",
        "remedy": remedy,
        "left": left,
        "left_said": said,
    }


def group(name, causes, unit="s", value=7_200.0):
    harm = {"kind": "late", "value": value, "unit": unit, "said": "it drains late"}
    return {"system": "s", "group": name, "harms": [{**harm, "causes": causes}]}


WHY = {
    "groups": [
        group("a", [
            cause("with MaxNumberOfMessages 10", 0.0, "it keeps up"),
            cause("with 8 workers", 1_800.0, "it is still 30 min too late"),
        ]),
        group("b", [cause("with prefetch_count 1", 5, "5 are lost")], "messages", 10),
        group("unknown", []),
        {"system": "s", "group": "fine", "harms": []},
    ]
}  # fmt: skip


def drawn(why):
    with style():
        return remedies(why, title="incident")


def test_a_group_without_a_cause_has_no_panel():
    assert [one["group"] for one in shown(WHY)] == ["a", "b"]
    assert [ax.get_title("left") for ax in drawn(WHY)] == ["s.a", "s.b"]


def test_bars_are_what_is_left_in_the_unit_of_the_axis():
    first, second = drawn(WHY)
    assert [bar.get_width() for bar in first.patches] == [120.0, 0.0, 30.0]
    assert first.get_xlabel() == "later than may be (min)"
    assert [bar.get_width() for bar in second.patches] == [10.0, 5.0]
    assert second.get_xlabel() == "messages"


def test_money_is_drawn_in_whole_units_and_slowness_in_time():
    books = group("g", [cause("with ledger idempotent", 0.0, "x")], "cents", 8_444_132.0)
    books["harms"][0]["kind"] = "misstated"
    slow = group("h", [cause("with FANOUT", 0.5, "x")], "s", 2.0)
    slow["harms"][0]["kind"] = "slower"
    first, second = drawn({"groups": [books, slow]})
    assert first.patches[0].get_width() == 84_441.32 and first.get_xlabel() == "money"
    assert second.get_xlabel() == "slower than may be (s)"


def test_each_bar_says_what_it_is_and_what_is_left():
    words = [text.get_text() for text in drawn(WHY)[0].texts]
    assert words == [
        "as it is", "it drains late", "with MaxNumberOfMessages 10", "it keeps up",
        "with 8 workers", "it is still 30 min too late",
    ]  # fmt: skip


def test_a_fault_is_named_by_what_it_is():
    crash = {**cause("without faults[0]", 0.0, "it keeps up"), "kind": "fault", "what": "crash x"}
    (ax,) = drawn({"groups": [group("a", [crash])]})
    assert "without crash x" in [text.get_text() for text in ax.texts]


def test_the_title_is_the_cause_that_is_named_first():
    figure = page_of(drawn(WHY))
    assert title_of(figure) == ("s.a: it drains late. With MaxNumberOfMessages 10, it keeps up")
    assert finding([]) == "No cause was found"


@pytest.mark.parametrize("left", [0.0, 5.0, 9.9])
def test_words_beside_a_bar_stay_on_the_page(left):
    said = "so many words that they nearly fill the panel by themselves"
    axes = drawn({"groups": [group("a", [cause("x", left, said)], "messages", 10)]})
    figure = page_of(axes)
    box = axes[0].texts[-1].get_window_extent(figure.canvas.get_renderer())
    assert box.x1 <= figure.bbox.x1
