"""How many cores a process may use, on machines made up of files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conch.core.cgroups import groups
from conch.core.cores import usable_cores

TWO, ONE = "sys/fs/cgroup", "sys/fs/cgroup/cpu"


def bounded(root: Path, place: str, quota: str, period: int = 100_000) -> None:
    """A group's bound, in the scheme that `place` belongs to."""
    folder = root / place
    folder.mkdir(parents=True, exist_ok=True)
    if place.startswith(ONE):
        (folder / "cpu.cfs_quota_us").write_text(f"{quota}\n")
        (folder / "cpu.cfs_period_us").write_text(f"{period}\n")
    else:
        (folder / "cpu.max").write_text(f"{quota} {period}\n")


def member(root: Path, *lines: str) -> None:
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text("".join(f"{line}\n" for line in lines))


@pytest.fixture(autouse=True)
def four(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(4)), raising=False)


@pytest.mark.parametrize(
    ("place", "quota", "cores"),
    [
        (TWO, "150000", 1.5),
        (TWO, "max", 4),
        (TWO, "800000", 4),
        (ONE, "50000", 0.5),
        (ONE, "-1", 4),
        (TWO, "nonsense", 4),
    ],
)
def test_a_container_sees_its_own_group_at_the_top(
    place: str, quota: str, cores: float, tmp_path: Path
) -> None:
    bounded(tmp_path, place, quota)
    assert usable_cores(tmp_path) == cores
    member(tmp_path, "0::/", "3:cpu,cpuacct:/docker/0123")  # names of outside: there is no such folder here
    assert usable_cores(tmp_path) == cores


@pytest.mark.parametrize("top", [TWO, ONE])
@pytest.mark.parametrize("bound", ["a", "a/b", "a/b/c"])
def test_the_bound_of_any_group_above_counts(top: str, bound: str, tmp_path: Path) -> None:
    member(tmp_path, "5:memory:/m", "4:cpu,cpuacct:/a/b/c", "0::/a/b/c")
    bounded(tmp_path, f"{top}/{bound}", "200000")
    bounded(tmp_path, f"{top}/a/b/other", "10000")
    bounded(tmp_path, f"{top}/m", "10000")
    assert usable_cores(tmp_path) == 2


def test_no_folder_outside_of_the_groups_is_looked_at(tmp_path: Path) -> None:
    member(tmp_path, "0::/../../etc", "4:cpu:/a")
    top = tmp_path / TWO
    assert all(top in (folder, *folder.parents) for folder in groups("cpu", tmp_path))


def test_on_this_machine_there_is_some() -> None:
    assert 0 < usable_cores() <= 4
