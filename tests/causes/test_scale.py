import pytest

from helpers.incidents import group, incident, queue
from sim.causes import scale
from sim.causes.explain import explain
from sim.causes.scale import part
from sim.causes.words import paragraphs


def test_what_is_small_is_explained_as_it_is():
    assert part(incident(queue(1), rate=6_000)) == 1


@pytest.mark.parametrize(
    ("system", "divisor"),
    [
        (queue(8), 4),  # of 6 M messages at most 2 M: by 3 at least, and 8 / 4 is whole
        (queue(9), 3),
        (queue(7), 7),
        (queue(13), 3),  # by 13 would be too small
        (group(6, partitions=10), 3),  # nothing up to 12 divides both
        (group(6, partitions=12), 3),
    ],
)
def test_fleets_stay_whole_if_they_can(system, divisor):
    assert part(incident(system, rate=20_000)) == divisor


def test_a_large_scenario_is_explained_at_a_smaller_scale(monkeypatch):
    monkeypatch.setattr(scale, "MOST_MESSAGES", 2_000)
    scenario = incident(queue(4, MaxNumberOfMessages=10), work=0.8, rate=20)
    found = explain(scenario)
    assert (found.scale, found.reduced) == (0.25, 0.25)
    assert 1_200 < found.messages < 1_800
    assert found.first.key == "workers"
    assert "0.25 of the scenario's scale" in next(paragraphs(found, 200))
