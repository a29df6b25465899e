"""Serve a model with the real command for a while, and end that server again."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from conch.core import env
from conch.core.errors import ServeError

GRACE = 30.0
"""Seconds that a server has to end by itself."""
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Loopback is never reached through a proxy, whatever the environment says."""


def serve_once(folder: Path, prompt: str, max_new_tokens: int, patience: float = 120.0) -> dict[str, Any]:
    """The request, its status and answer, and the seconds that the answer took. Raises ServeError."""
    log = folder.parent / "serve.log"
    with serving([str(folder)], log, folder, patience) as address:
        query = urllib.parse.urlencode({"prompt": prompt, "max_new_tokens": max_new_tokens})
        url = f"{address}/generate?{query}"
        began = time.monotonic()
        try:
            with _direct.open(url, timeout=patience) as response:
                answer = json.load(response)
        except (urllib.error.URLError, OSError, ValueError) as error:
            raise ServeError("quickstart.no_answer", url=url, reason=error, log=log) from error
        seconds = round(time.monotonic() - began, 2)
        return {"request": f"GET {url}", "status": response.status, "seconds": seconds, "answer": answer}


@contextmanager
def serving(words: Sequence[str], log: Path, cwd: Path, patience: float = 120.0) -> Iterator[str]:
    """The address of `conch serve` with `words`, on a free port, for the block. Raises ServeError.

    What it says goes to `log`; `patience` are the seconds in which it must be ready.
    """
    with _server(words, log, cwd) as server:
        yield _address(server, log, time.monotonic() + patience)


@contextmanager
def _server(words: Sequence[str], log: Path, cwd: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`conch serve`, what it says in `log`. It is gone after the block."""
    command = [sys.executable, "-m", "conch.cli", "serve", *words, "--port", "0", "--json"]
    with log.open("wb") as output:
        server = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=env.child_environment(CONCH_HOME=str(env.home()), CONCH_API_KEY=""),
        )
    try:
        yield server
    finally:
        server.terminate()
        try:
            server.wait(GRACE)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _address(server: subprocess.Popen[bytes], log: Path, end: float) -> str:
    """Where the server says it is, once it is ready."""
    while time.monotonic() < end and server.poll() is None:
        address = _announced(log.read_text(encoding="utf-8", errors="replace"))
        if address:
            return address
        time.sleep(0.1)
    raise ServeError("quickstart.no_server", log=log)


def _announced(text: str) -> str | None:
    """The address in the JSON document that the server prints, which other lines may come before."""
    start = text.find("{")
    if start < 0:
        return None
    try:
        return str(json.JSONDecoder().raw_decode(text[start:])[0]["url"])
    except (ValueError, KeyError):
        return None
