"""A question to llama.cpp over HTTP: whatever pieces its answer comes in, and however that ends."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conch.inference.llama.talk import Address, LlamaError, LostError

EVENTS = [{"tokens": [1], "stop": False}, {"tokens": [2], "stop": False}, {"tokens": [], "stop": True}]


def written(told: Any) -> bytes:
    return b"data: " + json.dumps(told).encode() + b"\n\n"


@contextmanager
def answering(parts: list[bytes], status: int = 200, *, ends: bool = True) -> Iterator[Address]:
    """A server that answers everything with these parts, each a chunk; without `ends` the last one fails."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            assert self.headers["Authorization"] == "Bearer secret"
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for part in parts:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            if ends:
                self.wfile.write(b"0\r\n\r\n")
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield Address(f"http://127.0.0.1:{server.server_port}", "secret")
        finally:
            server.shutdown()
            thread.join()


@settings(max_examples=20, deadline=None)
@given(cuts=st.lists(st.integers(1, 150), max_size=8))
def test_events_may_be_cut_anywhere(cuts: list[int]) -> None:
    whole = b"".join(map(written, EVENTS))
    places = sorted({0, *(cut for cut in cuts if cut < len(whole)), len(whole)})
    parts = [whole[start:end] for start, end in itertools.pairwise(places)]
    with answering(parts) as address:
        assert list(address.ask({})) == EVENTS


@pytest.mark.parametrize("ends", [True, False])
def test_an_answer_that_ends_early_is_lost(ends: bool) -> None:
    with answering([written(EVENTS[0])], ends=ends) as address:
        answer = address.ask({})
        assert next(answer) == EVENTS[0]
        with pytest.raises(LostError):
            next(answer)


def test_an_error_in_mid_answer_is_told() -> None:
    with answering([written(EVENTS[0]), written({"error": {"message": "no room"}})]) as address:
        answer = address.ask({})
        next(answer)
        with pytest.raises(LlamaError, match="no room"):
            next(answer)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"error":{"message":"too long"}}', "too long"),
        (b'{"error":"too long"}', "too long"),
        (b'{"detail":"too long"}', "too long"),
        (b'["too long"]', "too long"),
        (b"<html>", "HTTP status 400"),
    ],
)
def test_what_is_refused_tells_why(body: bytes, reason: str) -> None:
    with answering([body], status=400) as address, pytest.raises(LlamaError, match=reason):
        next(address.ask({}))


def test_an_answer_in_one_piece() -> None:
    with answering([b'{"tok', b'ens": [1]}']) as address:
        assert address.call("/tokenize", {}, 10) == {"tokens": [1]}


def test_nobody_listens() -> None:
    with answering([]) as address:
        pass
    with pytest.raises(LostError):
        address.call("/tokenize", {}, 10)


def test_what_is_no_json_is_lost() -> None:
    with answering([b"data: {oh\n\n"]) as address, pytest.raises(LostError):
        next(address.ask({}))
    with answering([b"<html>"]) as address, pytest.raises(LostError):
        address.call("/tokenize", {}, 10)
