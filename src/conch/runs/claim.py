"""A claim: a file that at most one living process holds. No locks of the system are relied on.

A claim is made by giving a whole file its name unless the name is taken, which is one step on
every file system. What a dead process left is removed first, and that is the delicate part: who
read the old claim a moment ago must not remove the new one. So each claim has a number used
once (its nonce), and only who holds the *mark* of that nonce may remove it:

    claim                the claim
    claim.NONCE.0        the mark of who removes the claim NONCE
    claim.NONCE.1        the mark of the next, where the holder of mark 0 died before it was done

A mark is taken like a claim. Its holder looks again, removes the claim if it still is NONCE,
then the marks. A late holder of a mark finds another nonce, and removes nothing.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conch.core.files import TEMPORARY_PREFIX
from conch.core.leftovers import clear_dead, own
from conch.runs.process import Worker, identify

UNREADABLE_SECONDS = 10.0
"""A claim without readable content is one being written; beyond this age it is a dead one."""


@dataclass(frozen=True)
class Held:
    """A claim as it stands in its file. `worker` is None where the content can't be read."""

    worker: Worker | None
    facts: dict[str, Any]
    nonce: str
    age: float

    def is_alive(self) -> bool:
        return self.age < UNREADABLE_SECONDS if self.worker is None else self.worker.is_alive()


@dataclass(frozen=True)
class Claim:
    """A claim that this process holds. Use as a context manager, or release it."""

    path: Path
    nonce: str

    def release(self) -> None:
        held = read(self.path)
        if held is not None and held.nonce == self.nonce:
            self.path.unlink(missing_ok=True)

    def __enter__(self) -> Claim:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def acquire(path: Path, **facts: Any) -> Claim | None:
    """The claim for this process, or None while a living one holds it.

    `facts` are written beside who holds it.
    """
    held = read(path)
    if held is not None and (held.is_alive() or not _remove_dead(path, held)):
        return None
    mine = identify(os.getpid())
    content = json.dumps({**mine.to_dict(), **facts})
    return Claim(path, mine.nonce) if create(path, content) else None


def read(path: Path) -> Held | None:
    """Who holds the claim, alive or not; None where nobody does."""
    try:
        content, status = path.read_text(encoding="utf-8"), path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        facts = json.loads(content)
        worker = Worker.from_dict(facts)
    except (ValueError, KeyError, TypeError):
        return Held(None, {}, f"unreadable{status.st_ino}", time.time() - status.st_mtime)
    return Held(worker, facts, worker.nonce or f"none{status.st_ino}", 0.0)


def create(path: Path, content: str) -> bool:
    """Give `path` this content whole, unless it exists; whether it was ours to give."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{own(TEMPORARY_PREFIX)}{os.urandom(4).hex()}")
    temporary.write_text(content, encoding="utf-8")
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError:  # a disk without hard links
        return _create_slowly(path, content)
    finally:
        temporary.unlink(missing_ok=True)
    return True


def _create_slowly(path: Path, content: str) -> bool:
    """The same in two steps: for a moment the file is there and empty."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        return False
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(content)
    return True


def _remove_dead(path: Path, held: Held) -> bool:
    """Remove the claim that `held` describes, whose holder is dead; False where somebody else is at it."""
    for number in itertools.count():
        mark = path.with_name(f"{path.name}.{held.nonce}.{number}")
        if create(mark, json.dumps(identify(os.getpid()).to_dict())):
            break
        other = read(mark)
        if other is None or other.is_alive():
            return False
    now = read(path)
    if now is not None and now.nonce == held.nonce:
        path.unlink(missing_ok=True)
    for mark in path.parent.glob(f"{path.name}.{held.nonce}.*"):
        mark.unlink(missing_ok=True)
    return True


def sweep(folder: Path) -> None:
    """Remove what dead processes left in `folder`: temporary names, dead claims and their marks.

    Others may be at work there.
    """
    clear_dead(folder, TEMPORARY_PREFIX)
    for path in _entries(folder):
        mark = re.fullmatch(r"(slot-.+|worker\.json)\.(\w+)\.\d+", path.name)
        if mark and (held := read(path)) is not None and not held.is_alive():
            claimed = read(path.with_name(mark[1]))
            if claimed is None or claimed.nonce != mark[2]:  # what it was to remove is gone
                path.unlink(missing_ok=True)
        if path.name.startswith("slot-") and not mark:
            claimed = read(path)
            if claimed is not None and not claimed.is_alive():
                _remove_dead(path, claimed)


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
