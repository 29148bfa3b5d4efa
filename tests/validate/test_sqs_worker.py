"""A worker receives, works and deletes, each message or the batch, and ends when told."""

from types import SimpleNamespace

import pytest

from helpers.fake_brokers import HandledByHand, fresh


class _Stale(Exception):
    pass


class _Queue:
    """Of boto3: what it is asked for is in ``asked``; says when it is empty."""

    exceptions = SimpleNamespace(ReceiptHandleIsInvalid=_Stale)

    def __init__(self, batches, stale=()):
        self.batches = batches
        self.stale = stale
        self.asked = []
        self.empty = None

    def receive_message(self, **given):
        self.asked.append(("receive", given["MaxNumberOfMessages"], given["WaitTimeSeconds"]))
        if not self.batches:
            self.empty()
            return {}
        return {
            "Messages": [
                {
                    "Body": f"{message}  ",
                    "ReceiptHandle": f"r{message}",
                    "Attributes": {"ApproximateReceiveCount": str(received)},
                }
                for message, received in self.batches.pop(0)
            ]
        }

    def delete_message(self, **given):
        self.asked.append(("delete", given["ReceiptHandle"]))
        if given["ReceiptHandle"] in self.stale:
            raise _Stale

    def delete_message_batch(self, **given):
        self.asked.append(("delete", *(entry["ReceiptHandle"] for entry in given["Entries"])))
        return {"Failed": [{"Code": "Stale"} for e in given["Entries"] if e["Id"] in self.stale]}


@pytest.fixture
def work(monkeypatch):
    def run(queue, delete, fails=()):
        module = fresh(
            monkeypatch, "sqs_worker", {"sim.validate.sqs_client": {"client": lambda url: queue}}
        )
        monkeypatch.setattr(module.signal, "signal", lambda *_: None)
        handler = HandledByHand(fails)
        spec = {"server": "s", "queue": "q", "MaxNumberOfMessages": 10, "WaitTimeSeconds": 1}
        worker = module.SqsWorker({**spec, "delete": delete}, handler)
        queue.empty = lambda: setattr(worker, "stopping", True)
        worker.run()
        return handler

    return run


def test_a_batch_is_deleted_with_one_call_without_what_failed(work):
    queue = _Queue([[(0, 1), (1, 3), (2, 1)]])
    handler = work(queue, "batch", fails=[1])
    assert handler.did == [(0, 1), (1, 3), (2, 1)]
    assert queue.asked == [("receive", 10, 1), ("delete", "r0", "r2"), ("receive", 10, 1)]


def test_each_message_is_deleted_with_a_call(work):
    queue = _Queue([[(0, 1), (1, 1)]])
    work(queue, "each", fails=[0])
    assert queue.asked == [("receive", 10, 1), ("delete", "r1"), ("receive", 10, 1)]


def test_nothing_is_deleted_where_all_failed(work):
    queue = _Queue([[(0, 1)]])
    work(queue, "batch", fails=[0])
    assert queue.asked == [("receive", 10, 1), ("receive", 10, 1)]


def test_a_stale_receipt_is_told_of(work):
    said = work(_Queue([[(0, 1)]], stale=["r0"]), "each").said
    assert "e delete ReceiptHandleIsInvalid" in said
    said = work(_Queue([[(0, 1)]], stale=["0"]), "batch").said
    assert "e delete Stale" in said


def test_calls_are_timed_but_for_a_receive_that_finds_nothing(work):
    said = [line.split()[:2] for line in work(_Queue([[(0, 1)]]), "each").said]
    assert said == [["e", "subscribed"], ["c", "receive"], ["c", "delete"], ["x"]]


def test_sigterm_while_it_waits_ends_it_at_once(monkeypatch):
    module = fresh(
        monkeypatch, "sqs_worker", {"sim.validate.sqs_client": {"client": lambda url: None}}
    )
    worker = module.SqsWorker({"server": "s"}, HandledByHand())
    with pytest.raises(SystemExit):
        worker.stop()
    worker.holds = True
    worker.stop()
    assert worker.stopping
