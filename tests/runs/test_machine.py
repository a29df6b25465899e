"""How much memory is left: in the machine, and in the groups that bound a container."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from conch.runs import machine


def test_there_is_some_but_not_more_than_all() -> None:
    assert 0 < machine.memory_available() <= psutil.virtual_memory().total


def test_a_system_that_does_not_count_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "MEMINFO", tmp_path / "none")
    assert 0 < machine.memory_available() <= psutil.virtual_memory().total


@pytest.mark.parametrize(
    ("bound", "usage", "kept"),
    [
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ],
)
def test_a_group_leaves_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str, usage: str, kept: str
) -> None:
    (tmp_path / bound).write_text("1000000\n")
    (tmp_path / usage).write_text("900000\n")
    (tmp_path / "memory.stat").write_text(f"anon 5\n{kept} 50000\n")
    unbounded = tmp_path / "above"
    unbounded.mkdir()
    (unbounded / bound).write_text("max\n")
    monkeypatch.setattr(machine, "groups", lambda _: iter([tmp_path, unbounded, tmp_path / "none"]))
    machine._bounds.cache_clear()
    assert machine.memory_available() == 150_000
    assert machine.memory_total() == 1_000_000
    machine._bounds.cache_clear()


def test_what_was_swapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    status = tmp_path / "status"
    status.write_text("VmRSS:\t  100 kB\nVmSwap:\t   2048 kB\nThreads:\t1\n")
    monkeypatch.setattr(machine, "STATUS", status)
    assert machine.swapped() == 2048 * 1024
    monkeypatch.setattr(machine, "STATUS", tmp_path / "none")
    assert machine.swapped() == 0
