"""Lag asked of a server that answers as Prometheus does, on loopback."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest

from sim.foundation.errors import LabError
from sim.imports import prometheus_server
from sim.imports.prometheus_server import ask, is_address


@pytest.fixture
def server():
    """Answers with ``server.reply``, a status and a body; keeps what it was asked."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.asked.append(self.path)
            status, body = self.server.reply
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    it = HTTPServer(("127.0.0.1", 0), Handler)
    it.asked, it.reply = [], (200, b"")
    thread = Thread(target=it.serve_forever, daemon=True)
    thread.start()
    it.address = f"http://127.0.0.1:{it.server_port}"
    yield it
    it.shutdown()
    thread.join()
    it.server_close()


def answer(*values):
    series = {"metric": {"consumergroup": "counters"}, "values": [list(pair) for pair in values]}
    data = {"resultType": "matrix", "result": [series]}
    return json.dumps({"status": "success", "data": data}).encode()


def test_an_address_is_no_file():
    assert is_address("http://a:9090") and is_address("https://a/prometheus")
    assert not is_address("export.txt")


def test_the_range_ends_now_and_a_path_before_the_api_is_kept(server):
    server.reply = 200, answer((1_000, "5"), (1_060, "7"))
    measured = ask(f"{server.address}/prom/", "my_lag", 36_000.0, now=lambda: 50_000.0)
    assert measured.samples["value"].tolist() == [5.0, 7.0]
    assert measured.samples["name"].unique().tolist() == ["counters"]
    asked = urlsplit(server.asked[0])
    assert asked.path == "/prom/api/v1/query_range"
    assert parse_qs(asked.query) == {
        "query": ["my_lag"], "start": ["14000.0"], "end": ["50000.0"], "step": ["60.0"],
    }  # fmt: skip


def test_without_a_query_it_asks_for_what_exporters_call_lag(server):
    server.reply = 200, answer((1_000, "5"))
    ask(server.address)
    (query,) = parse_qs(urlsplit(server.asked[0]).query)["query"]
    assert query.startswith('{__name__=~"kafka_consumergroup_lag|')


def test_what_prometheus_says_is_wrong_is_passed_on(server):
    server.reply = 400, json.dumps({"status": "error", "error": "parse error at 3"}).encode()
    with pytest.raises(LabError, match="Prometheus reported an error: parse error at 3"):
        ask(server.address, "sum(")


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        ((502, b"<html>"), "answers 502 Bad Gateway"),
        ((200, b'{"a": 1}'), "no answer of Prometheus"),
        ((200, b"<html>"), "unreadable JSON"),
    ],
)
def test_another_answer_is_refused(server, reply, says):
    server.reply = reply
    with pytest.raises(LabError, match=says):
        ask(server.address)


def test_nobody_there_is_said():
    with pytest.raises(LabError, match=r"cannot be asked: .*refused"):
        ask("http://127.0.0.1:9")


def test_an_answer_is_not_read_without_end(server, monkeypatch):
    monkeypatch.setattr(prometheus_server, "MOST_BYTES", 10)
    server.reply = 200, answer((1_000, "5"))
    with pytest.raises(LabError, match="the answer is too long"):
        ask(server.address)
