"""How often a limit acted, and when: what a kernel keeps of one."""

from sim.foundation import num


class Acted:
    """Of one limit, or of one that it holds for."""

    def __init__(self) -> None:
        self.times = 0
        """How often it acted."""
        self.first_s = num.INF
        """When first, s; inf: never."""
        self.last_s = -num.INF
        """Until when, s; -inf: never."""


def note(acted: Acted, from_s: float, until_s: float, times: int) -> None:
    """Note that a limit acted so often, from one time to another."""
    acted.times += times
    acted.first_s = min(acted.first_s, from_s)
    acted.last_s = max(acted.last_s, until_s)
