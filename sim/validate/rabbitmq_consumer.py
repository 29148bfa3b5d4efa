"""A real RabbitMQ consumer: `python -m sim.validate.rabbitmq_consumer SPEC.json WORK LOG`.

The spec has ``url``, ``queue``, ``prefetch`` (0: no limit), ``no_ack`` and ``on_failure``
(nack-requeue, reject-requeue, reject). SIGTERM ends it after the message in hand; what else it
holds goes back.
"""

import json
import signal
import sys
from pathlib import Path
from typing import Any

import pika

from sim.validate.handler import FailedError, Handler


def deliveries(method: Any, properties: Any) -> int:
    """How often a message was delivered, as far as the broker says so.

    A quorum queue counts returns; a classic one only says that there was one.
    """
    returned = (properties.headers or {}).get("x-delivery-count")
    return 1 + (int(method.redelivered) if returned is None else int(returned))


def consume(spec: dict[str, Any], handler: Handler) -> None:
    """Consume until SIGTERM.

    Args:
        spec: see the module.
        handler: does the work.
    """
    handler.wait_for_go()
    connection = pika.BlockingConnection(pika.URLParameters(spec["url"]))
    channel = connection.channel()
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True
        connection.add_callback_threadsafe(channel.stop_consuming)

    def handle(_: Any, method: Any, properties: Any, body: bytes) -> None:
        if stopping:
            return
        try:
            handler.do(int(body), deliveries(method, properties))
        except FailedError:
            if spec["no_ack"]:
                return
            if spec["on_failure"] == "nack-requeue":
                channel.basic_nack(method.delivery_tag, requeue=True)
            else:
                again = spec["on_failure"] == "reject-requeue"
                channel.basic_reject(method.delivery_tag, requeue=again)
            return
        if not spec["no_ack"]:
            channel.basic_ack(method.delivery_tag)

    signal.signal(signal.SIGTERM, stop)
    channel.basic_qos(prefetch_count=spec["prefetch"])
    channel.basic_consume(spec["queue"], handle, auto_ack=spec["no_ack"])
    handler.say("e", "subscribed")
    channel.start_consuming()
    connection.close()
    handler.say("x")


if __name__ == "__main__":
    consume(
        json.loads(Path(sys.argv[1]).read_text()), Handler(Path(sys.argv[2]), Path(sys.argv[3]))
    )
