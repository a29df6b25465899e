"""The disk of CONCH_HOME: whether it can be written, how much room there is, and what kind of disk it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from conch.core import disk
from conch.models.disk import larger_disk
from conch.models.doctor.finding import Finding

REMOTE = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "gpfs"),
        *("beegfs", "virtiofs", "fuse.sshfs", "fuse.juicefs", "fuse.s3fs", "fuse.glusterfs", "fuse.ceph"),
        *("fuse.gcsfuse", "fuse.rclone"),
    }
)
"""Kinds of file system whose disk is another machine's."""
MEMORY = frozenset({"tmpfs", "ramfs"})
LITTLE_ROOM = 2_000_000_000
"""A starter model, its adapter and some checkpoints."""
GIGA = 1e9
_ESCAPED = re.compile(r"\\([0-7]{3})")


def examine(home: Path, mounts: Path = Path("/proc/self/mounts")) -> Iterator[Finding]:
    kind = kind_of(disk.existing(home), mounts)
    free = disk.free_bytes(home)
    facts = {"home": home, "kind": kind or "?", "free": "?" if free is None else _gigabytes(free)}
    refused = _refused(home)
    if refused is not None:
        yield Finding("home", "fix", "home_unwritable", {**facts, "reason": refused.strerror})
    else:
        yield Finding("home", "ok", "home", facts)
    if free is not None and free < LITTLE_ROOM:
        better = larger_disk(LITTLE_ROOM, home)
        key = "home_full_move" if better else "home_full"
        yield Finding("home", "fix", key, {**facts, "better": better and better / "conch"})
    yield from _kinds(kind, facts)


def _gigabytes(count: int) -> str:
    """Two digits where there is little: "0.0" would say that there is nothing."""
    return f"{count / GIGA:.{1 if count >= GIGA else 2}f}"


def _refused(home: Path) -> OSError | None:
    """What the disk says to a file in the home, or above it where there is no home yet. Nothing is left."""
    place = disk.existing(home)
    if not place.is_dir():
        return NotADirectoryError(20, "Not a directory", str(place))
    return disk.refusal(place)


def _kinds(kind: str, facts: dict[str, object]) -> Iterator[Finding]:
    if kind in REMOTE:
        yield Finding("home", "note", "home_remote", facts)
    elif kind in MEMORY:
        yield Finding("home", "fix", "home_memory", facts)
    elif kind == "overlay":
        yield Finding("home", "note", "home_overlay", facts)


def kind_of(folder: Path, mounts: Path = Path("/proc/self/mounts")) -> str:
    """The kind of file system that `folder` lies on, as the system names it; empty where it does not tell."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    best, kind = -1, ""
    place = folder.resolve()
    for line in lines:
        words = line.split()
        if len(words) < 3:
            continue
        point = Path(_ESCAPED.sub(lambda match: chr(int(match[1], 8)), words[1]))
        if place.is_relative_to(point) and len(point.parts) >= best:  # a later mount hides an earlier one
            best, kind = len(point.parts), words[2]
    return kind
