"""How fleets follow the scale of a scenario."""

import pytest

from sim.scenario.scaling import fleet_size


@pytest.mark.parametrize(
    ("n", "scale", "scaled"),
    [
        (12, 1.0, 12), (12, 0.01, 1), (3, 0.5, 2), (10, 0.3, 3), (100, 0.07, 7), (2, 80.0, 160),
        (1, 1e-12, 1), (0, 1.0, 0), (0, 0.01, 0), (0, 80.0, 0),
    ],
)  # fmt: skip
def test_a_fleet_is_rounded_up_but_not_for_the_last_bit_of_a_product(n, scale, scaled):
    assert fleet_size(n, scale) == scaled
