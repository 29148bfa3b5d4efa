"""`sim docs`."""

from typer.testing import CliRunner

from sim.cli.commands import app
from sim.report.keys_page import html, markdown
from sim.scenario.reference import parts


def test_a_page_is_written_into_a_folder(tmp_path):
    done = CliRunner().invoke(app, ["docs", "-o", str(tmp_path / "new")])
    assert done.exit_code == 0
    assert (tmp_path / "new" / "reference.html").read_text() == html(parts())
    assert done.stdout.strip().endswith("reference.html")


def test_markdown_is_printed():
    done = CliRunner().invoke(app, ["docs", "--markdown"])
    assert (done.exit_code, done.stdout) == (0, markdown(parts()))


def test_one_of_the_two_is_asked_for(tmp_path):
    for asked in ([], ["--markdown", "-o", str(tmp_path)]):
        done = CliRunner().invoke(app, ["docs", *asked])
        assert done.exit_code == 2
