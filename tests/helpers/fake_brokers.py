"""Packages of clients that need not be installed: `pika`, `boto3` and `celery`, as far as the
programs of `sim.validate` use them, with brokers that are lists.
"""

import importlib
import sys
from types import ModuleType, SimpleNamespace

import pytest


def fresh(monkeypatch: pytest.MonkeyPatch, name: str, packages: dict[str, object]) -> ModuleType:
    """Import a module of `sim.validate` with packages that are fakes."""
    for package, what in packages.items():
        module = ModuleType(package)
        vars(module).update(what if isinstance(what, dict) else vars(what))
        monkeypatch.setitem(sys.modules, package, module)
    for loaded in [m for m in sys.modules if m == f"sim.validate.{name}"]:
        monkeypatch.delitem(sys.modules, loaded)
    found = importlib.import_module(f"sim.validate.{name}")
    monkeypatch.delitem(sys.modules, f"sim.validate.{name}", raising=False)
    return found


class HandledByHand:
    """A `Handler` that takes no time: what it was asked to do is in ``did``."""

    def __init__(self, fails=()):
        self.did = []
        self.said = []
        self.fails = list(fails)
        self.process = 7

    def wait_for_go(self):
        return 3

    def say(self, sign, words=""):
        self.said.append(f"{sign} {words}".strip())

    def do(self, message, deliveries=1, partition=-1, offset=-1, die=None):
        from sim.validate.handler import FailedError

        self.did.append((message, deliveries))
        if message in self.fails:
            self.fails.remove(message)
            raise FailedError


class SentByHand:
    """A `Sending` whose messages are all due now: what became of them is in ``said``."""

    def __init__(self, n):
        self.n = n
        self.said = []

    def __len__(self):
        return self.n

    def wait_for_go(self):
        return [0.0] * self.n

    def body(self, message):
        return str(message).encode()

    def say(self, sign, words=""):
        self.said.append((sign, words))

    def sent(self, message):
        self.said.append(("sent", message))

    def acknowledged(self, message):
        self.said.append(("acknowledged", message))

    def ends(self, error="-"):
        self.said.append(("ends", error))


class Ack(SimpleNamespace):
    """basic.ack of a publisher's confirm."""


class Nack(SimpleNamespace):
    """basic.nack of one."""


class FakeLoop:
    """Of a SelectConnection: calls what is due, in order."""

    def __init__(self):
        self.calls = []
        self.stopped = False

    def call_later(self, delay_s, callback):
        self.calls.append(callback)

    def stop(self):
        self.stopped = True

    def start(self):
        while self.calls and not self.stopped:
            self.calls.pop(0)()


class FakeSelectConnection:
    """Opens at once, and lets its ``broker`` answer each publish."""

    broker = None

    def __init__(self, parameters, on_open_callback, on_open_error_callback, on_close_callback):
        self.ioloop = FakeLoop()
        self.on_close = on_close_callback
        self.ioloop.call_later(0, lambda: on_open_callback(self))

    def channel(self, on_open_callback):
        channel = FakeChannel(self.ioloop, type(self).broker)
        self.ioloop.call_later(0, lambda: on_open_callback(channel))

    def close(self):
        self.ioloop.call_later(0, lambda: self.on_close(self, RuntimeError("closed")))


class FakeChannel:
    """Of a FakeSelectConnection."""

    def __init__(self, loop, broker):
        self.loop, self.broker = loop, broker
        self.tag = 0
        self.confirmed = None

    def confirm_delivery(self, callback):
        self.confirmed = callback

    def basic_publish(self, exchange, key, body, properties):
        self.tag += 1
        answer = self.broker(self, self.tag, exchange, key, body, properties)
        if answer is not None and self.confirmed is not None:
            frame = SimpleNamespace(method=answer)
            self.loop.call_later(0, lambda: self.confirmed(frame))


def pika_packages() -> dict[str, object]:
    """`pika`, with the fake connections."""
    spec = SimpleNamespace(Basic=SimpleNamespace(Ack=Ack, Nack=Nack))
    return {
        "pika": {
            "URLParameters": lambda url: url,
            "BasicProperties": SimpleNamespace,
            "spec": spec,
        },
        "pika.adapters": {},
        "pika.adapters.select_connection": {"SelectConnection": FakeSelectConnection},
    }


class FakeCelery:
    """`celery.Celery` with its settings in a dict."""

    def __init__(self, name, broker):
        self.broker = broker
        self.conf = {}
        self.tasks = {}
        self.sent = []
        self.argv = None

    def task(self, name, bind, **options):
        def keep(function):
            self.tasks[name] = (function, options)
            return function

        return keep

    def worker_main(self, argv):
        self.argv = argv

    def producer_or_acquire(self):
        producer = SimpleNamespace(
            connection=SimpleNamespace(ensure_connection=lambda: None),
            channel=SimpleNamespace(queue_declare=lambda *_, **__: None),
        )

        class _Held:
            def __enter__(self):
                return producer

            def __exit__(self, *_):
                pass

        return _Held()

    def send_task(self, name, args, producer, **options):
        self.sent.append((name, args, options))


def celery_packages() -> dict[str, object]:
    """`celery`, and its signals, which call at once."""

    class _Signal:
        def connect(self, weak):
            assert weak is False
            return lambda function: function()

    signals = {"worker_ready": _Signal(), "worker_shutdown": _Signal()}
    return {"celery": {"Celery": FakeCelery}, "celery.signals": signals}
