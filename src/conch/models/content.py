"""Files on this machine: their size, whether they hold what they should, and what disks say."""

from __future__ import annotations

import errno
import hashlib
import os
import threading
from pathlib import Path

from conch.core.errors import ModelError
from conch.models.retry import StoppedError
from conch.models.source import Digest


def matches(file: Path, digest: Digest | None, stop: threading.Event | None = None) -> bool:
    """Whether the content of `file` has `digest`; True where none is known."""
    if digest is None:
        return True
    found = hashlib.sha256()
    if digest.kind == "git-sha1":
        found = hashlib.sha1(b"blob %d\0" % size_of(file), usedforsecurity=False)
    with file.open("rb") as opened:
        while block := opened.read(1 << 20):
            if stop is not None and stop.is_set():
                raise StoppedError
            found.update(block)
    return found.hexdigest() == digest.value


def size_of(path: Path) -> int:
    """In bytes; 0 where there is no such file."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def flush(file: Path) -> None:
    """Write a file through to the disk."""
    with file.open("rb") as opened:
        os.fsync(opened.fileno())


def translated(error: Exception, place: Path) -> Exception:
    """A disk's error becomes ours; ours stay."""
    if not isinstance(error, OSError):
        return error
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return ModelError("models.disk_filled", folder=place.parent)
    return ModelError("models.cannot_keep", folder=place.parent, reason=error.strerror or error)
