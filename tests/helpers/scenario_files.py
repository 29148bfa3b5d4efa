"""The scenario files that are written for the tests."""

from pathlib import Path

HERE = Path(__file__).parents[1] / "data"


GOOD = HERE / "scenarios" / "two-systems.yaml"
