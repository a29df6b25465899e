"""The groups by which Linux, and so a container, bounds what processes may use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path


def groups(controller: str, root: Path = Path("/"), pid: int | str = "self") -> Iterator[Path]:
    """The folders of a process's group and of all that it lies in, nearest first, in both schemes of Linux.

    A bound of any of them counts. In a container the names that the system tells may be those outside
    of it, while its own group is the topmost that can be seen.
    """
    second = root / "sys/fs/cgroup"
    first = second / controller
    for line in _memberships(root, pid):
        _, controllers, group = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        top = first if controllers else second
        place = top / group.lstrip("/")
        yield from (folder for folder in (place, *place.parents) if top in folder.parents)
    yield from (second, first)


def _memberships(root: Path, pid: int | str) -> list[str]:
    try:
        return (root / f"proc/{pid}/cgroup").read_text().splitlines()
    except OSError:
        return []
