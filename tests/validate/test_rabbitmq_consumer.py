"""A consumer acknowledges what it has done, and answers as configured where it failed."""

from types import SimpleNamespace

import pytest

from helpers.fake_brokers import HandledByHand, fresh


class _Consumed:
    """Of a BlockingConnection: hands over what there is, and notes what it is told."""

    def __init__(self, waiting):
        self.waiting = waiting
        self.told = []

    def channel(self):
        return self

    def basic_qos(self, prefetch_count):
        self.told.append(("qos", prefetch_count))

    def basic_consume(self, queue, handle, auto_ack):
        self.handle = handle
        self.told.append(("consume", queue, auto_ack))

    def start_consuming(self):
        for tag, (body, redelivered, headers) in enumerate(self.waiting):
            method = SimpleNamespace(delivery_tag=tag, redelivered=redelivered)
            self.handle(self, method, SimpleNamespace(headers=headers), body)

    def basic_ack(self, tag):
        self.told.append(("ack", tag))

    def basic_nack(self, tag, requeue):
        self.told.append(("nack", tag, requeue))

    def basic_reject(self, tag, requeue):
        self.told.append(("reject", tag, requeue))

    def close(self):
        self.told.append(("close",))


@pytest.fixture
def consume(monkeypatch):
    def run(waiting, fails=(), **spec):
        connection = _Consumed(waiting)
        module = fresh(
            monkeypatch,
            "rabbitmq_consumer",
            {
                "pika": {
                    "URLParameters": lambda url: url,
                    "BlockingConnection": lambda parameters: connection,
                }
            },
        )
        monkeypatch.setattr(module.signal, "signal", lambda *_: None)
        handler = HandledByHand(fails)
        spec = {"url": "u", "queue": "q", "prefetch": 7, "no_ack": False, **spec}
        module.consume({"on_failure": "nack-requeue", **spec}, handler)
        return connection.told, handler

    return run


def test_each_message_is_acknowledged_after_its_work(consume):
    told, handler = consume([(b"4 ", False, None), (b"9", True, None)])
    assert handler.did == [(4, 1), (9, 2)]
    assert told == [("qos", 7), ("consume", "q", False), ("ack", 0), ("ack", 1), ("close",)]
    assert handler.said == ["e subscribed", "x"]


def test_a_quorum_queue_counts_returns(consume):
    _, handler = consume([(b"0", True, {"x-delivery-count": 3}), (b"1", False, {})])
    assert handler.did == [(0, 4), (1, 1)]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("nack-requeue", ("nack", 0, True)),
        ("reject-requeue", ("reject", 0, True)),
        ("reject", ("reject", 0, False)),
    ],
)
def test_a_failure_is_answered_as_configured(consume, answer, told):
    said, _ = consume([(b"0", False, None)], fails=[0], on_failure=answer)
    assert said[2:] == [told, ("close",)]


def test_with_automatic_acknowledgement_nothing_is_answered(consume):
    told, _ = consume([(b"0", False, None), (b"1", False, None)], fails=[1], no_ack=True)
    assert told == [("qos", 7), ("consume", "q", True), ("close",)]
