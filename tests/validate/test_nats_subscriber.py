"""A subscriber asks for messages, works on one after the other, and answers as configured."""

import asyncio
import json
from types import SimpleNamespace

import pytest

from helpers.fake_brokers import HandledByHand, fresh


class _Client:
    """Of nats.py: hands over what is asked for, and notes what it is told."""

    def __init__(self, waiting, told):
        self.waiting, self.told = list(waiting), told
        self.over = None

    def new_inbox(self):
        return "inbox"

    async def subscribe(self, inbox, cb):
        self.come = cb

    async def flush(self): ...
    async def close(self): ...

    async def publish(self, subject, payload, reply):
        assert (subject, reply) == ("$JS.API.CONSUMER.MSG.NEXT.s.c", "inbox")
        n = json.loads(payload)["batch"]
        self.told.append(("asks", n))
        for message in self.waiting[:n]:
            await self.come(message)
        del self.waiting[:n]
        if not self.waiting:
            self.over()


@pytest.fixture
def subscribe(monkeypatch):
    def run(messages, fails=(), **spec):
        told = []

        def message(body, delivered=1):
            if body == "408":
                headers = {"Status": "408", "Nats-Pending-Messages": "1"}
                return SimpleNamespace(headers=headers)

            async def ack():
                told.append(("ack", body))

            async def nak(delay=None):
                told.append(("nak", body, delay))

            async def term():
                told.append(("term", body))

            return SimpleNamespace(
                headers=None, data=str(body).encode(), ack=ack, nak=nak, term=term,
                metadata=SimpleNamespace(num_delivered=delivered),
            )  # fmt: skip

        client = _Client([message(body) for body in messages], told)

        async def connect(_):
            return client

        module = fresh(monkeypatch, "nats_subscriber", {"nats": {"connect": connect}})
        handler = HandledByHand(fails)
        given = {
            "server": "n", "stream": "s", "consumer": "c", "ahead": True, "most": 4,
            "expires_s": 30.0, "acks": True, "on_failure": "nak", "nak_delay_s": 0.0,
        }  # fmt: skip

        async def its():
            subscriber = module.NatsSubscriber({**given, **spec}, handler)

            async def stop_when_idle():
                while not subscriber.come.empty() or len(handler.did) < wanted:
                    await asyncio.sleep(0.001)
                subscriber.stopping.set()

            wanted = sum(body != "408" for body in messages)
            client.over = lambda: None
            asyncio.get_running_loop().create_task(stop_when_idle())
            await subscriber.run()

        asyncio.run(its())
        return told, handler

    return run


def test_it_asks_for_more_once_half_is_taken_up(subscribe):
    told, handler = subscribe([0, 1, 2, 3, 4])
    assert handler.did == [(n, 1) for n in range(5)]
    assert [each for each in told if each[0] == "asks"][:3] == [
        ("asks", 4),
        ("asks", 2),
        ("asks", 2),
    ]
    assert told[1] == ("ack", 0)
    assert handler.said == ["e subscribed", "x"]


def test_one_that_fetches_asks_when_it_is_done(subscribe):
    told, _ = subscribe([0, 1], ahead=False, most=1)
    assert told[:4] == [("asks", 1), ("ack", 0), ("asks", 1), ("ack", 1)]


def test_a_request_that_expired_is_made_again(subscribe):
    told, _ = subscribe(["408", 0], ahead=False, most=1)
    assert told[:3] == [("asks", 1), ("asks", 1), ("ack", 0)]


@pytest.mark.parametrize(
    ("spec", "answer"),
    [
        ({"on_failure": "nak"}, [("nak", 0, None)]),
        ({"on_failure": "nak", "nak_delay_s": 3.0}, [("nak", 0, 3.0)]),
        ({"on_failure": "term"}, [("term", 0)]),
        ({"on_failure": "none"}, []),
        ({"acks": False}, []),
    ],
)
def test_what_fails_is_answered_as_configured(subscribe, spec, answer):
    told, _ = subscribe([0], fails=[0], **spec)
    assert [each for each in told if each[0] != "asks"] == answer
