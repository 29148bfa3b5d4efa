"""What the README says of each scenario is what the lab computes, here and now."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sim.causes.explain import explain
from sim.foundation.text import count, duration
from sim.lab import run
from sim.results.store import read
from sim.scenario.load import load
from sim.words.opening import findings_of_groups

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
SAID = {
    "ledger_ordering": ["1,703", "2,006", "2,169", "2,474"],
    "tournament_spike": ["2 h 44 min", "2 h 45 min", "34 min", "111 ms"],
    "tournament_sqs_tuned": ["27 s"],
    "tournament_under_partitioned": ["6 min 56 s", "6 min 50 s"],
    "tournament_visibility_timeout": ["98 %"],
    "slow_group": ["66,784", "63,072", "69,527", "193,710", "84,549", "54,842", "55,649"],
    "crash_and_rebalance": ["23 s", "20 s", "11 s", "133 ms", "151 ms"],
    "rolling_deploy": ["1.6 s", "375 ms", "4.5 s", "3.3 s", "5.9 s", "19 s", "245 ms"],
    "poison_message": ["13,496", "12,661", "15,239"],
    "replay_after_bug": ["216,123", "215,155", "216,904", "125,918"],
    "database_slowdown": ["4 min 18 s", "4 min 39 s", "21 s", "2 min 40 s", "3 min 17 s"],
    "autoscale_lag": ["1 min 19 s", "12 min", "1 min 15 s", "507 ms"],
    "head_of_line": ["19 s", "118 ms", "103 ms", "4 min 26 s", "3,829"],
    "per_message_routing": ["454", "830", "4.9 s", "2.4 s", "2.8 s"],
    "cross_partition_order": ["618", "556", "1 min 20 s", "1 min 57 s"],
    "celery_jobs": ["6.2 s", "9.3 s", "3 min"],
    "celery_pod_kill": ["34", "23", "41", "8"],
    "rabbitmq_prefetch": ["52 min", "81 ms", "669 ms", "51 s"],
    "share_group": ["10 min", "34 s", "863", "1,159"],
    "noisy_tenant": ["28 min"],
    "add_partitions": ["974", "893", "1,053", "815", "897"],
    "pubsub_ordering": ["2 min 19 s", "148 ms", "56"],
    "retry_topics": ["22 min", "112", "100", "121", "203"],
    "lambda_throttle": ["108", "60", "194"],
    "kinesis_hot_shard": ["27,586", "36,860"],
    "rabbitmq_streams": ["18,018", "17,732"],
}
SHOWN = {
    "latency_p99_s": duration,
    "max_time_lag_s": duration,
    "drain_s": duration,
    "lost": count,
    "violations": count,
    "processed": count,
    "deliveries": count,
}
"""Columns of the summary that the README may quote besides the words of the finding."""
REPLICATED = pd.read_csv(ROOT / "results" / "replications.csv")
"""Of twenty runs with other seeds: `tests/tools/replicated.py`."""


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


def _replicated(name):
    """Figures of twenty runs, if the scenario has been run so often."""
    its = REPLICATED[REPLICATED["scenario"] == name]
    for number, *values in its[["number", "median", "least", "most"]].itertuples(index=False):
        yield from map(duration if number.endswith("_s") else count, values)


def _of_example(name):
    example = read(ROOT / "results" / name / "example").tables
    yield from findings_of_groups(example)
    for column, say in SHOWN.items():
        yield from map(say, example.summary[column])


@pytest.mark.parametrize("name", sorted(set(REPLICATED["scenario"])))
def test_the_run_that_is_shipped_is_one_of_the_twenty(name):
    its = REPLICATED[REPLICATED["scenario"] == name].set_index(["system", "group", "number"])
    example = read(ROOT / "results" / name / "example").tables.summary
    for (system, group, number), row in its.iterrows():
        of = (example["system"] == system) & (example["group"] == group)
        (value,) = example.loc[of, number]
        assert row["least"] <= value + 1e-6 and value <= row["most"] + 1e-6, (system, number)


@pytest.mark.parametrize("name", sorted(SAID))
def test_figures_are_those_of_a_run(name):
    told = set(_replicated(name)) or set(_of_example(name))
    words = " ".join(sorted(told))
    for figure in SAID[name]:
        assert figure in README and figure in words, figure
    now = run(load(name)).tables.summary
    before = pd.read_csv(ROOT / "results" / name / "example" / "summary.csv")
    assert list(now["group"]) == list(before["group"])
    # Another machine's exp() may differ in the last bit, and so a draw here and there.
    for column in ("processed", "max_lag", "drain_s", "latency_p99_s", "double_effects"):
        np.testing.assert_allclose(now[column], before[column], rtol=0.02, atol=0.05)


@pytest.mark.parametrize(
    ("name", "system", "group"),
    [("tournament_spike", "sqs_fanout", "analytics"), ("ledger_ordering", "commit_first", "books")],
)
def test_an_incident_is_explained_as_the_readme_says(name, system, group):
    """The harm, and of each cause that it quotes what is left without it, in their order."""
    quoted = README.split(f"    {system}.{group}: ")[1].split("\n\n")[0]
    found = explain(load(name), system, group).harmed[0]
    of_first_harm = " ".join(quoted.split()).split(" Of the ")[0]
    harms, *causes = re.split(r" \d\. ", of_first_harm)
    assert harms.startswith("; ".join(harm.said for harm in found.harms))
    assert causes
    for said, cause in zip(causes, found.causes[found.harms[0].kind], strict=False):
        what = cause.trial.hypotheses[0].remedy
        assert f": {what}, " in said
        assert cause.said.split(f"{what}, ")[1] == said.split(f"{what}, ")[1]
