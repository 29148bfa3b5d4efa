"""The program that calls the tasks: `python -m sim.validate.celery_sender SPEC.json MESSAGES LOG`.

The spec is that of `sim.validate.celery_app`, with ``calls``: ``queue``, ``countdown`` (s) and
``rows``, the messages for which the task is called (null: all).
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

from sim.validate.celery_app import TASK, application
from sim.validate.sender import Sending


def send(spec: dict[str, Any], sending: Sending) -> None:
    """Call each task at its time, one after the other.

    Args:
        spec: see the module.
        sending: has the messages and their times.
    """
    app = application(spec)
    calls = [
        (
            None if call["rows"] is None else frozenset(call["rows"]),
            {"queue": call["queue"], "ignore_result": True}
            | ({"countdown": call["countdown"]} if call["countdown"] else {}),
        )
        for call in spec["calls"]
    ]
    with app.producer_or_acquire() as producer:
        producer.connection.ensure_connection()
        producer.channel.queue_declare(spec["queue"], durable=True, auto_delete=False)
        due = sending.wait_for_go()
        for message in range(len(sending)):
            while (left := due[message] - time.time()) > 0:
                time.sleep(left)
            sending.sent(message)
            for rows, options in calls:
                if rows is None or message in rows:
                    app.send_task(TASK, (message,), producer=producer, **options)
            sending.acknowledged(message)
    sending.ends()


if __name__ == "__main__":
    send(json.loads(Path(sys.argv[1]).read_text()), Sending(Path(sys.argv[2]), Path(sys.argv[3])))
