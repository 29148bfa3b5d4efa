"""`sim page` as people use it."""

import pytest
from click.testing import Result
from typer.testing import CliRunner

from helpers.sweeps import BASE, WORK
from helpers.traffic import scenario
from sim.cli.commands import app
from sim.foundation.document import dumped


@pytest.fixture
def small(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = scenario(**BASE).model_dump(mode="json", by_alias=True)
    (tmp_path / "small.yaml").write_text(dumped(data))
    return tmp_path


def page(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["page", "small.yaml", "--jobs", "1", *arguments])


def test_it_writes_one_file_and_says_how_many_runs_it_holds(small):
    done = page("--vary", f"{WORK}=5ms,10ms")
    assert done.exit_code == 0, done.output
    written = small / "results" / "test" / "page.html"
    assert done.stdout.splitlines() == ["2 runs, 1 slider", "results/test/page.html"]
    assert '"5 ms","10 ms"' in written.read_text()


def test_sliders_of_a_file_come_first(small):
    (small / "knobs.yaml").write_text(
        f"work:\n  says: [short, long]\n  sets: {{{WORK}: [1ms, 2ms]}}"
    )
    done = page("--knobs", "knobs.yaml", "--vary", "seed=1,2", "-o", "here/p.html")
    assert done.exit_code == 2 and "--replications" in done.output
    done = page("--knobs", "knobs.yaml", "--vary", "scale=1,2", "-o", "here/p.html")
    assert done.stdout.splitlines() == ["4 runs, 2 sliders", "here/p.html"], done.output
    text = (small / "here" / "p.html").read_text()
    assert text.index('"name":"work"') < text.index('"name":"scale"')


def test_without_anything_to_turn_it_says_what_to_give(small):
    done = page()
    assert done.exit_code == 2 and "give --vary PATH=VALUES" in done.output
    none = page("--knobs", "none.yaml")
    assert none.exit_code == 2 and "none.yaml" in none.output
    assert not (small / "results").exists()
