"""Results that take the place of others: nothing else is removed, and nothing is lost by a kill."""

import multiprocessing
import os
import signal
import sys

import pytest

from sim.foundation.errors import LabError
from sim.results import folders
from sim.results.folders import MANIFEST, MARKER


def write(place, text):
    temporary = folders.begin(place)
    (temporary / "table").write_text(text)
    (temporary / MANIFEST).write_text("{}")
    folders.put(temporary, place)


def test_a_later_result_takes_the_place_and_leaves_nothing_else(tmp_path):
    place = tmp_path / "run"
    for text in ("first", "second"):
        write(place, text)
    assert [p.name for p in tmp_path.iterdir()] == ["run"]
    assert {p.name: p.read_text() for p in place.iterdir()} == {"table": "second", MANIFEST: "{}"}


def test_what_the_lab_did_not_write_is_never_replaced(tmp_path):
    place = tmp_path / "precious"
    place.mkdir()
    (place / "thesis").write_text("years")
    with pytest.raises(LabError, match="was not written by the lab"):
        folders.check_place(place)
    with pytest.raises(LabError, match="was not written by the lab"):
        write(place, "new")
    folders.remove(place)
    assert (place / "thesis").read_text() == "years"


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_file_or_a_link_in_the_place_is_left_alone(tmp_path, kind):
    place, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    write(elsewhere, "far")
    if kind == "file":
        place.write_text("notes")
    else:
        place.symlink_to(elsewhere)
    with pytest.raises(LabError, match="was not written by the lab"):
        folders.check_place(place)
    assert place.is_symlink() or place.read_text() == "notes"
    assert (elsewhere / "table").read_text() == "far"


def test_a_parent_that_cannot_be_made_is_said_before_anything_is_computed(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LabError, match="results cannot be written to "):
        folders.check_place(tmp_path / "file" / "scenario" / "run")


def test_folders_of_a_process_that_lives_stay_and_those_of_a_dead_one_go(tmp_path):
    dead = multiprocessing.Process(target=int)
    dead.start()
    dead.join()
    place = tmp_path / "run"
    mine = folders.begin(place)
    for folder in (tmp_path / f".run.writing-{dead.pid}", tmp_path / ".other.writing-abc"):
        folder.mkdir()
        (folder / MARKER).touch()
    foreign = tmp_path / f".mine.writing-{dead.pid}"
    foreign.mkdir()
    (foreign / "thesis").write_text("years")
    folders.recover(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        [mine.name, ".other.writing-abc", foreign.name]
    )


CHANGES = ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "open")


def killed_at(change, place):
    """A process that writes a second result and is killed just before its n-th change on disk."""
    left = change

    def watch(event, arguments):
        nonlocal left
        writes = event != "open" or (isinstance(arguments[2], int) and arguments[2] & os.O_CREAT)
        if event in CHANGES and writes:
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1

    sys.addaudithook(watch)
    write(place, "second")


def test_a_kill_before_any_change_on_disk_leaves_the_earlier_result_or_the_new_one(tmp_path):
    fork = multiprocessing.get_context("fork")
    found = []
    for change in range(100):
        place = tmp_path / str(change) / "run"
        write(place, "first")
        writer = fork.Process(target=killed_at, args=(change, place))
        writer.start()
        writer.join()
        folders.recover(place.parent)
        assert [p.name for p in place.parent.iterdir()] == ["run"]
        assert (place / MANIFEST).read_text() == "{}"
        found.append((place / "table").read_text())
        if writer.exitcode == 0:
            break
        assert writer.exitcode == -signal.SIGKILL
    else:
        raise AssertionError("the writer never came to its end")
    assert set(found) == {"first", "second"} and found == sorted(found)


def write_often(place, text, start):
    start.wait()
    for _ in range(200):
        write(place, text)


def test_two_processes_may_replace_the_same_result_at_once(tmp_path):
    fork = multiprocessing.get_context("fork")
    place, start = tmp_path / "run", fork.Barrier(2)
    writers = [fork.Process(target=write_often, args=(place, t, start)) for t in ("a", "b")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    folders.recover(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["run"]
    assert (place / "table").read_text() in ("a", "b")


def test_what_was_begun_can_be_given_up_and_the_place_is_as_it_was(tmp_path):
    place = tmp_path / "run"
    place.mkdir()
    (place / MANIFEST).write_text("{}")
    temporary = folders.begin(place)
    (temporary / "charts").mkdir()
    folders.abandon(place)
    assert list(tmp_path.iterdir()) == [place]
    folders.abandon(place)  # there is nothing to give up
    assert (place / MANIFEST).read_text() == "{}"
