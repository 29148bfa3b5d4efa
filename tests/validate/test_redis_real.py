"""Redis as a broker of Celery: one line where something is missing."""

import sys
from types import ModuleType

import pytest

from sim.validate import redis_real
from sim.validate.real import BrokerMissingError


def test_without_its_client_one_line_says_what_to_do(monkeypatch):
    monkeypatch.setattr(redis_real.celery_real, "versions", lambda: {"Celery": "5"})
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(BrokerMissingError, match=r"^redis is not installed: `make brokers`$"):
        redis_real.RedisReal("127.0.0.1:1")


def test_a_server_of_others_is_not_emptied(monkeypatch):
    fake = ModuleType("redis")
    fake.__version__ = "8"
    monkeypatch.setattr(redis_real.celery_real, "versions", lambda: {"Celery": "5"})
    monkeypatch.setitem(sys.modules, "redis", fake)
    real = redis_real.RedisReal("127.0.0.1:1")
    assert (real.server, real.url) == (None, "redis://127.0.0.1:1/0")
    real._empty()  # would ask the fake for a client
    assert real._tag() != real._tag()
