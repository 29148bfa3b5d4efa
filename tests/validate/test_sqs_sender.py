"""Senders take what is waiting, and give each queue what it lets in."""

import pytest

from helpers.fake_brokers import SentByHand, fresh


class _Server:
    def __init__(self):
        self.calls = []

    def get_queue_attributes(self, **given):
        return {}

    def send_message(self, **given):
        self.calls.append(given)

    def send_message_batch(self, **given):
        self.calls.append(given)
        return {}


@pytest.fixture
def send(monkeypatch):
    server = _Server()
    module = fresh(
        monkeypatch,
        "sqs_sender",
        {"sim.validate.sqs_client": {"client": lambda url, connections: server}},
    )

    def run(n, **spec):
        sending = SentByHand(n)
        every = {"queues": {"q": "url"}, "threads": 1, "batch": 10, "delays": None}
        every |= {"groups": {"q": None}, "ids": {"q": None}, "rows": {"q": None}}
        module.SqsSender({"server": "s", **every, **spec}, sending).run()
        return server.calls, sending.said

    return run


def test_a_batch_is_what_waits_up_to_its_size(send):
    calls, said = send(12)
    assert [[e["Id"] for e in call["Entries"]] for call in calls] == [
        [str(m) for m in range(10)],
        ["10", "11"],
    ]
    assert said[:2] == [("sent", 0), ("sent", 1)]
    assert said[10] == ("acknowledged", 0)
    assert said[-1] == ("ends", "-")


def test_a_batch_of_one_is_another_call(send):
    calls, _ = send(2, batch=1)
    assert calls == [{"QueueUrl": "url", "MessageBody": str(m)} for m in (0, 1)]


def test_a_queue_gets_what_it_lets_in(send):
    both = {"a": "A", "b": "B"}
    none = {"a": None, "b": None}
    calls, _ = send(3, queues=both, groups=none, ids=none, rows={"a": [0, 2], "b": []})
    assert [(c["QueueUrl"], [e["Id"] for e in c["Entries"]]) for c in calls] == [("A", ["0", "2"])]


def test_delays_groups_and_ids_are_those_of_the_message(send):
    calls, _ = send(2, delays=[0, 5], groups={"q": ["g", "h"]}, ids={"q": ["x", "y"]})
    entries = [{k: v for k, v in e.items() if k != "MessageBody"} for e in calls[0]["Entries"]]
    assert entries == [
        {"Id": "0", "DelaySeconds": 0, "MessageGroupId": "g", "MessageDeduplicationId": "x"},
        {"Id": "1", "DelaySeconds": 5, "MessageGroupId": "h", "MessageDeduplicationId": "y"},
    ]
