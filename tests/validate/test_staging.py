"""Commands of clients in Python, and when they are ready."""

import json
import sys
from types import SimpleNamespace

from sim.validate.staging import came_up_s, module, subscribed, written


def _client(*lines):
    return SimpleNamespace(update=lambda: None, lines=[line.split() for line in lines])


def test_a_program_is_a_module_of_the_room(tmp_path):
    assert module("sqs_worker", tmp_path) == [
        sys.executable, "-m", "sim.validate.sqs_worker", str(tmp_path),
    ]  # fmt: skip


def test_what_a_process_is_told_is_a_file(tmp_path):
    path = written(tmp_path, "spec.json", {"a": [1, None]})
    assert json.loads(path.read_text()) == {"a": [1, None]}


def test_all_are_ready_when_each_that_was_told_to_go_has_subscribed():
    up, starting = _client("w 1", "e 2.5 subscribed", "e 3 lost"), _client("w 1")
    fleets = {"g": SimpleNamespace(places=[up, None, starting])}
    assert not subscribed(fleets)
    assert list(came_up_s(fleets)) == [2.5]
    starting.lines.append(["e", "4.0", "subscribed"])
    assert subscribed(fleets)
    assert list(came_up_s(fleets)) == [2.5, 4.0]
