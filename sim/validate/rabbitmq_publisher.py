"""A real RabbitMQ publisher: `python -m sim.validate.rabbitmq_publisher SPEC.json MESSAGES LOG`.

The spec has ``url``, ``exchange``, ``channels``, ``batch``, ``confirms``, ``republish`` (s; null:
never) and ``routes``: the routing key and the headers of each message, or null. With confirms, each
channel publishes what is waiting, up to a batch, and waits for all of its confirms; without,
everything is published as soon as it is created.
"""

import json
import sys
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pika
from pika.adapters.select_connection import SelectConnection

from sim.validate.sender import Sending


class _Channel:
    """A channel with its unconfirmed messages."""

    def __init__(self, channel: Any) -> None:
        self.channel = channel
        self.published = 0
        self.waiting: dict[int, int] = {}
        """Message by delivery tag."""


class RabbitmqPublisher:
    """Publishes the messages of a spec at their times, on one connection."""

    def __init__(self, spec: dict[str, Any], sending: Sending) -> None:
        """
        Args:
            spec: see the module.
            sending: has the messages and their times.
        """
        self.spec = spec
        self.sending = sending
        self.due: Sequence[float] = ()
        self.waiting: deque[int] = deque()
        self.next = 0
        self.confirmed = 0
        self.finished = False
        self.channels: list[_Channel] = []
        self.connection = SelectConnection(
            pika.URLParameters(spec["url"]),
            on_open_callback=self._opened,
            on_open_error_callback=self._failed,
            on_close_callback=self._failed,
        )

    def run(self) -> None:
        """Until everything is published, and confirmed where confirms are asked for."""
        self.connection.ioloop.start()

    def _failed(self, connection: Any, error: BaseException) -> None:
        if not self.finished:
            self.sending.ends(type(error).__name__)
        connection.ioloop.stop()

    def _opened(self, connection: Any) -> None:
        for _ in range(self.spec["channels"] if self.spec["confirms"] else 1):
            connection.channel(on_open_callback=self._channel_opened)

    def _channel_opened(self, channel: Any) -> None:
        its = _Channel(channel)
        if self.spec["confirms"]:
            channel.confirm_delivery(lambda frame: self._answered(its, frame))
        self.channels.append(its)
        if len(self.channels) == (self.spec["channels"] if self.spec["confirms"] else 1):
            self.due = self.sending.wait_for_go()
            self._created()

    def _created(self) -> None:
        """Take what was created by now, and wait for the next."""
        now = time.time()
        while self.next < len(self.due) and self.due[self.next] <= now:
            self.waiting.append(self.next)
            self.next += 1
        self._publish()
        if self.next < len(self.due):
            self.connection.ioloop.call_later(
                max(0.0, self.due[self.next] - time.time()), self._created
            )
        elif not self.spec["confirms"]:
            self._finish()

    def _publish(self) -> None:
        if not self.spec["confirms"]:
            while self.waiting:
                self._send(self.channels[0], self.waiting.popleft())
            return
        for its in self.channels:
            if its.waiting:
                continue
            for _ in range(min(self.spec["batch"], len(self.waiting))):
                self._send(its, self.waiting.popleft())

    def _send(self, its: _Channel, message: int) -> None:
        routes = self.spec["routes"]
        key, headers = ("", None) if routes is None else routes[message]
        its.published += 1
        if self.spec["confirms"]:
            its.waiting[its.published] = message
        self.sending.sent(message)
        its.channel.basic_publish(
            self.spec["exchange"],
            key,
            self.sending.body(message),
            pika.BasicProperties(delivery_mode=2, headers=headers),
        )

    def _answered(self, its: _Channel, frame: Any) -> None:
        """Confirms of one message, or of all up to it."""
        answer = frame.method
        tags = [answer.delivery_tag]
        if answer.multiple:
            tags = [tag for tag in its.waiting if tag <= answer.delivery_tag]
        for tag in tags:
            message = its.waiting.pop(tag)
            if isinstance(answer, pika.spec.Basic.Ack):
                self.sending.acknowledged(message)
                self.confirmed += 1
            elif self.spec["republish"] is None:
                self.confirmed += 1
            else:
                self.connection.ioloop.call_later(
                    self.spec["republish"], lambda again=message: self._again(again)
                )
        self._publish()
        if self.confirmed == len(self.due):
            self._finish()

    def _again(self, message: int) -> None:
        self.waiting.append(message)
        self._publish()

    def _finish(self) -> None:
        self.finished = True
        self.sending.ends()
        self.connection.close()


if __name__ == "__main__":
    RabbitmqPublisher(
        json.loads(Path(sys.argv[1]).read_text()), Sending(Path(sys.argv[2]), Path(sys.argv[3]))
    ).run()
