"""`shows:` of a scenario: what may be written, and what is taken from the needs."""

from math import inf, isnan

import pytest

from sim.foundation.errors import ScenarioError
from sim.scenario.load import load

NOISY = "noisy_tenant"


def shown(sets, name=NOISY):
    return load(name, ["shows=null", "needs=null", *sets]).shown


def test_without_shows_and_needs_a_scenario_is_about_nothing_in_particular():
    assert shown([]) is None
    assert "shows" not in load(NOISY, ["shows=null"]).model_dump(by_alias=True)


def test_a_bare_name_is_the_measure():
    found = shown(["shows=lost"])
    assert found.shows.measure == "lost" and isnan(found.bound)
    assert shown(["shows=latency"]).shows.quantile == 0.99


@pytest.mark.parametrize(
    ("needs", "measure", "bound"),
    [
        ("{loss: none}", "lost", 0.0),
        ("{loss: none, drain: 1m}", "time_to_drain", 60.0),
        ("{drain: 1m, max_delay: 2s}", "latency", 2.0),
        ("{max_delay: 2s, double_effects: none}", "duplicates_applied", 0.0),
        ("{double_effects: none, order: per_key, max_delay: 2s}", "out_of_order", 0.0),
    ],
)
def test_what_is_not_given_is_the_first_of_the_needs(needs, measure, bound):
    found = shown([f"needs={needs}"])
    assert (found.shows.measure, found.bound) == (measure, bound)


def test_the_quantile_is_that_of_the_need():
    assert shown(["needs={max_delay: 2s, quantile: 0.9}"]).shows.quantile == 0.9
    assert shown(["needs={readers: independent}"]) is None


def test_what_is_given_is_held_against_its_need():
    assert shown(["shows=lost", "needs={loss: none, max_delay: 2s}"]).bound == 0
    assert shown(["shows=time_to_drain", "needs={loss: none}"]).bound == inf
    of_some = "{measure: latency, without: {tenant: [whale]}, called: quiet tenants}"
    assert isnan(shown([f"shows={of_some}", "needs={max_delay: 2s}"]).bound)
    assert isnan(shown(["shows={measure: lost, jobs: [api]}", "needs={loss: none}"]).bound)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("{measure: lost, quantile: 0.9}", "'quantile' is of 'measure: latency'"),
        ("{measure: latency, of: {tenant: [a]}}", "'called' is missing"),
        ("losses", "did you mean 'lost'"),
        ("{measure: latency, of: {tennant: [a]}, called: a}", "did you mean 'tenant'"),
        ("{measure: latency, without: {tenant: [wale]}, called: a}", "did you mean 'whale'"),
        ("{measure: latency, quick: true, called: a}", "no job of workload.service has a 'slow'"),
        ("{measure: lost, jobs: [apu]}", "did you mean 'api'"),
        ("money_misstated", "no system keeps a 'ledger'"),
    ],
)
def test_what_fits_nothing_is_refused_with_its_key(written, said):
    with pytest.raises(ScenarioError) as caught:
        load(NOISY, ["needs=null", f"shows={written}"])
    assert said in str(caught.value) and "shows" in str(caught.value)


def test_what_a_scenario_is_about_changes_no_run_but_its_hash():
    plain = load(NOISY, ["shows=null"])
    about = load(NOISY, ["shows=lost"])
    assert plain.hash != about.hash
    assert plain.workload == about.workload and plain.systems == about.systems
