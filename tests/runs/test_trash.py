"""Removed runs come back as they were, or go for good."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from conch.core.errors import RunError
from conch.runs import Run, find, list_runs, store, trash
from tests.cli.made_up import made_up_run
from tests.cli.program import call

OLD, NEW = "20250101-000000-aaaa", "20250202-000000-bbbb"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_removed_run_comes_back_as_it_was(home: Path) -> None:
    run = made_up_run(OLD)
    before, summary = contents(run.folder), run.summary()
    assert call("runs", "remove", OLD).code == 0
    assert list_runs() == []
    assert (home / "trash" / "runs" / OLD).is_dir()
    assert call("runs", "restore", OLD, "--json").json() == {"restored": OLD, "folder": str(run.folder)}
    assert contents(run.folder) == before
    assert find(OLD).summary() == summary
    assert trash.trashed() == []


def test_a_run_that_was_elsewhere_goes_back_there(tmp_path: Path) -> None:
    run = made_up_run(OLD)
    moved = Run(shutil.move(run.folder, tmp_path / "elsewhere"))
    store.remove(moved)
    assert not moved.folder.exists()
    assert trash.restore("else") == moved.folder


def test_what_it_wrote_elsewhere_stays(tmp_path: Path) -> None:
    run = made_up_run(OLD, output_dir=str(tmp_path / "out"))
    store.remove(run)
    trash.empty()
    assert (tmp_path / "out" / "checkpoint-4").is_dir()


def test_the_trash_is_emptied_for_good() -> None:
    for name in (OLD, NEW):
        store.remove(made_up_run(name))
    emptied = call("runs", "empty-trash", "--json").json()
    assert emptied["deleted"] == 2
    assert emptied["bytes"] > 1000
    assert "0" in call("runs", "empty-trash").out
    refused = call("runs", "restore", OLD)
    assert refused.code == 1
    assert "trash" in refused.err


def test_a_taken_place_is_not_overwritten() -> None:
    store.remove(made_up_run(OLD))
    made_up_run(OLD)
    with pytest.raises(RunError, match="can't come back"):
        trash.restore(OLD)
    store.remove(find(OLD))
    assert len(trash.trashed()) == 1, "the newer one of two that bear one name"


def test_part_of_an_id_must_be_of_one_run() -> None:
    for name in (OLD, NEW):
        store.remove(made_up_run(name))
    with pytest.raises(RunError, match="several removed"):
        trash.restore("2025")
    assert "is back" in call("runs", "restore", "202501").out


def test_a_run_whose_origin_is_not_known_goes_to_the_runs(home: Path) -> None:
    store.remove(made_up_run(OLD))
    (trash.trash_folder() / OLD / trash.ORIGIN).write_text("[]")
    assert trash.restore(OLD) == home / "runs" / OLD
