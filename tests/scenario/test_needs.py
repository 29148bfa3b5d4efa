"""`needs:` of a scenario: what may be written, and what it means."""

from math import inf

import pytest

from sim.foundation.errors import ScenarioError
from sim.scenario.load import load
from sim.scenario.needs import Needs, most

SCENARIO = "tournament_spike"


def test_without_needs_a_scenario_is_what_it_was():
    plain = load(SCENARIO, ["needs=null"])
    assert plain.needs is None
    assert "needs" not in plain.model_dump(by_alias=True)


def test_what_is_left_out_does_not_matter():
    needs = load(SCENARIO, ["needs=null", "needs={order: per_key}"]).needs
    assert (needs.order, needs.loss, needs.replay, needs.max_delay) == (
        "per_key", "some", "no", None
    )  # fmt: skip
    assert (needs.double_effects, needs.consumer_crash) == ("allowed", "unlikely")


@pytest.mark.parametrize(
    ("written", "tolerance"),
    [
        ("none", "none"), ("some", "some"), (0.01, 0.01), ("0.1 %", 0.001), ("1%", 0.01), (0, 0.0),
        ("5 messages", "5 messages"), ("1 message", "1 message"),
        ("1_000 messages", "1000 messages"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("need", ["loss", "dead_letters"])
def test_loss_and_dead_letters_are_tolerated_by_word_share_or_number(need, written, tolerance):
    needs = load(SCENARIO, [f"needs={{{need}: {written}}}"]).needs
    assert getattr(needs, need) == tolerance
    data = needs.model_dump(mode="json", by_alias=True)
    assert Needs.model_validate(data) == needs


@pytest.mark.parametrize(
    ("tolerance", "limit"),
    [
        ("some", (inf, False, "some")), ("none", (0.0, True, "none")),
        (0.001, (0.001, True, "0.1 %")), ("5000 messages", (5000.0, False, "5,000 messages")),
    ],
)  # fmt: skip
def test_a_tolerance_is_a_limit(tolerance, limit):
    its = most(tolerance)
    assert tuple(its) == limit
    assert its.of(4, 2_000) == (0.002 if its.of_produced else 4)
    assert its.number(2_000) == (limit[0] * 2_000 if its.of_produced else limit[0])


@pytest.mark.parametrize(
    "written", ["few", "2", "-1", "101 %", "[1]", "1 % of them", "few messages", "1.5 messages"]
)
def test_a_tolerance_that_is_none(written):
    with pytest.raises(ScenarioError, match=r"needs\.loss: expected none, some, or a share"):
        load(SCENARIO, [f"needs={{loss: {written}}}"])


def test_a_quantile_belongs_to_a_delay():
    with pytest.raises(ScenarioError, match="'quantile' needs a 'max_delay'"):
        load(SCENARIO, ["needs={quantile: 0.9}"])
    assert load(SCENARIO, ["needs={quantile: 0.9, max_delay: 3 s}"]).needs.max_delay == 3
