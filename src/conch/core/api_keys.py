"""Keys of the HTTP API with what each may do. Kept as hashes: a key is shown once, when it is made.

One file a key below `CONCH_HOME/keys`, so that making and revoking never meet. A key is 32 random
bytes, which no dictionary holds: one SHA-256 of it can't be turned back.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conch.core import env
from conch.core.errors import UsageError
from conch.core.files import write_whole

SCOPES = ("infer", "metrics", "admin")
"""Ask for answers; read the counts; put adapters on and off, and everything else."""
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True)
class ApiKey:
    """What is kept of a key."""

    name: str
    scopes: tuple[str, ...]
    created: float
    digest: str

    def allows(self, scope: str) -> bool:
        return scope in self.scopes or "admin" in self.scopes

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name, "scopes": list(self.scopes), "created": self.created}


def keys_folder() -> Path:
    return env.home() / "keys"


def create(name: str, scopes: Sequence[str]) -> str:
    """A new key, as text. Raises UsageError for a name that is taken or none."""
    if not _NAME.fullmatch(name):
        raise UsageError("access.bad_name", name=name)
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        raise UsageError("access.bad_scope", scope=", ".join(unknown) or "-", known=", ".join(SCOPES))
    file = _file(name)
    if file.exists():
        raise UsageError("access.name_taken", name=name)
    text = f"conch-{secrets.token_urlsafe(32)}"
    ordered = [scope for scope in SCOPES if scope in scopes]
    kept = {"scopes": ordered, "created": time.time(), "sha256": _digest(text.encode())}
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_whole(file, json.dumps(kept, indent=2) + "\n")
    return text


def list_keys() -> list[ApiKey]:
    """All keys, oldest first. A file that is none is not read as one."""
    if not keys_folder().is_dir():
        return []
    found = [_read(file) for file in keys_folder().glob("*.json")]
    return sorted((key for key in found if key), key=lambda key: (key.created, key.name))


def revoke(name: str) -> None:
    """Raises UsageError where there is no such key. Servers notice at once."""
    if not _NAME.fullmatch(name) or not _file(name).is_file():
        known = ", ".join(key.name for key in list_keys()) or "-"
        raise UsageError("access.unknown", name=name, known=known)
    _file(name).unlink()


class KeyRing:
    """The keys as they are now: read again whenever one was made or revoked."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, int]] | None = None
        self._keys: list[ApiKey] = []

    def find(self, given: bytes) -> ApiKey | None:
        """The key that was given. All are compared, so that time tells nothing."""
        digest = _digest(given)
        found = [key for key in self._current() if hmac.compare_digest(key.digest, digest)]
        return found[0] if found else None

    def __bool__(self) -> bool:
        return bool(self._current())

    def _current(self) -> list[ApiKey]:
        try:
            # files, not the folder's time: two changes may fall on one tick of the clock
            there = {(entry.name, entry.inode()) for entry in os.scandir(keys_folder())}
        except OSError:
            return []
        if there != self._seen:
            self._seen, self._keys = there, list_keys()
        return self._keys


def _file(name: str) -> Path:
    return keys_folder() / f"{name}.json"


def _read(file: Path) -> ApiKey | None:
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        scopes = tuple(scope for scope in kept["scopes"] if scope in SCOPES)
        return ApiKey(file.stem, scopes, float(kept["created"]), str(kept["sha256"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _digest(key: bytes) -> str:
    return hashlib.sha256(key).hexdigest()
