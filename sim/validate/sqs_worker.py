"""A real SQS worker: `python -m sim.validate.sqs_worker SPEC.json WORK LOG`.

The spec has ``server``, ``queue`` (its URL), ``MaxNumberOfMessages``, ``WaitTimeSeconds`` and
``delete`` (batch, each). SIGTERM ends it once it has processed and deleted what it holds; a receive
that is not answered is given up.
"""

import json
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sim.validate.handler import FailedError, Handler
from sim.validate.sqs_client import client


class SqsWorker:
    """Receives, works and deletes, one call at a time."""

    def __init__(self, spec: dict[str, Any], handler: Handler) -> None:
        """
        Args:
            spec: see the module.
            handler: does the work.
        """
        self.spec = spec
        self.handler = handler
        self.sqs = client(spec["server"])
        self.holds = False
        self.stopping = False

    def stop(self, *_: object) -> None:
        """At SIGTERM."""
        self.stopping = True
        if not self.holds:
            self.handler.say("x")
            raise SystemExit(0)

    def run(self) -> None:
        """Until SIGTERM."""
        self.handler.wait_for_go()
        signal.signal(signal.SIGTERM, self.stop)
        self.handler.say("e", "subscribed")
        while not self.stopping:
            self.holds = False
            got = self._timed(
                "receive",
                lambda: self.sqs.receive_message(
                    QueueUrl=self.spec["queue"],
                    MaxNumberOfMessages=self.spec["MaxNumberOfMessages"],
                    WaitTimeSeconds=self.spec["WaitTimeSeconds"],
                    AttributeNames=["ApproximateReceiveCount"],
                ),
            )
            self.holds = True
            self._process(got.get("Messages", []))
        self.handler.say("x")

    def _process(self, messages: list[dict[str, Any]]) -> None:
        done = []
        for message in messages:
            try:
                self.handler.do(
                    int(message["Body"]), int(message["Attributes"]["ApproximateReceiveCount"])
                )
            except FailedError:
                continue
            if self.spec["delete"] == "each":
                self._delete(message)
            done.append(message)
        if self.spec["delete"] == "batch" and done:
            entries = [
                {"Id": str(at), "ReceiptHandle": message["ReceiptHandle"]}
                for at, message in enumerate(done)
            ]
            answer = self._timed(
                "delete",
                lambda: self.sqs.delete_message_batch(QueueUrl=self.spec["queue"], Entries=entries),
            )
            for failed in answer.get("Failed", []):
                self.handler.say("e", f"delete {failed['Code']}")

    def _delete(self, message: dict[str, Any]) -> None:
        """ElasticMQ refuses an old receipt, where AWS answers that all is well."""
        try:
            self._timed(
                "delete",
                lambda: self.sqs.delete_message(
                    QueueUrl=self.spec["queue"], ReceiptHandle=message["ReceiptHandle"]
                ),
            )
        except self.sqs.exceptions.ReceiptHandleIsInvalid:
            self.handler.say("e", "delete ReceiptHandleIsInvalid")

    def _timed(self, name: str, call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Write down what a call takes, but for a receive that finds nothing."""
        began = time.time()
        answer = call()
        if name != "receive" or answer.get("Messages"):
            self.handler.say("c", f"{name} {time.time() - began:.6f}")
        return answer


if __name__ == "__main__":
    SqsWorker(
        json.loads(Path(sys.argv[1]).read_text()), Handler(Path(sys.argv[2]), Path(sys.argv[3]))
    ).run()
