"""The processor cores that this process may use: a mask or a container may leave it fewer than there are."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path


def usable_cores(root: Path = Path("/")) -> float:
    """Cores that this process may use. A container's share of time may be a part of one."""
    mask = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min([float(mask), *(_quota(folder) for folder in groups("cpu", root))])


def groups(controller: str, root: Path = Path("/")) -> Iterator[Path]:
    """The folders of this process's group and of all that it lies in, in both schemes of Linux.

    A bound of any of them counts. In a container the names that the system tells may be those outside
    of it, while its own group is the topmost that can be seen.
    """
    second = root / "sys/fs/cgroup"
    first = second / controller
    yield from (second, first)
    for line in _memberships(root):
        _, controllers, group = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        top = first if controllers else second
        place = top / group.lstrip("/")
        yield from (folder for folder in (place, *place.parents) if top in folder.parents)


def _memberships(root: Path) -> list[str]:
    try:
        return (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []


def _quota(group: Path) -> float:
    """Cores' worth of time that a group is given: infinite where it is not bound."""
    for files in (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us")):
        try:
            quota, period = " ".join((group / name).read_text() for name in files).split()
            if int(quota) > 0:
                return int(quota) / int(period)
        except (OSError, ValueError, ZeroDivisionError):  # no such file, or `max`
            continue
    return math.inf
