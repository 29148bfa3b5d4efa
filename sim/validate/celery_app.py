"""The Celery application of both sides: its settings by Celery's own names, and its task."""

from typing import Any

from celery import Celery

TASK = "lab.work"


def application(spec: dict[str, Any]) -> Celery:
    """An application.

    Args:
        spec: ``broker`` (its URL), ``queue`` and ``config``, settings of Celery.
    """
    app = Celery("lab", broker=spec["broker"])
    app.conf.update(
        broker_connection_retry_on_startup=True,
        task_default_queue=spec["queue"],
        task_ignore_result=True,
        worker_send_task_events=False,
        **spec["config"],
    )
    return app
