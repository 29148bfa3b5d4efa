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


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_draft_that_fails_now_and_then_retries_or_loses_as_its_comment_says(product, tmp_path):
    """What each draft does with a message that fails once: BullMQ's has a second attempt."""
    (tmp_path / "mine.yaml").write_text(draft(asked(products=[product])))
    share = {"workload.service.work.poison": {"share": "2 %", "times": 1}}
    its = load(tmp_path / "mine.yaml").with_(share)
    [row] = sim.run(its).summary.to_dict("records")
    assert (row["unfinished"], row["dead_lettered"]) == (0, 0)
    gives_up = {"celery", "kinesis"}
    assert (row["lost"] > 0) == (product in gives_up)


def test_no_key_of_a_draft_is_too_hot_for_one_consumer():
    """Of 1,000 keys with an exponent of 0.8 the first has 1 in 15.6 messages."""
    assert "keys: {key: {count: 1000, zipf: 0.8}}" in draft(asked(rate="50/s", work="150 ms"))
    assert "keys: {key: {count: 1000}}" in draft(asked(rate="60/s", work="150 ms"))
    hot = draft(asked(rate="50/s", work="150 ms", peak="60/s"))
    assert "keys: {key: {count: 1000}}" in hot


def test_a_peak_is_shown_in_a_comment_that_can_be_taken_as_it_stands(tmp_path):
    text = draft(asked(rate="50/s", lasts="10m"))
    peak = (
        "arrivals: {profile: [{for: 4m, rate: 50/s}, {for: 2m, rate: 500/s}, "
        "{for: 4m, rate: 50/s}]}\n"
    )
    assert f"  # {peak}" in text
    flat = next(line for line in text.splitlines() if line.startswith("  arrivals: "))
    (tmp_path / "mine.yaml").write_text(
        text.replace(flat + "\n", "").replace(f"  # {peak}", f"  {peak}")
    )
    segments = load(tmp_path / "mine.yaml").workload.arrivals.profile
    assert [(one.for_, one.rate) for one in segments] == [(240, 50), (120, 500), (240, 50)]


@pytest.mark.parametrize(
    ("lasts", "peak_lasts", "segments"),
    [
        ("50m", "10m", [(1200, 200), (600, 2000), (1200, 200)]),
        ("50s", None, [(20, 200), (10, 2000), (20, 200)]),
        ("1m", "10.5s", [(24.75, 200), (10.5, 2000), (24.75, 200)]),
    ],
)
def test_a_peak_that_is_asked_for_stands_in_the_middle(lasts, peak_lasts, segments, tmp_path):
    its = asked(rate="200/s", lasts=lasts, peak="2000/s", peak_lasts=peak_lasts)
    (tmp_path / "mine.yaml").write_text(draft(its))
    scenario = load(tmp_path / "mine.yaml")
    found = [(one.for_, one.rate) for one in scenario.workload.arrivals.profile]
    assert found == segments
    assert "  # arrivals: {rate: 200/s}" in draft(its)


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
        ({"peak": "much"}, "peak: "),
        (
            {"peak": "9/s", "peak_lasts": "20s"},
            "peak-lasts: must be less than all of the time, 20s",
        ),
        ({"peak_lasts": "2s"}, "peak-lasts goes with a peak"),
    ],
)
def test_what_cannot_be_is_said(changes, said):
    with pytest.raises(LabError) as error:
        draft(asked(**changes))
    assert str(error.value).startswith(said)
