"""A real SQS sender: `python -m sim.validate.sqs_sender SPEC.json MESSAGES LOG`.

The spec has ``server``, ``queues`` (their URLs, by name), ``threads``, ``batch``, ``delays`` (of
each message, s; or null), ``groups`` and ``ids`` (MessageGroupId and MessageDeduplicationId of each
message, by queue; or null) and ``rows`` (messages that each queue lets in, by name; or null). Each
thread has one SendMessageBatch under way at a time, with what is waiting.
"""

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

from sim.validate.sender import Sending
from sim.validate.sqs_client import client


class SqsSender:
    """Threads that share one list of messages to send, oldest first."""

    def __init__(self, spec: dict[str, Any], sending: Sending) -> None:
        """
        Args:
            spec: see the module.
            sending: has the messages and their times.
        """
        self.spec = spec
        self.sending = sending
        self.sqs = client(spec["server"], spec["threads"])
        self.lock = threading.Lock()
        self.next = 0
        self.let_in = {
            name: None if rows is None else frozenset(rows) for name, rows in spec["rows"].items()
        }

    def run(self) -> None:
        """Until everything is sent."""
        for url in self.spec["queues"].values():  # the connection is there before its time
            self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        self.due = self.sending.wait_for_go()
        threads = [
            threading.Thread(target=self._work, daemon=True) for _ in range(self.spec["threads"])
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.sending.ends()

    def _work(self) -> None:
        while True:
            with self.lock:
                if self.next == len(self.due):
                    return
                # Who waits for the next message has the lock, and the others wait behind it.
                while (left := self.due[self.next] - time.time()) > 0:
                    time.sleep(left)
                batch: list[int] = []
                now = time.time()
                while (
                    len(batch) < self.spec["batch"]
                    and self.next < len(self.due)
                    and self.due[self.next] <= now
                ):
                    batch.append(self.next)
                    self.next += 1
            for message in batch:
                self.sending.sent(message)
            for name, url in self.spec["queues"].items():
                its = self.let_in[name]
                wanted = batch if its is None else [m for m in batch if m in its]
                if wanted:
                    self._call(name, url, wanted)
            for message in batch:
                self.sending.acknowledged(message)

    def _call(self, name: str, url: str, batch: list[int]) -> None:
        if self.spec["batch"] == 1:
            self.sqs.send_message(QueueUrl=url, **self._entry(name, batch[0]))
            return
        entries = [{"Id": str(m), **self._entry(name, m)} for m in batch]
        answer = self.sqs.send_message_batch(QueueUrl=url, Entries=entries)
        for failed in answer.get("Failed", []):
            self.sending.say("e", f"send {failed['Code']}")

    def _entry(self, name: str, message: int) -> dict[str, Any]:
        entry: dict[str, Any] = {"MessageBody": self.sending.body(message).decode()}
        for key, of_each in (
            ("DelaySeconds", self.spec["delays"]),
            ("MessageGroupId", self.spec["groups"][name]),
            ("MessageDeduplicationId", self.spec["ids"][name]),
        ):
            if of_each is not None:
                entry[key] = of_each[message]
        return entry


if __name__ == "__main__":
    SqsSender(
        json.loads(Path(sys.argv[1]).read_text()), Sending(Path(sys.argv[2]), Path(sys.argv[3]))
    ).run()
