"""A hub on the loopback that serves one dataset repository, as far as the hub's client asks for it."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

SHA = "0123456789abcdef0123456789abcdef01234567"


class DatasetHub:
    """Serves `files` (name to content) as the dataset `repo`."""

    def __init__(self, repo: str, files: dict[str, bytes]) -> None:
        self.repo = repo
        self.files = files
        self.fetched: list[str] = []
        """Names of the files whose content was asked for."""
        self.refusal: tuple[int, str] | None = None
        """Status and error code of every answer, if set."""
        self.page: bytes | None = None
        """What is answered to everything, if set, as by a network that wants a log-in first."""
        self.tokens: set[str] = set()
        self.url = ""


@contextmanager
def serving(hub: DatasetHub) -> Iterator[DatasetHub]:
    class Handler(_Handler):
        of = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    of: DatasetHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        hub, path = self.of, unquote(urlsplit(self.path).path)
        api, files = f"/api/datasets/{hub.repo}", f"/datasets/{hub.repo}/resolve/"
        hub.tokens.add((self.headers.get("Authorization") or "").removeprefix("Bearer "))
        if hub.page is not None:
            self._send(200, hub.page, {"Content-Type": "text/html"})
        elif hub.refusal:
            self._send(hub.refusal[0], b"", {"X-Error-Code": hub.refusal[1]})
        elif path.startswith(f"{api}/tree/"):
            self._json([_entry(name, content) for name, content in hub.files.items()])
        elif path == api or path.startswith(f"{api}/revision/"):
            if path.endswith(("/main", SHA, api)):
                names = [{"rfilename": name} for name in hub.files]
                self._json({"id": hub.repo, "sha": SHA, "private": False, "siblings": names})
            else:
                self._send(404, b"", {"X-Error-Code": "RevisionNotFound"})
        elif path.startswith(files):
            self._file(path.removeprefix(files).partition("/")[2], body)
        else:
            self._send(404, b"", {"X-Error-Code": "RepoNotFound"})

    def _file(self, name: str, body: bool) -> None:
        content = self.of.files.get(name)
        if content is None:
            self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        if body:
            self.of.fetched.append(name)
        headers = {"ETag": f'"{_mark(content)}"', "X-Repo-Commit": SHA}
        self._send(200, content, headers, body=body)

    def _json(self, data: Any) -> None:
        self._send(200, json.dumps(data).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, content: bytes, headers: dict[str, str], *, body: bool = True) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content)


def _entry(name: str, content: bytes) -> dict[str, object]:
    return {"type": "file", "path": name, "size": len(content), "oid": _mark(content)}


def _mark(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()
