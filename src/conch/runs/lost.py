"""Why a worker is gone that never said how it ended.

Nobody waits for a worker, since whoever started it may have left: its exit status is not known.
What can be known is read from what surrounds it (docs/decisions/0015-cause-of-loss.md).
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable
from pathlib import Path

from conch.core import disk
from conch.core.cgroups import groups
from conch.core.errors import RunError
from conch.runs.process import Worker, boot_id

LITTLE_SPACE = 1 << 20
"""Free bytes below which a disk is taken for full."""
TAIL = 65536
_FULL = tuple(os.strerror(code).encode() for code in disk.FULL)
_FATAL = re.compile(rb"^Fatal Python error: (.+)$", re.MULTILINE)


class LostError(RunError):
    """A run whose worker is gone; message and hint say why, as far as is known, and how to go on."""


def cause(run_id: str, folder: Path, worker: Worker | None) -> LostError:
    """Why the run was lost."""
    log = folder / "log.txt"
    if worker is None:
        return LostError("runs.lost", name=run_id, log=log)
    if not worker.is_here():
        seconds = _seconds_since(folder / "heartbeat")
        return LostError("runs.lost_silent", name=run_id, host=worker.host, seconds=seconds, log=log)
    if worker.boot and worker.boot != boot_id():
        return LostError("runs.lost_restarted", name=run_id)
    fatal = _FATAL.search(_log_of_attempt(log, worker.log_bytes))
    if fatal:
        reason = fatal[1].decode(errors="replace").strip()
        return LostError("runs.lost_crashed", name=run_id, reason=reason, log=log)
    if _killed_for_memory(worker):
        return LostError("runs.lost_memory", name=run_id)
    said = _log_of_attempt(log, worker.log_bytes)
    if _full_disk(folder) or any(words in said for words in _FULL):
        return LostError("runs.lost_disk", name=run_id, folder=folder)
    if not os.access(folder, os.W_OK):
        return LostError("runs.lost_unwritable", name=run_id, folder=folder)
    return LostError("runs.lost_killed", name=run_id, pid=worker.pid, log=log)


def memory_kills(pid: int) -> dict[str, int]:
    """How many processes were killed for want of memory, by the file that says so: the nearest first.

    The group of processes that `pid` is in tells of itself; the whole machine's count is the last resort.
    """
    counts: dict[str, int] = {}
    for file in (*_group_files(pid), Path("/proc/vmstat")):
        count = _kill_count(file)
        if count is not None:
            counts[str(file)] = count
    return counts


def _group_files(pid: int) -> Iterable[Path]:
    """Files of the kernel's groups (both versions) that count kills in the group of `pid`."""
    for folder in groups("memory", pid=pid):
        yield from (folder / "memory.events", folder / "memory.oom_control")


def _kill_count(file: Path) -> int | None:
    try:
        found = re.search(r"^oom_kill (\d+)$", file.read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) if found else None


def _killed_for_memory(worker: Worker) -> bool:
    """Whether the nearest count has grown since the worker began.

    A group that ended with its worker can't be asked any more: then any of the others will do.
    """
    grown = [
        None if (now := _kill_count(Path(name))) is None else now > before
        for name, before in worker.killed.items()
    ]
    return any(grown) if grown and grown[0] is None else grown[:1] == [True]


def _full_disk(folder: Path) -> bool:
    free = disk.free_bytes(folder)
    return free is not None and free < LITTLE_SPACE


def _log_of_attempt(log: Path, begin: int) -> bytes:
    """The end of what the worker printed."""
    try:
        with log.open("rb") as file:
            file.seek(max(begin, file.seek(0, os.SEEK_END) - TAIL))
            return file.read()
    except OSError:
        return b""


def _seconds_since(heartbeat: Path) -> int:
    try:
        return round(time.time() - heartbeat.stat().st_mtime)
    except OSError:
        return 0
