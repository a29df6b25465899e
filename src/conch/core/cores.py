"""The processor cores that this process may use: a mask or a container may leave it fewer than there are."""

from __future__ import annotations

import math
import os
from pathlib import Path

from conch.core.cgroups import groups


def usable_cores(root: Path = Path("/")) -> float:
    """Cores that this process may use. A container's share of time may be a part of one."""
    mask = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min([float(mask), *(_quota(folder) for folder in groups("cpu", root))])


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
