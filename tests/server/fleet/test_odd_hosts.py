"""Servers that misbehave, one way each: what the gateway makes of it."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from conch.server.fleet import fleet as fleets
from tests.server.fleet.test_gateway import KEY, ask, gateway, samples
from tests.server.scripted import chat_body
from tests.server.test_service import wait_until

COMMENT = ": keep-alive\n\n"
PIECE = 'data: {"choices": [{"index": 0, "delta": {"content": "half"}}]}\n\n'
DONE = "data: [DONE]\n\n"
ANSWER = json.dumps({"choices": [{"message": {"content": "well"}}]})


class Odd(BaseHTTPRequestHandler):
    """Says what its server is told to say, then hangs up."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_) -> None:
        pass

    def do_GET(self) -> None:
        time.sleep(self.server.slow)
        self._say(200, "application/json", json.dumps({"data": [{"id": "base"}, {"id": "other"}]}))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.seen.append((dict(self.headers), body))
        status, kind, parts = self.server.says
        if status == 0:
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        if kind != "text/event-stream":
            self._say(status, kind, "".join(parts))
            return
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("connection", "close")
        self.end_headers()
        for part in parts:
            self.wfile.write(part.encode())
            self.wfile.flush()
            time.sleep(0.05)
        self.close_connection = True

    def _say(self, status: int, kind: str, text: str) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def odd(status: int, kind: str = "application/json", *parts: str) -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Odd)
    server.says, server.seen, server.slow = (status, kind, parts), [], 0.0
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def key_for(server: ThreadingHTTPServer, url: str) -> str:
    """A beginning of a conversation whose first server is `server`."""
    for number in range(100):
        before = len(server.seen)
        ask(url, "x", prompt_cache_key=str(number), stream=True)
        if len(server.seen) > before:
            return str(number)
    raise AssertionError("never chosen")


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    "says",
    [
        (0, ""),
        (429, "application/json", "{}"),
        (503, "application/json", "{}"),
        (200, "text/event-stream"),
        (200, "text/event-stream", COMMENT, COMMENT),
    ],
    ids=["hangs up", "busy", "loading", "ends at once", "only comments"],
)
def test_another_is_asked_where_nothing_was_said(says, stream):
    """Also in the middle of a stream that has brought nothing but signs of life."""
    well = (200, "text/event-stream", PIECE, DONE) if stream else (200, "application/json", ANSWER)
    with odd(*says) as bad, odd(*well) as good, gateway([bad.url, good.url]) as (url, _):
        if not stream and says[0] == 200:
            pytest.skip("a stream that nobody asked for")
        for number in range(12):
            answer = ask(url, "x", prompt_cache_key=str(number), stream=stream)
            assert answer.status_code == 200
            assert "error" not in answer.text
            assert ("half" if stream else "well") in answer.text
            wait_until(lambda: ask_models(url) == 200, 5)
        assert bad.seen
        assert len(good.seen) == 12
        ours, _ = good.seen[0]
        assert "gateway-secret" not in str(ours)
        assert ours["x-request-id"]


def ask_models(url: str) -> int:
    return httpx.get(f"{url}/v1/models", headers=KEY, trust_env=False).status_code


@pytest.mark.parametrize("parts", [(PIECE,), (COMMENT, PIECE, COMMENT)])
def test_a_stream_that_was_cut_says_so_and_is_not_begun_again(parts):
    with (
        odd(200, "text/event-stream", *parts) as bad,
        odd(200, "text/event-stream", PIECE, DONE) as good,
        gateway([bad.url, good.url]) as (url, _),
    ):
        key = key_for(bad, url)
        before = len(good.seen)
        wait_until(lambda: bad_is_chosen(url, bad, key), 10)
        assert len(good.seen) - before <= 40
        answer = ask(url, "x", prompt_cache_key=key, stream=True)
        *_, error, done = [line for line in answer.text.split("\n\n") if line]
        assert json.loads(error.removeprefix("data: "))["error"]["code"] == "upstream_lost"
        assert done == "data: [DONE]"
        assert answer.text.count("half") == 1
        assert samples(url)["conch_upstream_requests_total", bad.url.removeprefix("http://"), "lost"] >= 2


def bad_is_chosen(url: str, bad: ThreadingHTTPServer, key: str) -> bool:
    before = len(bad.seen)
    ask(url, "x", prompt_cache_key=key, stream=True)
    time.sleep(0.1)
    return len(bad.seen) > before


def test_what_all_say_is_passed_on_where_none_can():
    with (
        odd(429, "application/json", '{"error": {"code": "busy"}}') as one,
        odd(429, "application/json", '{"error": {"code": "busy"}}') as two,
        gateway([one.url, two.url]) as (url, _),
    ):
        answer = ask(url, "x")
        assert answer.status_code == 429
        assert answer.json()["error"]["code"] == "busy"
        assert len(one.seen) == len(two.seen) == 1


def test_refusals_of_requests_are_passed_on_as_they_are():
    refusal = '{"error": {"message": "no", "param": "top_k"}}'
    with odd(400, "application/json", refusal) as only, gateway([only.url]) as (url, _):
        answer = ask(url, "x", stream=True)
        assert (answer.status_code, answer.text) == (400, refusal)
        assert len(only.seen) == 1


def test_a_key_that_is_refused_is_the_gateways_trouble():
    with odd(401, "application/json", "{}") as only, gateway([only.url]) as (url, fleet):
        answer = ask(url, "x")
        assert answer.status_code == 502
        assert answer.json()["error"]["code"] == "upstream_odd"
        assert fleet.upstreams[0].in_hand == fleet.in_hand == 0


def test_a_server_that_is_slow_to_answer_looks_is_not_taken_for_dead_at_once(monkeypatch):
    monkeypatch.setattr(fleets, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(fleets, "PATIENCE_SECONDS", 0.3)
    with odd(200, "application/json", ANSWER) as only, gateway([only.url]) as (url, fleet):
        assert fleet.upstreams[0].up
        only.slow = 0.6
        time.sleep(0.6)
        assert fleet.upstreams[0].up
        wait_until(lambda: not fleet.upstreams[0].up, 10)
        only.slow = 0.0
        wait_until(lambda: fleet.upstreams[0].up, 10)
        assert ask(url, "x").status_code == 200


def test_a_model_whose_servers_are_all_gone_is_not_unknown(monkeypatch):
    monkeypatch.setattr(fleets, "LOOK_SECONDS", 0.1)
    with (
        odd(200, "application/json", ANSWER) as stays,
        gateway([stays.url, "http://127.0.0.1:9"]) as (url, fleet),
    ):
        fleet.upstreams[1].models = {"rare": {"id": "rare"}}  # it was there once
        gone = ask(url, "x", model="rare")
        assert gone.status_code == 503
        assert "rare" in gone.json()["error"]["message"]
        assert ask(url, "x", model="unknown").status_code == 404


def test_requests_that_name_no_model_go_where_the_first_is():
    with odd(200, "application/json", ANSWER) as only, gateway([only.url]) as (url, _):
        body = {"messages": chat_body()["messages"]}
        answer = httpx.post(f"{url}/v1/chat/completions", json=body, headers=KEY, trust_env=False)
        assert answer.status_code == 200
        assert json.loads(only.seen[0][1]) == body
