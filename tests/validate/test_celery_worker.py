"""A worker is Celery's own, with a task that does the plan's work."""

from types import SimpleNamespace

import pytest

from helpers.fake_brokers import HandledByHand, celery_packages, fresh
from sim.validate.handler import FailedError


@pytest.fixture
def work(monkeypatch):
    app_module = fresh(monkeypatch, "celery_app", celery_packages())
    made = []

    def application(spec):
        made.append(app_module.application(spec))
        return made[-1]

    module = fresh(
        monkeypatch,
        "celery_worker",
        {"sim.validate.celery_app": {"application": application, "TASK": "t"}, **celery_packages()},
    )

    def run(handler, **spec):
        module.work({"broker": "b", "queue": "q", "config": {}, "task": {}, **spec}, handler)
        return made[-1]

    return run


def test_it_says_when_it_is_ready_and_consumes_its_queue(work):
    handler = HandledByHand()
    app = work(handler)
    assert handler.said == ["e subscribed", "x"]
    assert app.argv[0] == "worker"
    assert app.argv[app.argv.index("-Q") + 1] == "q"
    assert app.argv[app.argv.index("-n") + 1] == "3-7@lab"


def test_the_task_does_the_work_and_says_that_it_comes_again(work):
    handler = HandledByHand()
    task, _ = work(handler).tasks["t"]
    for redelivered in (False, True, None):
        info = None if redelivered is None else {"redelivered": redelivered}
        task(SimpleNamespace(request=SimpleNamespace(delivery_info=info)), 5)
    assert handler.did == [(5, 1), (5, 2), (5, 1)]


def test_whatever_it_raises_is_tried_again_where_something_is(work):
    _, options = work(HandledByHand(), task={"autoretry_for": ["X"], "max_retries": 2}).tasks["t"]
    assert options == {"autoretry_for": (FailedError,), "max_retries": 2}
    _, options = work(HandledByHand(), task={"autoretry_for": []}).tasks["t"]
    assert options == {"autoretry_for": []}
