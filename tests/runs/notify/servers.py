"""Servers on the loopback that write down what they are sent."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Robot:
    """An HTTP server that answers every POST with `answer`, after `delay` seconds, with `status`."""

    answer: Any = field(default_factory=lambda: {"errcode": 0, "code": 0})
    status: int = 200
    delay: float = 0.0
    port: int = 0
    paths: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/robot?access_token=SECRET-TOKEN"


@contextmanager
def robot(**settings: Any) -> Iterator[Robot]:
    told = Robot(**settings)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.paths.append(self.path)
            told.bodies.append(json.loads(body))
            time.sleep(told.delay)
            answer = json.dumps(told.answer).encode()
            self.send_response(told.status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    told.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Post:
    """What an SMTP server heard: commands, and the mail."""

    port: int
    commands: list[str] = field(default_factory=list)
    mail: str = ""


@contextmanager
def post_office() -> Iterator[Post]:
    """As much of SMTP (RFC 5321) as one mail takes."""
    listener = socket.create_server(("127.0.0.1", 0))
    heard = Post(listener.getsockname()[1])

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rwb") as stream:

            def say(line: str) -> None:
                stream.write(line.encode() + b"\r\n")
                stream.flush()

            say("220 stub")
            while line := stream.readline().decode().strip():
                heard.commands.append(line)
                word = line.split()[0].upper()
                if word == "EHLO":
                    say("250-stub")
                    say("250 AUTH PLAIN")
                elif word == "DATA":
                    say("354 go on")
                    while (text := stream.readline().decode()) != ".\r\n":
                        heard.mail += text
                    say("250 taken")
                else:
                    say({"QUIT": "221 bye", "AUTH": "235 welcome"}.get(word, "250 fine"))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield heard
        thread.join(5)
    finally:
        listener.close()
