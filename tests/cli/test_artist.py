"""The process that draws."""

import os
import signal
import subprocess
import sys
import time
from multiprocessing import active_children
from pathlib import Path

import pytest

import sim
from helpers.run_tables import tables_of
from sim.cli.artist import Order, artist, draw
from sim.foundation.errors import LabError
from sim.results.store import manifest

linux = pytest.mark.skipif(sys.platform != "linux", reason="processes do not fork here")


def order(folder: Path, *, charts: bool = True) -> Order:
    about = manifest(sim.load("tournament_spike"), ["sim"], {"workload": 1.0})
    folder.mkdir()
    return Order(tables_of("brief"), folder, "A title", "a/b", about, charts)


def test_what_it_draws_is_what_this_process_would(tmp_path):
    with artist() as drawing:
        theirs = drawing(order(tmp_path / "theirs"))
    ours = draw(order(tmp_path / "ours"))
    assert list(theirs.about["wall_s"]) == ["workload", "charts"]
    for one, other in zip(theirs.charts, ours.charts, strict=True):
        assert one.parent == tmp_path / "theirs" / "charts"
        assert one.read_bytes() == other.read_bytes()
    for folder in ("theirs", "ours"):
        page = (tmp_path / folder / theirs.report).read_text()
        assert "<figcaption>" in page and "workload 1 s, charts" in page


def test_without_charts_there_is_but_the_report(tmp_path):
    drawn = draw(order(tmp_path / "here", charts=False))
    assert drawn.charts == []
    assert [path.name for path in (tmp_path / "here").iterdir()] == [drawn.report]


@linux
def test_what_goes_wrong_there_is_raised_here(tmp_path):
    ordered = order(tmp_path / "here")
    (ordered.folder / "charts").write_text("in the way")
    with artist() as drawing, pytest.raises(FileExistsError) as caught:
        drawing(ordered)
    assert "in the process that draws" in caught.value.__notes__[0]
    assert "write_and_inline" in caught.value.__notes__[0]


@linux
def test_its_end_is_told_with_a_way_out(tmp_path):
    with artist() as drawing:
        (its,) = active_children()
        its.kill()
        with pytest.raises(LabError, match=r"that draws the charts has ended.*--no-charts"):
            drawing(order(tmp_path / "here"))


@linux
def test_it_ends_with_the_block():
    with pytest.raises(KeyboardInterrupt), artist():
        assert len(active_children()) == 1
        raise KeyboardInterrupt
    assert active_children() == []


@linux
def test_it_ends_with_the_process_that_began_it():
    script = (
        "from multiprocessing import active_children\n"
        "from time import sleep\n"
        "from sim.cli.artist import artist\n"
        "with artist(): print(active_children()[0].pid, flush=True); sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    its = int(process.stdout.readline())
    assert running(its)
    process.kill()
    process.wait()
    until = time.monotonic() + 20
    while running(its) and time.monotonic() < until:
        time.sleep(0.05)
    assert not running(its)


def running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@linux
def test_ctrl_c_while_it_draws_leaves_nothing_half_written(tmp_path):
    command = ["run", "tournament_spike", "--set", "scale=0.02", "--out", str(tmp_path)]
    process = subprocess.Popen(
        [sys.executable, "-c", "from sim.cli.commands import main; main()", *command],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # as a shell does, so that Ctrl+C reaches all that it started
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    place = tmp_path / "tournament_spike"
    while not list(place.glob(".*.writing-*/charts/*.png")) and process.poll() is None:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    warning, said = stderr.splitlines()
    assert warning.startswith("warning: --set scale=0.02: scale: ")
    assert said == "stopped; systems that had finished are kept, and the same command goes on"
    assert [path.suffix for path in place.iterdir()] == [".partial"]


@linux
def test_the_process_that_simulates_never_imports_matplotlib(tmp_path):
    script = (
        "import sys\n"
        "from sim.cli.commands import app\n"
        f"app(['run', 'tournament_spike', '--set', 'scale=0.01', '--out', {str(tmp_path)!r}],"
        " standalone_mode=False)\n"
        "assert 'matplotlib' not in sys.modules, 'it would wait for it'"
    )
    subprocess.run([sys.executable, "-c", script], check=True, stdout=subprocess.DEVNULL)
    assert list(tmp_path.glob("*/*/charts/overview.png"))
