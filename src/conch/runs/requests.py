"""Requests that may be repeated: the same id gives the same run, however often and from wherever it comes.

    CONCH_HOME/requests/SHA256-OF-ID     names the run, and the config by its hash

The file is made in one step, so of all who bring an id one decides which run it is.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from conch.core import env
from conch.core.errors import RunError
from conch.runs.claim import create


@dataclass(frozen=True)
class Request:
    run_id: str
    config: str
    """Hash of the config text that it came with."""


def folder() -> Path:
    return env.home() / "requests"


def find(request_id: str) -> Request | None:
    """What was asked with this id before."""
    try:
        found = json.loads(_path(request_id).read_text(encoding="utf-8"))
        return Request(found["run"], found["config"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def settle(request_id: str, run_id: str, config: str) -> Request:
    """The run of this id: `run_id`, unless somebody was faster. Raises RunError for another config."""
    mine = Request(run_id, _hash(config))
    content = json.dumps({"id": request_id, "run": mine.run_id, "config": mine.config})
    found = mine if create(_path(request_id), content) else find(request_id)
    if found is None or found.config != mine.config:
        raise RunError("runs.request_reused", request=request_id, run=found.run_id if found else "-")
    return found


def forget(run_id: str) -> None:
    """Let ids that named this run be used anew: it was removed."""
    for path in folder().glob("*"):
        try:
            names = json.loads(path.read_text(encoding="utf-8")).get("run") == run_id
        except (OSError, ValueError, AttributeError):
            continue
        if names:
            path.unlink(missing_ok=True)


def _path(request_id: str) -> Path:
    return folder() / _hash(request_id)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
