"""Checkpoint folders by their names."""

from __future__ import annotations

from pathlib import Path

from conch.runs.checkpoints import numbered, step_of


def test_they_stand_in_the_order_of_their_steps(tmp_path: Path) -> None:
    for name in ("checkpoint-10", "checkpoint-9", "checkpoint-x", "checkpoint-5-old", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "checkpoint-7").write_text("a file is no checkpoint")
    assert [step_of(folder) for folder in numbered(tmp_path)] == [9, 10]
    assert step_of(tmp_path / "other") == -1
    assert numbered(tmp_path / "nowhere") == []
