"""The task of each queue is called for the messages that are for it."""

from helpers.fake_brokers import SentByHand, celery_packages, fresh


def test_each_queue_gets_a_call_for_its_messages(monkeypatch):
    app = fresh(monkeypatch, "celery_app", celery_packages()).application(
        {"broker": "b", "queue": "q", "config": {}}
    )
    module = fresh(
        monkeypatch,
        "celery_sender",
        {"sim.validate.celery_app": {"application": lambda spec: app, "TASK": "t"}},
    )
    sending = SentByHand(2)
    calls = [
        {"queue": "a", "rows": None, "countdown": 0},
        {"queue": "b", "rows": [1], "countdown": 3.0},
    ]
    module.send({"queue": "a", "calls": calls}, sending)
    assert app.sent == [
        ("t", (0,), {"queue": "a", "ignore_result": True}),
        ("t", (1,), {"queue": "a", "ignore_result": True}),
        ("t", (1,), {"queue": "b", "ignore_result": True, "countdown": 3.0}),
    ]
    assert sending.said == [
        ("sent", 0), ("acknowledged", 0), ("sent", 1), ("acknowledged", 1), ("ends", "-"),
    ]  # fmt: skip
