"""A publisher sends each message at its time, and waits for all to be stored."""

import asyncio
from types import SimpleNamespace

from helpers.fake_brokers import SentByHand, fresh


def test_everything_is_published_and_acknowledged(monkeypatch):
    published = []

    async def publish(subject, body):
        await asyncio.sleep(0.01 * (3 - int(body)))  # the first is stored last
        published.append((subject, body))

    async def close():
        published.append("closed")

    async def connect(server):
        return SimpleNamespace(jetstream=lambda: SimpleNamespace(publish=publish), close=close)

    module = fresh(monkeypatch, "nats_publisher", {"nats": {"connect": connect}})
    sending = SentByHand(3)
    asyncio.run(module.publish({"server": "s", "subject": "events"}, sending))
    assert published == [("events", b"2"), ("events", b"1"), ("events", b"0"), "closed"]
    assert sending.said[:3] == [("sent", 0), ("sent", 1), ("sent", 2)]
    assert sorted(sending.said[3:6]) == [("acknowledged", n) for n in range(3)]
    assert sending.said[6] == ("ends", "-")
