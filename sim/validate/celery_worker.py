"""A real Celery worker: `python -m sim.validate.celery_worker SPEC.json WORK LOG`.

The spec is that of `sim.validate.celery_app`, with ``task``, options of the task.
"""

import json
import sys
from pathlib import Path
from typing import Any

from celery.signals import worker_ready, worker_shutdown

from sim.validate.celery_app import TASK, application
from sim.validate.handler import FailedError, Handler


def work(spec: dict[str, Any], handler: Handler) -> None:
    """Be a worker, until SIGTERM.

    Args:
        spec: see the module.
        handler: does the work, in the worker's children.
    """
    app = application(spec)
    options = dict(spec["task"])
    if options.get("autoretry_for"):
        options["autoretry_for"] = (FailedError,)

    @app.task(name=TASK, bind=True, **options)
    def task(self: Any, message: int) -> None:
        again = int(bool((self.request.delivery_info or {}).get("redelivered")))
        handler.do(message, 1 + again)

    @worker_ready.connect(weak=False)
    def ready(**_: object) -> None:
        handler.say("e", "subscribed")

    @worker_shutdown.connect(weak=False)
    def ended(**_: object) -> None:
        handler.say("x")

    member = handler.wait_for_go()
    name = f"{member}-{handler.process}@lab"
    alone = ["--without-gossip", "--without-mingle"]
    app.worker_main(
        ["worker", "-P", "prefork", "-n", name, "-l", "WARNING", "-Q", spec["queue"], *alone]
    )


if __name__ == "__main__":
    work(json.loads(Path(sys.argv[1]).read_text()), Handler(Path(sys.argv[2]), Path(sys.argv[3])))
