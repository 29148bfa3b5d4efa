"""The pages tell what is so, here and now: commands, what they print, options, links, figures."""

import re
import shlex
from pathlib import Path
from urllib.parse import urlparse

import numpy as np
import pandas as pd
import pytest
import typer.main
from ruamel.yaml import YAML

from sim.cli.commands import app
from sim.foundation.text import count, duration
from sim.lab import run
from sim.report.keys_page import markdown
from sim.results.store import read
from sim.scenario.load import Scenario, load
from sim.scenario.reference import parts
from sim.words.opening import findings_of_groups
from tools.notebooks import alike
from tools.pages import PAGES, ROOT, Clone, again, shown

MOST_WORDS = 900
README = (ROOT / "README.md").read_text()
FOUND = (ROOT / "results" / "README.md").read_text()
REFERENCE = ROOT / "scenarios" / "REFERENCE.md"
BY_ITSELF = {"QUESTIONS.md"}
"""Pages with a test of their own, `tests/test_questions.py`."""
MINE = [page for page in PAGES if page.name not in BY_ITSELF]
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
    "back_pressure": ["42 s", "36 s", "302", "242", "339"],
    "postgres_or_kafka": ["15 min", "8 min 24 s", "1 min 22 s", "113 ms"],
}
"""Figures that the page of results has of each scenario."""
IN_README = {
    "tournament_spike": ["111 ms", "2 h 44 min"],
    "head_of_line": ["19 s", "118 ms"],
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
"""Columns of the summary that a page may quote besides the words of the finding."""
REPLICATED = pd.read_csv(ROOT / "results" / "replications.csv")
"""Of twenty runs with other seeds: `tests/tools/replicated.py`."""
_FIGURE = re.compile(
    r"\d[\d,]*(?:\.\d+)?(?: (?:h|min|s|ms|USD|%)(?: \d+ (?:min|s|ms))?(?!\w)| messages)"
)
STATED = {
    "tutorial.md": {"3 min", "20 ms", "20 s", "45 s", "50 messages", "120 messages"},
    "explain_an_incident.md": {"10 s", "25 s"},
    "choose_a_system.md": {"0.1 %", "30 s", "99 %", "16 s", "17 s", "90 s"},
    "size_it.md": {"90 %", "95 %", "5 %"},
}
"""Figures of the pages' own texts that are given there, or told by a page that is longer."""


def _id(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def test_a_newcomer_reads_the_readme_in_a_few_minutes():
    assert len(README.split()) <= MOST_WORDS


def test_pictures_of_the_readme_are_in_the_repository():
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert pictures
    for picture in pictures:
        assert (ROOT / picture).is_file() or urlparse(picture).scheme == "https"


@pytest.mark.parametrize("page", MINE, ids=_id)
def test_commands_print_what_the_page_shows(page, tmp_path):
    text = page.read_text()
    clone = Clone(tmp_path, text)
    for its in shown(text):
        told = clone.told(its.command)
        for chunk, now in zip(its.chunks, again(its.chunks, told), strict=True):
            before, after = "\n".join(chunk), "\n".join(now)
            assert alike(before, after), f"$ {its.command}\n{before}\n!=\n{after}"


def test_what_is_not_printed_any_more_is_seen():
    text = "```console\n$ printf 'one 1\\ntwo 2\\nthree 3\\n'\none 1\n…\nthree 4\n$ true\n```\n"
    first, second = shown(text)
    assert (first.chunks, second.chunks) == ((("one 1",), ("three 4",)), ())
    now = again(first.chunks, "one 1\ntwo 2\nthree 3")
    assert now == [("one 1",), ("three 3",)]
    assert alike("one 1", "one 1") and not alike("three 40", "three 30")


def _spoken(text: str) -> set[str]:
    """The commands of `sim` that a page names: in lines of code, and in the text."""
    lines = re.findall(r"^(?: {4,}|\$ )(?:\.venv/bin/)?sim ([a-z][^\n]*)", text, re.MULTILINE)
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    inline = re.findall(r"`sim\s+([a-z][^`]*)`", prose)
    return {" ".join(said.split("  #")[0].split(" # ")[0].split()) for said in [*lines, *inline]}


@pytest.mark.parametrize("page", [*MINE, ROOT / "CONTRIBUTING.md"], ids=_id)
def test_every_command_and_option_that_a_page_names_is_there(page):
    for said in _spoken(page.read_text()):
        command = typer.main.get_command(app)
        words = shlex.split(said.replace("…", ""))
        while words and hasattr(command, "commands"):
            word = words.pop(0)
            assert word in command.commands, said
            command = command.commands[word]
        options = {opt for param in command.params for opt in (*param.opts, *param.secondary_opts)}
        named = {word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)}
        assert named <= options | {"--help", "-h"}, said


@pytest.mark.parametrize("page", [*MINE, ROOT / "CONTRIBUTING.md"], ids=_id)
def test_every_target_of_make_that_a_page_names_is_there(page):
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"(?:`|^ {4})make ([a-z-]+)", page.read_text(), re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def _anchors(page: Path) -> set[str]:
    text = page.read_text()
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    slugs = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return slugs | set(re.findall(r'<a id="([^"]+)"', text))


@pytest.mark.parametrize(
    "page", [*PAGES, REFERENCE, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"], ids=_id
)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", page.read_text())):
        if urlparse(link).scheme:
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in _anchors(target), link


@pytest.mark.parametrize("page", MINE, ids=_id)
def test_yaml_of_a_page_is_a_scenario(page, tmp_path):
    for block in re.findall(r"^```yaml\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL):
        data = YAML(typ="safe").load(block)
        if isinstance(data, dict):
            file = tmp_path / "mine.yaml"
            whole = block if "base" in data else f"name: mine\nbase: tournament_spike.yaml\n{block}"
            file.write_text(whole)
            its = load(str(file))
            assert isinstance(its, Scenario)
            assert not [said for said in its.warnings if "no effect" in said]


def test_the_code_for_python_runs(monkeypatch):
    import sim

    text = (ROOT / "notebooks" / "README.md").read_text()
    (code,) = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    small = sim.load("tournament_spike").with_({"scale": 0.01})
    monkeypatch.setattr(sim, "load", lambda name: small)
    names: dict[str, object] = {}
    exec(code.replace('{"scale": 0.25}', '{"scale": 0.01}'), names)
    assert names["spike"].scale == 0.01


@pytest.mark.parametrize("name", sorted(STATED))
def test_figures_of_a_text_are_those_that_stand_below_its_commands(name):
    """But those that the text itself gives, which are listed."""
    text = (ROOT / "scenarios" / name).read_text()
    blocks = " ".join(re.findall(r"^```.*?^```$", text, re.MULTILINE | re.DOTALL))
    prose = re.sub(r"^```.*?^```$|^ {4}.*?$", "", text, flags=re.MULTILINE | re.DOTALL)
    said = {figure for figure in _FIGURE.findall(" ".join(prose.split()))}
    assert said
    assert {f for f in said if f not in " ".join(blocks.split())} - STATED[name] == set()


def test_the_reference_is_that_of_the_models():
    """`sim docs --markdown > scenarios/REFERENCE.md` writes it again."""
    assert REFERENCE.read_text() == markdown(parts())


def test_figures_of_the_ledger_are_those_of_a_run():
    example = read(ROOT / "results" / "ledger_ordering" / "example").tables
    now = run(load("ledger_ordering")).tables
    for before, after in ((example.ledger, now.ledger), (example.producer, now.producer)):
        assert list(before["system"]) == list(after["system"])
    for ledger in (example.ledger, now.ledger):
        wrong = ledger.set_index("system")["misstatement_cents"]
        assert (wrong[["idempotent_books", "sqs_strict_books"]] == 0).all()
    for _, row in example.ledger.iterrows():
        assert f"{row['misstatement_cents'] / 100:,.2f}" in FOUND
    for column in ("duplicates_appended", "lost_buffer"):
        for number in example.producer[column]:
            assert f"{number:,}" in FOUND
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
        assert figure in FOUND and figure in words, figure
    for figure in IN_README.get(name, []):
        assert figure in README and figure in words, figure
    now = run(load(name)).tables.summary
    before = pd.read_csv(ROOT / "results" / name / "example" / "summary.csv")
    assert list(now["group"]) == list(before["group"])
    # Another machine's exp() may differ in the last bit, and so a draw here and there.
    for column in ("processed", "max_lag", "drain_s", "latency_p99_s", "double_effects"):
        np.testing.assert_allclose(now[column], before[column], rtol=0.02, atol=0.05)
