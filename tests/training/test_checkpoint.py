"""Which checkpoint is the newest that is whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from conch.training import checkpoint
from conch.training.checkpoint import is_whole, latest


def test_it_is_looked_for_from_the_newest_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are: none is read that is older than what is found."""
    looked: list[str] = []
    monkeypatch.setattr(
        checkpoint, "is_whole", lambda folder: looked.append(folder.name) or folder.name.endswith("9")
    )
    for step in (8, 9, 10):
        (tmp_path / f"checkpoint-{step}").mkdir()
    assert latest(tmp_path) == tmp_path / "checkpoint-9"
    assert looked == ["checkpoint-10", "checkpoint-9"]
    assert latest(tmp_path / "nowhere") is None
    assert not is_whole(tmp_path / "checkpoint-8")
