"""The machine that a worker is on."""

from __future__ import annotations

import re
from collections.abc import Iterator
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


def memory_available() -> int:
    """Bytes that this process can still take before the system swaps or kills."""
    import psutil

    return min([int(psutil.virtual_memory().available), *_left_in_groups()])


CGROUPS = Path("/sys/fs/cgroup")
USAGE = {"memory.max": "memory.current", "memory.limit_in_bytes": "memory.usage_in_bytes"}


def _left_in_groups() -> Iterator[int]:
    """What the bounds of the groups that this process is in leave; files kept in memory can be dropped."""
    for folder in _groups():
        for bound, usage in USAGE.items():
            try:
                left = int((folder / bound).read_text()) - int((folder / usage).read_text())
                kept = re.findall(
                    r"^(?:total_)?inactive_file (\d+)$", (folder / "memory.stat").read_text(), re.M
                )
            except (OSError, ValueError):  # no such scheme, or no bound
                continue
            yield left + max(map(int, kept), default=0)


def _groups() -> Iterator[Path]:
    """The folders of this process's memory group and all that it lies in, in both schemes of Linux."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        root = CGROUPS / "memory" if controllers else CGROUPS
        place = root / group.lstrip("/")
        yield from (place, *(above for above in place.parents if above == root or root in above.parents))
