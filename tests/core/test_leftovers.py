"""Temporary names of dead processes go; those of the living, of other machines and of nobody known stay."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conch.core import leftovers
from conch.core.files import TEMPORARY_PREFIX, temporary_folder, whole_folder
from conch.core.leftovers import clear_dead, own

DYING = """
import os, sys
from pathlib import Path
from conch.core.files import temporary_folder
with temporary_folder(Path(sys.argv[1])) as folder:
    (folder / "half").write_text("x")
    os._exit(9)
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def die_in(folder: Path) -> None:
    """A process dies in the middle of filling a temporary folder."""
    assert subprocess.run([sys.executable, "-c", DYING, str(folder)], check=False).returncode == 9


def test_the_next_who_writes_clears_what_a_dead_process_left(tmp_path: Path) -> None:
    for _ in range(2):
        die_in(tmp_path)
    assert len(names(tmp_path)) == 1, "the second cleared what the first left"
    with whole_folder(tmp_path / "whole") as folder:
        (folder / "file").write_text("x")
    assert names(tmp_path) == ["whole"]


def test_the_living_are_let_alone(tmp_path: Path) -> None:
    with temporary_folder(tmp_path) as mine:
        assert mine.name.startswith(own(TEMPORARY_PREFIX))
        with temporary_folder(tmp_path) as other:
            assert names(tmp_path) == sorted([mine.name, other.name])
    assert names(tmp_path) == []


def test_another_machine_s_numbers_mean_nothing_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    die_in(tmp_path)
    monkeypatch.setattr(leftovers, "hostname", lambda: "elsewhere")
    clear_dead(tmp_path, TEMPORARY_PREFIX)
    assert len(names(tmp_path)) == 1
    monkeypatch.undo()
    clear_dead(tmp_path, TEMPORARY_PREFIX)
    assert names(tmp_path) == []


def test_where_nobody_can_be_looked_up_all_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / f"{TEMPORARY_PREFIX}odd").touch()
    die_in(tmp_path)
    monkeypatch.setattr(leftovers, "_PROC", tmp_path / "no-proc")
    clear_dead(tmp_path, TEMPORARY_PREFIX)
    assert len(names(tmp_path)) == 2


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    clear_dead(tmp_path / f"nowhere-{os.getpid()}", TEMPORARY_PREFIX)
