"""What the README says about the tournament is what the lab computes, here and now."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sim.findings import finding
from sim.lab import run
from sim.results import read
from sim.scenario import load

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
SAID = {
    "tournament_spike": ["2 h 44 min", "34 min"],
    "tournament_sqs_tuned": ["26 s behind"],
    "tournament_under_partitioned": ["7 min 1 s"],
    "tournament_visibility_timeout": ["98 %"],
}


def test_figures_of_the_ledger_are_those_of_a_run():
    example = read(ROOT / "results" / "ledger_ordering" / "example").tables
    now = run(load("ledger_ordering")).tables
    for before, after in ((example.ledger, now.ledger), (example.producer, now.producer)):
        assert list(before["system"]) == list(after["system"])
    for ledger in (example.ledger, now.ledger):
        wrong = ledger.set_index("system")["misstatement_cents"]
        assert (wrong[["idempotent_books", "sqs_strict_books"]] == 0).all()
    for _, row in example.ledger.iterrows():
        assert f"{row['misstatement_cents'] / 100:,.2f}" in README
    for column in ("duplicates_appended", "lost_buffer"):
        for number in example.producer[column]:
            assert f"{number:,}" in README
        np.testing.assert_allclose(now.producer[column], example.producer[column], 0.3, 20)


@pytest.mark.parametrize("name", sorted(SAID))
def test_figures_are_those_of_a_run(name):
    example = read(ROOT / "results" / name / "example").tables
    words = finding(example.summary, duration_s=example.duration_s)
    for figure in SAID[name]:
        assert figure in README and figure in words
    now = run(load(name)).tables.summary
    before = pd.read_csv(ROOT / "results" / name / "example" / "summary.csv")
    assert list(now["group"]) == list(before["group"])
    # Another machine's exp() may differ in the last bit, and so a draw here and there.
    for column in ("processed", "max_lag", "drain_s", "latency_p99_s", "double_effects"):
        np.testing.assert_allclose(now[column], before[column], rtol=0.02, atol=0.05)
