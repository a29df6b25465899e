"""`conch ui` as a process of its own, for tests and pictures."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OFFLINE = {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
PATIENCE = 120.0
"""Seconds that a loaded machine may take for a start."""


@dataclass
class Studio:
    process: subprocess.Popen[str]
    home: Path
    port: int
    key: str | None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def at(self, page: str, **query: str) -> str:
        more = "".join(f"&{name}={value}" for name, value in query.items())
        return f"{self.url}/?at={page}{more}"


@contextmanager
def start_studio(home: Path, *words: str, port: int = 0, **environment: str) -> Iterator[Studio]:
    """A studio that answers, and is gone behind the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "conch.cli", "ui", "--json", "--port", str(port), *words],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "CONCH_HOME": str(home), "HF_HOME": str(home / "hf"), **OFFLINE, **environment},
        cwd=home,
    )
    try:
        told = _announced(process)
        yield Studio(process, home, int(told["url"].rpartition(":")[2]), told["api_key"])
    finally:
        stop(process)


def stop(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)


def _announced(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    lines: list[str] = []
    while True:
        line = process.stdout.readline()
        assert line, f"the studio ended: {process.wait(5)}"
        lines.append(line)
        try:
            return json.loads("".join(lines))
        except ValueError:
            continue


def wait_for(happened: Any, seconds: float = PATIENCE, what: str = "") -> Any:
    """What `happened()` gives once that is something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := happened():
            return found
        time.sleep(0.1)
    raise AssertionError(f"it did not happen: {what}")


def run_ids(home: Path) -> Sequence[str]:
    folder = home / "runs"
    return (
        sorted(path.name for path in folder.iterdir() if (path / "config.yaml").exists())
        if folder.is_dir()
        else []
    )
