"""A reverse proxy that shows a server below a path, as those of rented machines do."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOP = {"connection", "transfer-encoding", "keep-alive"}


@contextmanager
def below(
    prefix: str, port: int, *, late: bytes = b"", seconds: float = 0.0, idle: float = 60.0
) -> Iterator[int]:
    """The server at `port`, shown below `prefix`; yields the proxy's port. Nothing tells the server.

    What holds `late` is passed on `seconds` later than it came. A stream on which nothing comes for `idle`
    seconds is cut.
    """

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            if not self.path.startswith(prefix):
                self.send_error(404)
                return
            there = HTTPConnection("127.0.0.1", port, timeout=idle)
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {**dict(self.headers), "host": f"127.0.0.1:{port}", "connection": "close"}
            headers = {name: value for name, value in headers.items() if name != "Host"}
            there.request(self.command, self.path.removeprefix(prefix) or "/", body, headers)
            answer = there.getresponse()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in HOP:
                    self.send_header(name, value)
            self.end_headers()
            while piece := answer.read1(65536):
                before, found, behind = piece.partition(late) if late else (piece, b"", b"")
                self.wfile.write(before)
                self.wfile.flush()
                if found:
                    time.sleep(seconds)
                    self.wfile.write(found + behind)
                    self.wfile.flush()

        do_GET = do_POST = do_HEAD = handle_any

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
