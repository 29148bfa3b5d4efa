"""Prices, as they are shipped and as one's own."""

import pytest

from sim.costs.prices import prices, read_prices
from sim.foundation.errors import LabError


def test_every_price_has_a_source_and_is_an_assumption_unless_its_official_page_was_read():
    for name, price in prices().prices.items():
        assert price.source and price.read <= prices().date, name
        assert price.see and price.see.startswith(
            ("https://aws.amazon.com/", "https://cloud.google.com/")
        ), name
        assert price.assumption or price.source == price.see, name


def test_a_file_of_ones_own_replaces_what_it_prices(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(
        "placement: {zones: 1}\n"
        "prices:\n  worker: {price: 0.5, per: 1 hours, source: my bill, read: 2026-11-01}\n"
    )
    mine = read_prices(file)
    assert mine.prices["worker"].price == 0.5 and not mine.prices["worker"].assumption
    assert mine.placement.zones == 1
    assert mine.prices["kafka_broker"] == prices().prices["kafka_broker"]


@pytest.mark.parametrize(
    "text", ["[1]", "prices: {worker: {price: x}}", "a: [", "prices: {w: {price: 1, per: 1 cow}}"]
)
def test_what_is_no_file_of_prices_is_said_in_one_line(tmp_path, text):
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(LabError, match=r"mine\.yaml"):
        read_prices(file)
    with pytest.raises(LabError, match="none"):
        read_prices(tmp_path / "none")


_EACH = "source: my bill, read: 2026-11-01"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prices: [1]", "expected a mapping, as in sim/costs/prices.yaml"),
        (
            f"prices: {{wroker: {{price: 1, per: 1 hours, {_EACH}}}}}",
            "unknown price 'wroker'; did you mean 'worker'?",
        ),
        (
            f"prices: {{worker: {{price: 1, per: 1 GB, {_EACH}}}}}",
            "prices.worker.per: is billed by hours, not by GB",
        ),
    ],
)
def test_a_price_by_which_nothing_is_billed_is_told(tmp_path, text, said):
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(LabError) as error:
        read_prices(file)
    assert str(error.value) == f"{file}: {said}"


def test_every_problem_of_a_file_is_told_with_its_line(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(
        "placement: {zones: x}\nprices:\n  worker: {price: abc, per: 1 hours}\nfee: 3\n"
    )
    with pytest.raises(LabError) as error:
        read_prices(file)
    said = [line.removeprefix(f"{file}:") for line in str(error.value).splitlines()]
    assert "1: placement.zones: expected a whole number such as 12 or 2_000, not 'x'" in said
    assert "3: prices.worker.price: expected a number, not 'abc'" in said
    assert any(line.startswith("4: fee: unknown key") for line in said)
    assert not any("pydantic" in line or "Value error" in line for line in said)
