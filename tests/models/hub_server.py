"""A hub on the loopback that speaks as much of the Hugging Face protocol as its client asks for."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

SHA = "0123456789abcdef0123456789abcdef01234567"


class Hub:
    """Serves the files of one folder as the repository `repo`, and remembers what was asked for."""

    def __init__(self, repo: str, folder: Path) -> None:
        self.repo = repo
        self.folder = folder
        self.asked: list[str] = []
        """Every request as `METHOD path`, in order."""
        self.tokens: set[str] = set()
        self.cut_short: set[str] = set()
        """Files that break off halfway, once each."""
        self.out_of_order: set[str] = set()
        """Files that can't be had just now."""
        self.gated = False
        self.url = ""

    def fetched(self) -> set[str]:
        """The names of the files whose content was asked for."""
        return {
            path.rpartition("/")[2] for path in self.asked if path.startswith("GET ") and "/resolve/" in path
        }


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """The hub at work on a free port, `hub.url`."""

    class Handler(_Handler):
        of = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
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
    of: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        self.of.asked.append(f"{self.command} {path}")
        self.of.tokens.add((self.headers.get("Authorization") or "").removeprefix("Bearer "))
        api = f"/api/models/{self.of.repo}"
        if path.startswith(f"{api}/revision/"):
            self._info(path.rpartition("/")[2])
        elif path.startswith(f"{api}/tree/{SHA}"):
            self._json([self._entry(file) for file in sorted(self.of.folder.iterdir())])
        elif path.startswith(f"/{self.of.repo}/resolve/{SHA}/"):
            self._file(self.of.folder / path.rpartition("/")[2], body)
        else:
            self._refuse(404, "RepoNotFound", "Repository not found")

    def _info(self, revision: str) -> None:
        if self.of.gated:
            return self._refuse(401, "GatedRepo", "Access to this model is restricted")
        if revision not in {"main", SHA}:
            return self._refuse(404, "RevisionNotFound", "Invalid rev id")
        names = [{"rfilename": file.name} for file in sorted(self.of.folder.iterdir())]
        return self._json(
            {"id": self.of.repo, "sha": SHA, "private": False, "gated": False, "siblings": names}
        )

    def _entry(self, file: Path) -> dict[str, object]:
        return {"type": "file", "path": file.name, "size": file.stat().st_size, "oid": _mark(file)}

    def _file(self, file: Path, body: bool) -> None:
        if not file.is_file():
            return self._refuse(404, "EntryNotFound", "Entry not found")
        if body and file.name in self.of.out_of_order:
            return self._refuse(500, "Internal", "Out of order")
        content = file.read_bytes()
        begin = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").partition("-")[0])
        rest = content[begin:]
        self.send_response(206 if begin else 200)
        self.send_header("ETag", f'"{_mark(file)}"')
        self.send_header("X-Repo-Commit", SHA)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(rest)))
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if body and file.name in self.of.cut_short:
            self.of.cut_short.remove(file.name)
            self.wfile.write(rest[: len(rest) // 2])
            self.close_connection = True
        elif body:
            self.wfile.write(rest)
        return None

    def _json(self, data: object) -> None:
        content = json.dumps(data).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _refuse(self, status: int, code: str, message: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("X-Error-Message", message)
        self.send_header("Content-Length", "0")
        self.end_headers()


def _mark(file: Path) -> str:
    return hashlib.sha1(file.read_bytes()).hexdigest()
