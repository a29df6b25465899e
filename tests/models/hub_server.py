"""A hub on the loopback that speaks as much of the Hugging Face protocol as its client asks for.

Weights are LFS files: known by their SHA-256, and fetched by a redirect to another host (the same
server under the name `localhost`). Everything else is known by git's SHA-1. What goes wrong is set
by the test, file by file and answer by answer.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

SHA = "0123456789abcdef0123456789abcdef01234567"
BLOCK = 16_384


@dataclass(frozen=True)
class Fault:
    """What is wrong with one answer: a status, or a body that ends, stalls or differs after some bytes."""

    status: int = 0
    code: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    breaks_after: int | None = None
    stalls_after: int | None = None
    spoils: bool = False


class Hub:
    """Serves the files of one folder as the repository `repo`, and remembers what was asked for."""

    def __init__(self, repo: str, folder: Path) -> None:
        self.repo = repo
        self.folder = folder
        self.revisions = {"main": SHA}
        self.asked: list[str] = []
        """Every request as `METHOD path`, in order."""
        self.tokens: set[str] = set()
        self.tokens_at: dict[str, set[str]] = {}
        """Host to the tokens that it was sent."""
        self.sent: dict[str, int] = {}
        """File to the bytes of it that went out, over all answers."""
        self.begun: dict[str, list[int]] = {}
        """File to the offsets that its answers began at."""
        self.faults: dict[str, list[Fault]] = {}
        """File (or `api`) to the faults of its next answers."""
        self.always: dict[str, Fault] = {}
        """File (or `api`) to the fault of every answer."""
        self.silent = False
        """Takes connections and never answers."""
        self.names_only = False
        """Lists files without their sizes and hashes."""
        self.extra: list[str] = []
        """Names that are listed beside those of the folder."""
        self.known: list[dict[str, Any]] = []
        """What a search looks through: entries as the hub's own list has them."""
        self.bytes_a_second = 0
        self.url = ""
        self.ended = threading.Event()

    def fetched(self) -> set[str]:
        """The names of the files whose content was asked for."""
        return {
            path.rpartition("/")[2] for path in self.asked if path.startswith("GET ") and "/api/" not in path
        }

    def fault(self, name: str) -> Fault:
        waiting = self.faults.get(name)
        return waiting.pop(0) if waiting else self.always.get(name, Fault())

    def cut_short(self, name: str) -> None:
        """The next answer with `name` breaks off halfway."""
        self.faults[name] = [Fault(breaks_after=(self.folder / name).stat().st_size // 2)]

    @property
    def gated(self) -> bool:
        return "api" in self.always

    @gated.setter
    def gated(self, value: bool) -> None:
        self.always = {"api": Fault(401, "GatedRepo")} if value else {}


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """The hub at work on a free port, `hub.url`."""

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
        hub.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    of: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def handle(self) -> None:
        with suppress(ConnectionError, TimeoutError):  # the client went away
            super().handle()

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        hub, path = self.of, unquote(urlsplit(self.path).path)
        if hub.silent:
            hub.ended.wait(30)
            self.close_connection = True
            return
        hub.asked.append(f"{self.command} {path}")
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        hub.tokens.add(token)
        hub.tokens_at.setdefault((self.headers.get("Host") or "").partition(":")[0], set()).add(token)
        if path == "/":
            self._json({})
        elif path == "/api/models":
            self._search(parse_qs(urlsplit(self.path).query))
        elif path.startswith(f"/api/models/{hub.repo}/revision/"):
            self._info(path.partition("/revision/")[2])
        elif path.startswith(f"/api/models/{hub.repo}/tree/"):
            self._json([_tree_entry(file) for file in sorted(hub.folder.iterdir())])
        elif path.startswith((f"/{hub.repo}/resolve/", "/cdn/")):
            self._file(path, body)
        else:
            self._refuse(404, "RepoNotFound", "Repository not found")

    def _info(self, revision: str) -> None:
        fault = self.of.fault("api")
        if fault.status:
            return self._refuse(fault.status, fault.code, fault.code or "Out of order", fault.headers)
        commit = self.of.revisions.get(revision, revision if revision in self.of.revisions.values() else None)
        if commit is None:
            return self._refuse(404, "RevisionNotFound", "Invalid rev id")
        listed = [_entry(file, self.of.names_only) for file in sorted(self.of.folder.iterdir())]
        listed += [{"rfilename": name, "size": 1, "blobId": "0" * 40} for name in self.of.extra]
        return self._json({"id": self.of.repo, "sha": commit, "private": False, "siblings": listed})

    def _search(self, query: dict[str, list[str]]) -> None:
        """Entries with the words in their ids, the most fetched first; asked for as one asks for models."""
        fault = self.of.fault("api")
        if fault.status:
            return self._refuse(fault.status, fault.code, fault.code or "Out of order", fault.headers)
        asked = {name: values[0] for name, values in query.items()}
        if (asked.get("filter"), asked.get("pipeline_tag"), asked.get("sort")) != (
            *("safetensors", "text-generation", "downloads"),
        ):
            return self._refuse(400, "", "Not what language models are found by")
        found = [each for each in self.of.known if asked["search"].lower() in each["id"].lower()]
        ranked = sorted(found, key=lambda each: -each["downloads"])
        return self._json(ranked[: int(asked.get("limit", 100))])

    def _file(self, path: str, body: bool) -> None:
        file = self.of.folder / path.rpartition("/")[2]
        if not file.is_file():
            return self._refuse(404, "EntryNotFound", "Entry not found")
        if is_lfs(file) and not path.startswith("/cdn/"):
            return self._redirect(file)
        fault = self.of.fault(file.name) if body else Fault()
        if fault.status:
            return self._refuse(fault.status, fault.code, "Out of order", fault.headers)
        content = file.read_bytes()
        if fault.spoils:
            content = content[:-1] + bytes([content[-1] ^ 1])
        begin, end = self._range(len(content))
        if begin >= len(content) > 0:
            return self._refuse(416, "", "Range")
        self.send_response(206 if self.headers.get("Range") else 200)
        self.send_header("ETag", f'"{etag(file)}"')
        self.send_header("X-Repo-Commit", SHA)
        self.send_header("Content-Length", str(end - begin))
        if self.headers.get("Range"):
            self.send_header("Content-Range", f"bytes {begin}-{end - 1}/{len(content)}")
        self.end_headers()
        if body:
            self.of.begun.setdefault(file.name, []).append(begin)
            self._body(file.name, content[begin:end], fault)
        return None

    def _range(self, size: int) -> tuple[int, int]:
        begin, _, end = (self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").partition("-")
        return int(begin), min(int(end) + 1, size) if end else size

    def _body(self, name: str, rest: bytes, fault: Fault) -> None:
        limit = next((n for n in (fault.breaks_after, fault.stalls_after) if n is not None), len(rest))
        for at in range(0, min(limit, len(rest)), BLOCK):
            block = rest[at : min(at + BLOCK, limit)]
            self.wfile.write(block)
            self.of.sent[name] = self.of.sent.get(name, 0) + len(block)
            if self.of.bytes_a_second:
                time.sleep(len(block) / self.of.bytes_a_second)
        if fault.stalls_after is not None:
            self.of.ended.wait(30)
        if limit < len(rest) or fault.breaks_after is not None:
            self.close_connection = True

    def _redirect(self, file: Path) -> None:
        port = self.of.url.rpartition(":")[2]
        self.send_response(302)
        self.send_header("Location", f"http://localhost:{port}/cdn/{file.name}")
        self.send_header("X-Linked-Etag", f'"{etag(file)}"')
        self.send_header("X-Linked-Size", str(file.stat().st_size))
        self.send_header("X-Repo-Commit", SHA)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _json(self, data: object) -> None:
        content = json.dumps(data).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def _refuse(
        self, status: int, code: str, message: str, headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        self.send_response(status)
        for name, value in (("X-Error-Code", code), ("X-Error-Message", message), *headers):
            if value:
                self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()


def is_lfs(file: Path) -> bool:
    return file.suffix in {".safetensors", ".bin"}


def etag(file: Path) -> str:
    """SHA-256 of an LFS file, else what git calls the content."""
    content = file.read_bytes()
    if is_lfs(file):
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _entry(file: Path, names_only: bool) -> dict[str, Any]:
    if names_only:
        return {"rfilename": file.name}
    size = file.stat().st_size
    entry: dict[str, Any] = {"rfilename": file.name, "size": size, "blobId": "f" * 40}
    if is_lfs(file):
        return entry | {"lfs": {"sha256": etag(file), "size": size, "pointerSize": 130}}
    return entry | {"blobId": etag(file)}


def _tree_entry(file: Path) -> dict[str, Any]:
    """The same as `_entry`, as the other list of the API has it."""
    size = file.stat().st_size
    entry: dict[str, Any] = {"type": "file", "path": file.name, "size": size, "oid": etag(file)}
    return entry | ({"lfs": {"oid": etag(file), "size": size, "pointerSize": 130}} if is_lfs(file) else {})
