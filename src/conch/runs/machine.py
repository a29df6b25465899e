"""The machine that a worker is on."""

from __future__ import annotations

import re
import sys
from functools import cache
from pathlib import Path

from conch.core.cgroups import groups


def memory_total() -> int:
    """Bytes of memory that there are for us: the machine's, or less where a container or group is bound."""
    import psutil

    return min([int(psutil.virtual_memory().total), *filter(None, map(_bound, _bounds()))])


def memory_available() -> int:
    """Bytes that this process can still take before the system swaps or kills. Takes 0.1 ms."""
    return min([_left_in_machine(), *map(_left_in, _bounds())])


def swapped() -> int:
    """Bytes of this process that the system has moved to the disk; 0 where it does not tell. Takes 0.1 ms."""
    try:
        found = re.search(r"^VmSwap:\s+(\d+) kB$", STATUS.read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0


STATUS = Path("/proc/self/status")
MEMINFO = Path("/proc/meminfo")
NO_BOUND = 1 << 60
"""The first scheme says "no bound" with a number near 2**63."""
USAGE = {"memory.max": "memory.current", "memory.limit_in_bytes": "memory.usage_in_bytes"}


def _left_in_machine() -> int:
    try:
        found = re.search(r"^MemAvailable: +(\d+) kB$", MEMINFO.read_text(), re.MULTILINE)
    except OSError:
        found = None
    if found:
        return int(found[1]) * 1024
    import psutil

    return int(psutil.virtual_memory().available)


def _left_in(bound: Path) -> int:
    """What a group's bound leaves. Files that it keeps in memory can be dropped."""
    folder = bound.parent
    try:
        left = int(bound.read_text()) - int((folder / USAGE[bound.name]).read_text())
        counts = (folder / "memory.stat").read_text()
    except (OSError, ValueError):  # lifted meanwhile
        return sys.maxsize
    return left + max(
        map(int, re.findall(r"^(?:total_)?inactive_file (\d+)$", counts, re.MULTILINE)), default=0
    )


@cache
def _bounds() -> tuple[Path, ...]:
    """The files that bound the memory of the groups that this process is in."""
    return tuple(file for folder in groups("memory") for name in USAGE if _bound(file := folder / name))


def _bound(file: Path) -> int | None:
    """The bytes that it grants; None where there is no such scheme, or no bound."""
    try:
        bytes_ = int(file.read_text())
    except (OSError, ValueError):
        return None
    return bytes_ if bytes_ < NO_BOUND else None
