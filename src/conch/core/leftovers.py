"""Temporary names that say whose they are, so that the next who comes removes what a dead process left.

A name holds the process and where its number counts: another machine with the same disk, or another
container, may be at work beside us, and its numbers mean nothing here.
"""

from __future__ import annotations

import os
import re
import shutil
import zlib
from pathlib import Path

_PROC = Path("/proc")


def own(prefix: str) -> str:
    """What the temporary names of this process begin with."""
    return f"{prefix}{os.getpid()}-{_here()}_"


def clear_dead(folder: Path, prefix: str) -> None:
    """Remove temporary names in `folder` whose process ran here and is gone. Others may be at work there."""
    for path in folder.glob(f"{prefix}*"):
        match = re.fullmatch(rf"{re.escape(prefix)}(\d+)-{_here()}_\w+", path.name)
        if match and _is_gone(int(match[1])):
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def _here() -> str:
    """Machine and container, in eight letters: where a process number means one process."""
    try:
        space = str((_PROC / "self/ns/pid").readlink())
    except OSError:
        space = ""
    return f"{zlib.crc32(f'{hostname()} {space}'.encode()):08x}"


def hostname() -> str:
    if hasattr(os, "uname"):
        return os.uname().nodename
    import platform  # Windows

    return platform.node()


def _is_gone(pid: int) -> bool:
    """Where that can't be told without psutil (no /proc), nobody is."""
    return (_PROC / "self").exists() and not (_PROC / str(pid)).exists()
