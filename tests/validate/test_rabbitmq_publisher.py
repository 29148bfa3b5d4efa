"""A publisher sends as the lab's does: batches that wait for their confirms, or all at once."""

import pytest

from helpers.fake_brokers import Ack, FakeSelectConnection, Nack, SentByHand, fresh, pika_packages


@pytest.fixture
def publish(monkeypatch):
    module = fresh(monkeypatch, "rabbitmq_publisher", pika_packages())

    def run(n, broker, routes=None, republish=1.0, **spec):
        sent = []

        def keeping(channel, tag, exchange, key, body, properties):
            sent.append((body, key, properties.headers, id(channel)))
            return broker(tag, body)

        monkeypatch.setattr(FakeSelectConnection, "broker", staticmethod(keeping))
        sending = SentByHand(n)
        spec = {"url": "u", "exchange": "x", "channels": 1, "batch": 2, "confirms": True, **spec}
        module.RabbitmqPublisher(spec | {"routes": routes, "republish": republish}, sending).run()
        return sending.said, sent

    return run


def _all(tag, body):
    return Ack(delivery_tag=tag, multiple=False)


def test_a_channel_waits_for_all_confirms_of_a_batch(publish):
    said, _ = publish(3, _all)
    assert said == [
        ("sent", 0), ("sent", 1), ("acknowledged", 0), ("acknowledged", 1),
        ("sent", 2), ("acknowledged", 2), ("ends", "-"),
    ]  # fmt: skip


def test_two_channels_have_two_batches_under_way(publish):
    said, sent = publish(4, _all, channels=2)
    assert [what for what, _ in said[:4]] == ["sent"] * 4
    assert len({channel for *_, channel in sent}) == 2


def test_one_confirm_may_be_of_several(publish):
    said, _ = publish(2, lambda tag, body: Ack(delivery_tag=2, multiple=True) if tag == 2 else None)
    assert said[2:] == [("acknowledged", 0), ("acknowledged", 1), ("ends", "-")]


def test_without_confirms_nothing_is_waited_for(publish):
    said, sent = publish(5, _all, confirms=False, channels=8)
    assert said == [*(("sent", m) for m in range(5)), ("ends", "-")]
    assert len({channel for *_, channel in sent}) == 1


def test_what_is_refused_is_published_again(publish):
    refused = [b"1"]

    def broker(tag, body):
        if body in refused:
            refused.remove(body)
            return Nack(delivery_tag=tag, multiple=False)
        return Ack(delivery_tag=tag, multiple=False)

    said, sent = publish(2, broker)
    assert [body for body, *_ in sent] == [b"0", b"1", b"1"]
    assert said[-2:] == [("acknowledged", 1), ("ends", "-")]


def test_what_is_refused_is_given_up_where_nothing_is_published_again(publish):
    said, sent = publish(
        1, lambda tag, body: Nack(delivery_tag=tag, multiple=False), republish=None
    )
    assert said == [("sent", 0), ("ends", "-")]
    assert len(sent) == 1


def test_routing_keys_and_headers_are_those_of_the_message(publish):
    _, sent = publish(2, _all, routes=[["a", None], ["b", {"k": "v"}]])
    assert [(key, headers) for _, key, headers, _ in sent] == [("a", None), ("b", {"k": "v"})]
