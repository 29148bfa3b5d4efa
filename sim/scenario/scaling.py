"""How the parts of a system follow the scale of a scenario."""

from math import ceil


def fleet_size(n: int, scale: float) -> int:
    """Consumers, threads or partitions for ``scale`` times the traffic: rounded up; 0 stays 0.

    Args:
        n: number at scale 1.
        scale: of the scenario.
    """
    return max(1, ceil(round(n * scale, 9))) if n else 0
