import json
from dataclasses import replace

from helpers.incidents import incident, queue
from sim.causes.explain import explain
from sim.causes.words import as_data, opening, paragraphs, vain

SLOW_CALLS = {"send": 0, "receive": 0.1, "delete": 0.1}
FOUND = explain(incident(queue(1, latency=SLOW_CALLS), work=0.001))
"""A worker whose calls take 0.2 s a message does 5 a second, where 10 arrive."""


def test_no_line_is_wider_than_the_page():
    lines = "\n".join(paragraphs(FOUND, 80)).split("\n")
    assert max(map(len, lines)) <= 80 and len(lines) > 5


def test_the_first_cause_is_told_first_with_what_it_costs():
    text = " ".join(" ".join(paragraphs(FOUND, 80)).split())
    assert "s.g: it drains 5 min 9 s after the last arrival" in text
    first = text.split(" 1. ")[1].split(" 2. ")[0]
    assert first.startswith("MaxNumberOfMessages 1 ")  # a limit that acted: what it did follows
    assert first.endswith(
        ": with MaxNumberOfMessages 10, it keeps up (at the cost of: a worker that dies holds more"
        " messages)"
    )


def test_causes_are_sentences_of_25_words_on_average():
    faults = [{"at": 60, "fault": "slow", "target": "s.g.*", "factor": 100, "for": 120}]
    slow = explain(incident(queue(2, VisibilityTimeout=600), faults=faults, work=0.05))
    causes = [
        cause.said
        for found in (FOUND, slow)
        for group in found.harmed
        for its in group.causes.values()
        for cause in its
    ]
    assert len(causes) >= 3
    assert sum(len(said.split()) for said in causes) / len(causes) <= 25, causes


def test_what_was_tried_in_vain_is_told_by_name():
    assert "VisibilityTimeout" in vain(FOUND.groups[0])
    assert "MaxNumberOfMessages" not in vain(FOUND.groups[0])


def test_a_smaller_scale_is_said():
    assert "0.25 of the scenario's scale" in opening(replace(FOUND, reduced=0.25))


def test_where_nothing_is_wrong_it_says_so():
    fine = explain(incident(queue(2)))
    assert list(paragraphs(fine, 80)) == [
        "Nothing is wrong with incident, so there is nothing to explain."
    ]


def test_as_json_it_has_every_run_and_what_to_set():
    data = json.loads(json.dumps(as_data(FOUND), allow_nan=False))
    (group,) = data["groups"]
    cause = group["harms"][0]["causes"][0]
    assert (cause["kind"], cause["key"], cause["share"]) == ("limit", "MaxNumberOfMessages", 1.0)
    assert cause["changes"] == [{"path": "systems.s.queues.g.MaxNumberOfMessages", "value": 10}]
    assert len(group["tried"]) == data["runs"]
