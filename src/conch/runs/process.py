"""Naming a process so that no other is taken for it, and telling whether it lives.

A pid alone is used again, and a start time in seconds moves when the clock is set. So a process
is named by host, boot, pid, and its start in ticks since boot where the system counts them
(Linux); elsewhere by the start time that psutil reads. No signals here.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from conch.core.leftovers import hostname

SILENCE_SECONDS = 60.0
"""A worker on another host that has not touched its heartbeat for so long is taken for dead."""
_PROC = Path("/proc")
_BOOT = _PROC / "sys/kernel/random/boot_id"


@dataclass(frozen=True)
class Worker:
    """The process at work on a run, as `worker.json` names it."""

    pid: int
    started: float
    """Seconds since the epoch, for people and for systems without ticks."""
    ticks: int | None = None
    host: str = ""
    boot: str = ""
    nonce: str = ""
    """Differs from one written record to the next."""
    starting: bool = False
    """Whether this is who starts the worker, rather than the worker."""
    shared: bool = False
    """Whether it has other work than the run: somebody's own Python, which must outlive the run."""
    log_bytes: int = 0
    """How long the log was when it began."""
    killed: Mapping[str, int] = field(default_factory=dict)
    """How many processes the system had killed for want of memory, by the file that counts them."""

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Worker:
        """Raises ValueError, KeyError or TypeError for what names no process."""
        if not isinstance(data, Mapping):
            raise TypeError(data)
        names = ("host", "boot", "nonce", "starting", "shared", "log_bytes")
        known = {name: data[name] for name in names if name in data}
        ticks = data.get("ticks")
        killed = data.get("killed") or {}
        return Worker(
            int(data["pid"]),
            float(data["started"]),
            None if ticks is None else int(ticks),
            killed={str(file): int(count) for file, count in killed.items()},
            **known,
        )

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def is_here(self) -> bool:
        """Whether it runs, or ran, on this machine."""
        return self.host in {"", hostname()}

    def is_alive(self, heartbeat: Path | None = None) -> bool:
        """Whether that very process runs. On another host only its heartbeat can tell."""
        if not self.is_here():
            return heartbeat is not None and silent_for(heartbeat) < SILENCE_SECONDS
        if self.boot and self.boot != boot_id():
            return False
        if self.ticks is not None and (found := _stat(self.pid)) is not None:
            state, ticks = found
            return state not in "ZXx" and ticks == self.ticks
        return self.ticks is None and _alive_by_time(self.pid, self.started)


def identify(pid: int, **facts: Any) -> Worker:
    """The record of a process that runs now."""
    found = _stat(pid)
    started = time.time() if pid == os.getpid() and found else _create_time(pid)
    return Worker(
        pid,
        started,
        ticks=found[1] if found else None,
        host=hostname(),
        boot=boot_id(),
        nonce=os.urandom(6).hex(),
        **facts,
    )


def boot_id() -> str:
    """What changes when the machine is started anew; empty where that is not told."""
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return ""


def silent_for(heartbeat: Path) -> float:
    """Seconds since the heartbeat; endless where there was none."""
    try:
        return time.time() - heartbeat.stat().st_mtime
    except OSError:
        return float("inf")


def _stat(pid: int) -> tuple[str, int] | None:
    """State and start in ticks since boot, as Linux tells; None where there is none, or no /proc."""
    try:
        text = (_PROC / str(pid) / "stat").read_bytes()
    except OSError:
        return None
    words = text[text.rfind(b")") + 2 :].split()
    return words[0].decode(), int(words[19])


def _create_time(pid: int) -> float:
    import psutil  # a run that has ended needs none of it

    return float(psutil.Process(pid).create_time())


def _alive_by_time(pid: int, started: float) -> bool:
    import psutil

    try:
        process = psutil.Process(pid)
        alive = process.status() != psutil.STATUS_ZOMBIE
        return alive and abs(float(process.create_time()) - started) < 1
    except psutil.Error:
        return False
