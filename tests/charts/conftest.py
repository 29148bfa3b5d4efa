"""Every test of a chart draws in the style of the charts."""

from collections.abc import Iterator

import pytest

from sim import charts


@pytest.fixture(autouse=True)
def styled() -> Iterator[None]:
    with charts.style():
        yield
