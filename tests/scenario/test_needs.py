"""`needs:` of a scenario: what may be written, and what it means."""

import pytest

from sim.foundation.errors import ScenarioError
from sim.scenario.load import load

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
    [("none", "none"), ("some", "some"), (0.01, 0.01), ("0.1 %", 0.001), ("1%", 0.01), (0, 0.0)],
)
def test_loss_is_tolerated_by_word_or_by_share(written, tolerance):
    assert load(SCENARIO, [f"needs={{loss: {written}}}"]).needs.loss == tolerance


@pytest.mark.parametrize("written", ["few", "2", "-1", "101 %", "[1]", "1 % of them"])
def test_a_tolerance_that_is_none(written):
    with pytest.raises(ScenarioError, match=r"needs\.loss: expected none, some, or a share"):
        load(SCENARIO, [f"needs={{loss: {written}}}"])


def test_a_quantile_belongs_to_a_delay():
    with pytest.raises(ScenarioError, match="'quantile' needs a 'max_delay'"):
        load(SCENARIO, ["needs={quantile: 0.9}"])
    assert load(SCENARIO, ["needs={quantile: 0.9, max_delay: 3 s}"]).needs.max_delay == 3
