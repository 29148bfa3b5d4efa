"""Clients insert what is waiting, up to a batch."""

import pytest

from helpers.fake_brokers import SentByHand, fresh


@pytest.fixture
def send(monkeypatch):
    asked = []

    class _Database:
        def execute(self, statement, values):
            asked.append((statement, values["bodies"]))

    connect = {"connect": lambda *_, **__: _Database()}
    module = fresh(monkeypatch, "postgres_sender", {"psycopg": connect})

    def run(n, **spec):
        sending = SentByHand(n)
        every = {"server": "s", "insert": "insert", "connections": 1, "batch": 10}
        module.PostgresSender({**every, **spec}, sending).run()
        return asked, sending.said

    return run


def test_a_batch_is_what_waits_up_to_its_size(send):
    asked, said = send(12)
    assert asked == [
        ("insert", []), ("insert", [str(m) for m in range(10)]), ("insert", ["10", "11"]),
    ]  # fmt: skip
    assert said[:2] == [("sent", 0), ("sent", 1)]
    assert said[10] == ("acknowledged", 0)
    assert said[-1] == ("ends", "-")


def test_every_connection_is_prepared_and_no_message_is_sent_twice(send):
    asked, _ = send(5, connections=3, batch=1)
    assert asked[:3] == [("insert", [])] * 3
    assert sorted(bodies for _, bodies in asked[3:]) == [[str(m)] for m in range(5)]
