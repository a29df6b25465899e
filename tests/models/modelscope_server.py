"""ModelScope on the loopback: the two answers that a download needs, and the one of a search."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, urlsplit


class Scope:
    """Serves the files of one folder as the model or dataset `repo`."""

    def __init__(self, repo: str, folder: Path, kind: Literal["models", "datasets"] = "models") -> None:
        self.repo = repo
        self.folder = folder
        self.kind = kind
        self.url = ""
        self.begun: dict[str, list[int]] = {}
        """File to the offsets that its answers began at."""
        self.tokens: set[str] = set()
        """What was sent with requests for files."""
        self.known: list[dict[str, object]] = []
        """What a search looks through."""
        self.breaks_after: dict[str, int] = {}
        """File to the bytes after which its next answer breaks off."""

    def listed(self) -> list[dict[str, object]]:
        return [
            {
                "Path": file.name,
                "Name": file.name,
                "Type": "blob",
                "Size": file.stat().st_size,
                "Sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            }
            for file in sorted(self.folder.iterdir())
        ]


@contextmanager
def scoping(scope: Scope) -> Iterator[Scope]:
    class Handler(_Handler):
        of = scope

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    scope.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield scope
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    of: Scope
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._send(200, b"")

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(asked.query).items()}
        root = f"/api/v1/{self.of.kind}/{self.of.repo}/repo"
        if asked.path in {f"{root}/files", f"{root}/tree"} and query.get("Revision") == "master":
            files = json.dumps({"Code": 200, "Success": True, "Data": {"Files": self.of.listed()}})
            self._send(200, files.encode())
        elif asked.path == "/openapi/v1/models" and query.get("filter.task") == "text-generation":
            found = [entry for entry in self.of.known if query["search"] in str(entry["id"])]
            data = {"models": found[: int(query["page_size"])], "total_count": len(found)}
            self._send(200, json.dumps({"success": True, "data": data}).encode())
        elif asked.path == root and query.get("Revision") == "master":
            self._file(self.of.folder / query["FilePath"])
        else:
            self._send(404, json.dumps({"Code": 10010205001, "Message": "not found"}).encode())

    def _file(self, file: Path) -> None:
        content = file.read_bytes()
        self.of.tokens.add((self.headers.get("Authorization") or "").removeprefix("Bearer "))
        begin = int((self.headers.get("Range") or "bytes=0-")[6:].partition("-")[0])
        self.of.begun.setdefault(file.name, []).append(begin)
        rest = content[begin:]
        self.send_response(206 if self.headers.get("Range") else 200)
        self.send_header("Content-Length", str(len(rest)))
        if self.headers.get("Range"):
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        limit = self.of.breaks_after.pop(file.name, None)
        self.wfile.write(rest[:limit])
        self.close_connection = limit is not None

    def _send(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
