"""The least number that is enough, of each of several at once: bounds, narrowed by what was tried.

One try gives every one of them a number of its own, and tells of each whether that was enough.
"""

from collections.abc import Iterable


class Least:
    """What is known of the least number of each."""

    def __init__(self, names: Iterable[str]) -> None:
        """``names``: of each; at first, 0 is too few, and nothing is known to be enough."""
        self.low: dict[str, int] = dict.fromkeys(names, 0)
        """The most that were too few."""
        self.high: dict[str, int | None] = dict.fromkeys(self.low)
        """The fewest that were enough; None: none were yet."""

    def tried(self, name: str, n: int, enough: bool) -> None:
        """One of them was tried with ``n``. The latest try counts where two contradict."""
        high = self.high[name]
        if enough:
            self.high[name] = n if high is None else min(high, n)
            self.low[name] = min(self.low[name], n - 1)
        else:
            self.low[name] = max(self.low[name], n)
            if high is not None and high <= n:
                self.high[name] = None

    def middle(self, exact: int | None = None) -> dict[str, int]:
        """What to try next of those that are not known yet; nothing: all are.

        Args:
            exact: up to this number the least is found exactly, and beyond to this part of it;
                None: always exactly.
        """
        return {
            name: (self.low[name] + high) // 2
            for name, high in self.high.items()
            if high is not None and high - self.low[name] > (max(1, high // exact) if exact else 1)
        }

    def found(self) -> dict[str, int]:
        """The fewest that were enough, of those of which some were."""
        return {name: high for name, high in self.high.items() if high is not None}
