"""The machine that a worker is on."""

from __future__ import annotations

from pathlib import Path

LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Where Linux tells a container its bound, by its second and its first scheme."""


def memory_total() -> int:
    """Bytes of memory that there are for us: the machine's, or less where a container is bound."""
    import psutil

    known = [int(psutil.virtual_memory().total)]
    for file in LIMITS:
        try:
            known.append(int(file.read_text()))
        except (OSError, ValueError):  # no such scheme, or no bound
            continue
    return min(known)
