"""The application has Celery's settings by their own names."""

from helpers.fake_brokers import celery_packages, fresh


def test_settings_are_given_as_they_are(monkeypatch):
    module = fresh(monkeypatch, "celery_app", celery_packages())
    app = module.application(
        {"broker": "redis://x", "queue": "q", "config": {"task_acks_late": True}}
    )
    assert app.broker == "redis://x"
    assert app.conf["task_acks_late"] is True
    assert app.conf["task_default_queue"] == "q"
    assert app.conf["task_ignore_result"] is True
