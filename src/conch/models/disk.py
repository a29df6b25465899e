"""Room on disks: is there enough, and if not, where there is."""

from __future__ import annotations

import os
from pathlib import Path

from conch.core.disk import existing, free_bytes
from conch.core.errors import ModelError

DATA_DISKS = (
    "/root/autodl-tmp",
    "/root/autodl-fs",
    "/hy-tmp",
    "/root/data",
    "/workspace",
    "/data",
    "/mnt/data",
)
"""Where providers of rented machines mount the big disk, fast ones first."""
SPARE_BYTES = 200_000_000
"""What is left free, so that the machine goes on working."""
GIGA = 1e9


def larger_disk(needed: int, instead_of: Path) -> Path | None:
    """A folder on another disk with room for `needed` bytes; None where there is none.

    A provider's data disk goes before any other, in the order of DATA_DISKS; else it is the roomiest.
    """
    here = existing(instead_of).stat().st_dev
    best: tuple[tuple[int, int], Path] | None = None
    for place in mounted():
        try:
            suits = place.is_dir() and os.access(place, os.W_OK) and place.stat().st_dev != here
            room = (free_bytes(place) or 0) if suits else 0
        except OSError:
            continue
        rank = (len(DATA_DISKS) - DATA_DISKS.index(str(place)) if str(place) in DATA_DISKS else 0), room
        if room > needed and (best is None or rank > best[0]):
            best = (rank, place)
    return best[1] if best else None


def mounted() -> list[Path]:
    """Where disks are mounted that could hold models."""
    import psutil

    writable = [part for part in psutil.disk_partitions() if "ro" not in part.opts.split(",")]
    system = ("/boot", "/snap", "/etc", "/proc", "/sys", "/dev", "/run", "/usr", "/var/lib/docker")
    points = [part.mountpoint for part in writable if not part.mountpoint.startswith(system)]
    return [Path(point) for point in dict.fromkeys((*DATA_DISKS, *points))]


def check_room(needed: int, folder: Path) -> None:
    """Raises ModelError where the disk of `folder` can't take `needed` bytes; it names a better one."""
    free = free_bytes(folder)
    if free is None or needed + SPARE_BYTES <= free:
        return
    facts = {
        "needed": f"{needed / GIGA:.2f}",
        "free": f"{max(0, free - SPARE_BYTES) / GIGA:.2f}",
        "folder": folder,
    }
    better = larger_disk(needed + SPARE_BYTES, folder)
    if better is not None:
        raise ModelError("models.disk_small_move", **facts, better=better / "conch")
    raise ModelError("models.disk_small", **facts)
