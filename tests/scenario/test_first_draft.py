"""A first scenario runs as it is written, is short, and keeps up."""

import pytest

import sim
from sim.foundation.errors import LabError
from sim.scenario.first_draft import Asked, draft, drafts
from sim.scenario.load import load
from sim.scenario.products.catalogue import PRODUCTS


def asked(**changes):
    given = {"name": "mine", "products": ["sqs"], "rate": "50/s", "work": "20 ms", "lasts": "20s"}
    return Asked(**given | changes)


def test_every_product_has_a_draft():
    assert set(drafts()) == set(PRODUCTS)


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_draft_runs_without_a_warning_and_keeps_up(product, tmp_path):
    text = draft(asked(products=[product]))
    (tmp_path / "mine.yaml").write_text(text)
    scenario = load(tmp_path / "mine.yaml")
    assert scenario.warnings == ()
    assert [*scenario.systems] == [product]
    [row] = sim.run(scenario).summary.to_dict("records")
    assert (row["lost"], row["unfinished"]) == (0, 0)
    assert row["drain_s"] < 10


@pytest.mark.parametrize("name", ["12", "true", "1e3", "mine.2"])
def test_a_name_stays_a_text(name, tmp_path):
    (tmp_path / "its.yaml").write_text(draft(asked(name=name)))
    assert load(tmp_path / "its.yaml").name == name


def test_two_systems_are_at_most_thirty_lines():
    two = sorted(drafts().items(), key=lambda its: its[1].count("\n"))[-2:]
    text = draft(asked(products=[name for name, _ in two]))
    assert text.count("\n") <= 30
    assert max(map(len, text.splitlines())) <= 100


def test_consumers_are_enough_or_as_many_as_asked():
    assert "workers: 2," in draft(asked(products=["celery"], consumers=5))
    assert "consumers: 15," in draft(asked(products=["kafka"], rate="500/s"))  # 10 / 0.7
    assert "partitions: 15" in draft(asked(products=["kafka"], rate="500/s"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"products": ["kafak"]}, "unknown product 'kafak'; did you mean 'kafka'?"),
        ({"rate": "fast"}, "rate: "),
        ({"work": "0 s"}, "work: must be more than 0, not '0 s'"),
        ({"lasts": "-1m"}, "lasts: "),
    ],
)
def test_what_cannot_be_is_said(changes, said):
    with pytest.raises(LabError) as error:
        draft(asked(**changes))
    assert str(error.value).startswith(said)
